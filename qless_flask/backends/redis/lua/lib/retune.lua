-- retune: other settings for a queue, from now on: who waits for its jobs looks anew.
-- @include stage
-- @include tune
local function retune(queue, settings, limits, retention)
  -- It takes over nothing more of its namespace, if it is new.
  queue.given = {}
  if limits ~= '' then limits = limits_since(queue.limits, limits) end
  tune(queue.hash, settings, limits, retention)
  if differ_in_keys(queue.limits, limits) then call('HSET', queue.hash, 'resort', '1') end
  queue.freed = call('ZCARD', key('w', queue.name)) + call('ZCARD', key('v', queue.name))
end

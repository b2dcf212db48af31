-- groups: the index of each failure group, and what is counted of it: the queues and klasses of its jobs. That is written at
-- the end of a script. lib/index includes it, behind set_score.
-- @include job
local touches = {}

-- Into a group (by 1), with the time of its end, or out of it (by -1) while the job is still in the queue in which it
-- entered.
local function touch_group(job, group, by)
  set_score(key('group', group), job.jid, by > 0 and '-' .. job.ended)
  local touched = touches[group] or {}
  touches[group] = touched
  for _, name in ipairs({'q' .. job.queue, 'k' .. job.klass}) do touched[name] = (touched[name] or 0) + by end
end

local function flush_groups()
  for group, touched in pairs(touches) do
    local hash = key('touched', group)
    for name, by in pairs(touched) do
      if by ~= 0 and call('HINCRBY', hash, name, by) == 0 then call('HDEL', hash, name) end
    end
    if call('EXISTS', hash) == 1 then call('ZADD', key('groups'), 0, group) else call('ZREM', key('groups'), group) end
  end
  touches = {}
end

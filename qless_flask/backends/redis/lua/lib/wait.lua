-- wait: what is noted where a pop finds nothing, and waits; lib/pop includes it.
-- When a queue may have something that is kept back now; NEVER where no time is in sight.
local function kept_back_until(queue)
  local till = NEVER
  if queue.unsorted then return now_text end
  if queue.limits ~= '' and (queue.has_lanes or call('ZCARD', key('w', queue.name)) > 0) then
    till = lanes().rate_free_at(queue) or NEVER
  end
  if queue.has_lanes then
    local first = call('ZRANGE', key('blocked', queue.name), 0, 0, 'WITHSCORES')
    if first[2] then till = math.min(till, math.max(now, first[2])) end
  end
  return string.format('%.0f', till)
end

-- Let it know in time of a job in a queue. Those who offer something hear of it elsewhere.
local function wait_in(queue, wait)
  local till, list = now + wait + 1000, key('wake', queue.name)
  if not queue.waits or tonumber(queue.waits) < now + wait then
    call('HSET', queue.hash, 'waits', till)
    if not queue.place then call('PEXPIRE', queue.hash, wait + 1000) end
  end
  if offers ~= '' then
    local kinds = key('waits', queue.name)
    local before = tonumber(call('HGET', kinds, offers) or 0)
    if before < now + wait then call('HSET', kinds, offers, till) end
    if call('PTTL', kinds) < wait + 1000 then call('PEXPIRE', kinds, wait + 1000) end
    list = list .. '\t' .. offers
  end
  if queue.limits ~= '' and lanes().limits_of(queue).concurrency then
    local held = tonumber(call('HGET', queue.hash, 'held') or 0)
    if held < till then call('HSET', queue.hash, 'held', till) end
  end
  -- Tokens that are still there tell of jobs that others have taken.
  call('DEL', list)
end

-- summary: a queue in figures: name, paused, settings, scheduled, depends, waiting, running, stalled, complete, failed,
-- canceled, the longest that the next job of a priority has waited ('' for none).
-- @include queue
local function oldest_wait(index)
  local oldest
  local head = call('ZRANGE', index, 0, 0, 'WITHSCORES')
  while head[1] do
    local job = load_job(head[1])
    if job then oldest = math.max(oldest or 0, now - (job.available == '' and job.created or job.available)) end
    -- On to the first of the next lower priority.
    local step = math.floor(tonumber(head[2]) / PRIORITY_STEP) + 1
    head = call('ZRANGEBYSCORE', index, string.format('%.0f', step * PRIORITY_STEP), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  end
  return oldest or ''
end

local function summary(name)
  local found = call('HMGET', key('queue', name), 'paused', 'settings')
  return {
    name, found[1] or '', found[2] or '',
    call('ZCARD', key('s', name)), call('ZCARD', key('d', name)), call('ZCARD', key('w', name)),
    call('ZCARD', key('r', name)), call('ZCOUNT', key('r', name), '-inf', now),
    call('ZCARD', key('c', name)), call('ZCARD', key('f', name)), call('ZCARD', key('x', name)),
    oldest_wait(key('w', name)),
  }
end

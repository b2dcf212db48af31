-- summary: a queue in figures: name, paused, what its namespace and what it says of settings itself, scheduled, depends,
-- waiting, running, stalled, complete, failed, canceled, the longest that the next job of a priority has waited ('' for
-- none).
-- @include queue
-- @include own

-- The first job of an index from a score on, with its own.
local function next_head(index, from)
  local head = call('ZRANGEBYSCORE', index, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return head[1], tonumber(head[2])
end

local function waited(jid)
  local job = load_job(jid)
  return job and now - (job.available == '' and job.created or job.available) or 0
end

-- Those with a key or requirements stand in an index of their own.
local function oldest_wait(name)
  local plain, other = key('w', name), key('v', name)
  local oldest, from = nil, '-inf'
  while true do
    local one, score = next_head(plain, from)
    local two, second = next_head(other, from)
    if not one or (two and second < score) then one, score = two, second end
    if not one then return oldest or '' end
    oldest = math.max(oldest or 0, waited(one))
    -- On to the first of the next lower priority.
    from = string.format('%.0f', (math.floor(score / PRIORITY_STEP) + 1) * PRIORITY_STEP)
  end
end

local function summary(name)
  return {
    name, call('HGET', key('queue', name), 'paused') or '', call('HGET', key('meta'), 'own') or '', own_of(name),
    call('ZCARD', key('s', name)), call('ZCARD', key('d', name)),
    call('ZCARD', key('w', name)) + call('ZCARD', key('v', name)), call('ZCARD', key('r', name)),
    call('ZCOUNT', key('r', name), '-inf', now),
    call('ZCARD', key('c', name)), call('ZCARD', key('f', name)), call('ZCARD', key('x', name)),
    oldest_wait(name),
  }
end

-- prune(now, limit, queue...)
-- Delete ended jobs past their retention, old events, and workers long gone. Answers {jobs deleted, 1 if more may be}.
-- It makes room in a full store too, where it cannot write what it did into the log.
-- @include erase
local full = type(redis.pcall('SETRANGE', key('room'), 0, '')) == 'table'
-- @constant RETENTION
-- @constant EVENT_MS
-- @constant EVENT_ENTRIES
-- @constant WORKER_MS
local STEP = 1000

local function delete(index, jids)
  if #jids == 0 then return end
  load_jobs(jids)
  for i = 1, #jids do
    local job = jobs[jids[i]]
    if job then
      erase(job)
      if not full then note('d', job, job.queue, '', '', '', '') end
    else
      set_score(index, jids[i], false)
    end
  end
  call('HDEL', records, unpack(jids))
  flush_indexes()
end

-- The scores are minus the time of the end: the longest ended stand last.
local function prune_queue(name, kind, left)
  local index = key(kind.state, name)
  local over = math.min(call('ZCARD', index) - kind.count, left)
  local jids = {}
  if over > 0 then jids = call('ZREVRANGE', index, 0, over - 1) end
  delete(index, jids)
  local old = {}
  if left > #jids then
    old = call('ZREVRANGEBYSCORE', index, '+inf', kind.age - now, 'LIMIT', 0, left - #jids)
  end
  delete(index, old)
  return #jids + #old
end

-- Answers whether there may be more.
local function trim_events()
  local events = key('events')
  local over = call('XLEN', events) - EVENT_ENTRIES
  local last, trimmed = nil, 0
  for i, entry in ipairs(call('XRANGE', events, '-', '+', 'COUNT', STEP)) do
    local at = tonumber(string.match(entry[2][2], '^%d+'))
    if i > over and at > now - EVENT_MS then break end
    last, trimmed = entry[1], i
  end
  if last then
    local ms, sequence = string.match(last, '^(%d+)-(%d+)$')
    call('XTRIM', events, 'MINID', ms .. '-' .. string.format('%.0f', sequence + 1))
    redis.pcall('HSET', key('meta'), 'trimmed', last)
  end
  return trimmed == STEP
end

local function forget_workers()
  local cursor = call('HGET', key('meta'), 'worker_cursor') or '0'
  local found = call('HSCAN', key('workers'), cursor, 'COUNT', STEP)
  for i = 1, #found[2], 2 do
    local worker, seen = found[2][i], tonumber(found[2][i + 1])
    if seen <= now - WORKER_MS and (tonumber(call('HGET', key('running'), worker)) or 0) <= 0 then
      call('HDEL', key('workers'), worker)
      call('HDEL', key('running'), worker)
    end
  end
  if found[1] == '0' then
    call('HDEL', key('meta'), 'worker_cursor')
  else
    redis.pcall('HSET', key('meta'), 'worker_cursor', found[1])
  end
end

gather = true
local limit = tonumber(ARGV[2])
local left = limit
for i = 3, #ARGV do
  for _, kind in ipairs(RETENTION) do
    if left > 0 then left = left - prune_queue(ARGV[i], kind, left) end
  end
end
local more = trim_events()
forget_workers()
flush()
return {limit - left, (more or left == 0) and 1 or 0}

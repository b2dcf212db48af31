-- prune(now, limit, queue...)
-- Delete ended jobs past their retention, old events, and workers long gone. Answers {jobs deleted, 1 if more may be}.
-- It makes room in a full store too, where it cannot write what it did into the log.
-- @include erase
local full = type(redis.pcall('SETRANGE', key('room'), 0, '')) == 'table'
-- @constant RETENTION
-- @constant EVENT_MS
-- @constant EVENT_ENTRIES
-- @constant WORKER_MS
-- @constant PRUNE_SCANNED
local STEP = 1000
local scanned = 0

local function delete(index, jids)
  for i = 1, #jids do
    local job = jobs[jids[i]]
    if job then
      erase(job)
      if not full then note('d', job, job.queue, '', '', '', '') end
    else
      set_score(index, jids[i], false)
    end
  end
  if #jids > 0 then call('HDEL', records, unpack(jids)) end
  if tied then tied.flush() end
  flush_indexes()
  flush_writes()
end

-- In a full store figures cannot be kept: those who have some must stay until there is room.
local function is_kept(job)
  return has(job, 'p') or (full and (has(job, 'k') or job.state == 'f'))
end

local function deletable(jids, most)
  local found = {}
  load_jobs(jids)
  for i = 1, #jids do
    local job = jobs[jids[i]]
    if #found < most and not (job and is_kept(job)) then found[#found + 1] = jids[i] end
  end
  return found
end

-- The scores are minus the time of the end: the longest ended stand last. Those for which others wait are passed over.
local function prune_queue(name, kind, left)
  local index = key(kind.state, name)
  local over = call('ZCARD', index) - kind.count
  local deleted, passed = 0, 0
  while deleted < left and scanned < PRUNE_SCANNED do
    local step = math.min(STEP, PRUNE_SCANNED - scanned, math.max(100, left - deleted))
    local jids
    if over > deleted then
      jids = call('ZREVRANGE', index, passed, passed + math.min(step, over - deleted) - 1)
    else
      jids = call('ZREVRANGEBYSCORE', index, '+inf', kind.age - now, 'LIMIT', passed, step)
    end
    if #jids == 0 then break end
    scanned = scanned + #jids
    local gone = deletable(jids, left - deleted)
    delete(index, gone)
    deleted = deleted + #gone
    passed = passed + #jids - #gone
  end
  return deleted
end

-- Unique keys that were held for a time, which is over. Answers whether there may be more.
local function prune_unique()
  local names = call('ZRANGEBYSCORE', key('unique_until'), '-inf', now_text, 'LIMIT', 0, STEP)
  for i = 1, #names do
    local till = string.match(call('HGET', key('unique'), names[i]) or '', '\t(%d+)$')
    if till and now >= tonumber(till) then call('HDEL', key('unique'), names[i]) end
  end
  if #names > 0 then call('ZREM', key('unique_until'), unpack(names)) end
  return #names == STEP
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
    local worker, seen = found[2][i], tonumber(string.match(found[2][i + 1], '^%d+'))
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
more = prune_unique() or more
forget_workers()
flush()
return {limit - left, (more or left == 0) and 1 or 0}

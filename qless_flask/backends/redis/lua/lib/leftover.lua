-- leftover: what prune takes away beside jobs and events. Each step is bounded; some answer whether there may be more.
-- @include now
-- @include keys
-- @constant WORKER_MS
local LEFT_AT_ONCE = 1000

-- Unique keys that were held for a time, which is over.
local function prune_unique()
  local names = call('ZRANGEBYSCORE', key('unique_until'), '-inf', now_text, 'LIMIT', 0, LEFT_AT_ONCE)
  for i = 1, #names do
    local till = string.match(call('HGET', key('unique'), names[i]) or '', '\t(%d+)$')
    if till and now >= tonumber(till) then call('HDEL', key('unique'), names[i]) end
  end
  if #names > 0 then call('ZREM', key('unique_until'), unpack(names)) end
  return #names == LEFT_AT_ONCE
end

-- The times of pops of keys of which none counts any more.
local function prune_keys(name)
  local index = key('popped_keys', name)
  if call('EXISTS', index) == 0 then return false end
  local limits = call('HGET', key('queue', name), 'limits') or ''
  local per, since = string.match(limits, '^F?%d*,%d*,%d*,%d*,%d*,%d*,(%d*),(%d*)')
  local last = now
  if per and per ~= '' then last = math.max(now - per, (tonumber(since) or 0) - 1) end
  local names = call('ZRANGEBYSCORE', index, '-inf', last, 'LIMIT', 0, LEFT_AT_ONCE)
  for i = 1, #names do call('DEL', key('key_pops', name .. '\t' .. names[i])) end
  if #names > 0 then call('ZREM', index, unpack(names)) end
  return #names == LEFT_AT_ONCE
end

local function forget_workers()
  local cursor = call('HGET', key('meta'), 'worker_cursor') or '0'
  local found = call('HSCAN', key('workers'), cursor, 'COUNT', LEFT_AT_ONCE)
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

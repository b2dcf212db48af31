-- trim: which events go: old ones that all have read, those still older, and those that are too many.
-- @include now
-- @include keys
-- @constant EVENT_MS
-- @constant EVENT_MOST_MS
-- @constant EVENT_ENTRIES
local ENTRIES_AT_ONCE = 1000
-- The entry of a batch is long: one is looked at, and more are read while they go.
local ENTRIES_READ = 20

-- The entry up to which a cursor has passed; nothing for what is none.
local function passed_by(cursor)
  if cursor == '0' then return 0, 0 end
  local ms, sequence, index = string.match(cursor, '^(%d+)%-(%d+)(/?%d*)$')
  if not ms then return end
  -- One with an index stands in the middle of its entry.
  return tonumber(ms), index == '' and tonumber(sequence) or sequence - 1
end

-- The entry up to which everybody has passed, the statistics too.
local function passed_by_all()
  local cursors = call('HVALS', key('readers'))
  cursors[#cursors + 1] = call('HGET', key('meta'), 'folded') or '0'
  local least_ms, least_sequence = math.huge, 0
  for i = 1, #cursors do
    local ms, sequence = passed_by(cursors[i])
    if ms and (ms < least_ms or (ms == least_ms and sequence < least_sequence)) then
      least_ms, least_sequence = ms, sequence
    end
  end
  return least_ms, least_sequence
end

-- Answers whether there may be more.
local function trim_events()
  local events = key('events')
  local over = call('XLEN', events) - EVENT_ENTRIES
  local passed_ms, passed_sequence = passed_by_all()
  local last, trimmed, stays = nil, 0, false
  repeat
    local read = last and ENTRIES_READ or 1
    local entries = call('XRANGE', events, last and '(' .. last or '-', '+', 'COUNT', read)
    for i = 1, #entries do
      local id, at = entries[i][1], tonumber(string.match(entries[i][2][2], '^%d+'))
      local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
      ms, sequence = tonumber(ms), tonumber(sequence)
      local passed = ms < passed_ms or (ms == passed_ms and sequence <= passed_sequence)
      stays = trimmed >= over and at > now - EVENT_MOST_MS and not (passed and at <= now - EVENT_MS)
      if stays then break end
      last, trimmed = id, trimmed + 1
    end
  until stays or #entries < read or trimmed >= ENTRIES_AT_ONCE
  if last then
    local ms, sequence = string.match(last, '^(%d+)-(%d+)$')
    call('XTRIM', events, 'MINID', ms .. '-' .. string.format('%.0f', sequence + 1))
    redis.pcall('HSET', key('meta'), 'trimmed', last)
  end
  return trimmed >= ENTRIES_AT_ONCE
end

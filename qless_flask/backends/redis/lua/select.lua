-- select(now, count, score, jid, since, before, {kind, name}...)
-- Read up to count jobs from these indexes, one after the other; in the first after (score, jid) where a score is given.
-- Of indexes that go by time only from one time to before another, each '' where it does not matter.
-- Answers {number of the index, score, jid, record, options, failure, needs, progress} each.
-- @include extras
local count = tonumber(ARGV[2])
local since, before = ARGV[5], ARGV[6]
local answers = {}
local rising, falling = {s = true, d = true}, {c = true, f = true, x = true, group = true}

-- Byte by byte, as indexes are sorted: Lua's own <= goes by the server's locale.
local function at_or_before(jid, other)
  for i = 1, math.min(#jid, #other) do
    local one, two = string.byte(jid, i), string.byte(other, i)
    if one ~= two then return one < two end
  end
  return #jid <= #other
end

-- How many members of an index stand at or before (score, jid): a binary search among those of the same score.
local function rank_after(index, score, jid)
  local low = call('ZCOUNT', index, '-inf', '(' .. score)
  local high = low + call('ZCOUNT', index, score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if at_or_before(call('ZRANGE', index, middle, middle)[1], jid) then low = middle + 1 else high = middle end
  end
  return low
end

local function count_to(index, score)
  return call('ZCOUNT', index, '-inf', score)
end

-- How many of an index stand before those of the times asked for, and up to the last of them.
local function span(kind, index)
  local skipped, reached = 0, math.huge
  if rising[kind] then
    if since ~= '' then skipped = count_to(index, '(' .. since) end
    if before ~= '' then reached = count_to(index, '(' .. before) end
  elseif falling[kind] then
    if before ~= '' then skipped = count_to(index, '-' .. before) end
    if since ~= '' then reached = count_to(index, '-' .. since) end
  end
  return skipped, reached
end

-- Up to `most` of an index from a place of it on: jid, score…
local function read_on(index, start, most)
  return most > 0 and call('ZRANGE', index, start, start + most - 1, 'WITHSCORES') or {}
end

-- Those of two indexes, which share no job, in one order.
local function merged(one, two, most)
  if #two == 0 then return one end
  local both, i, j = {}, 1, 1
  while #both < 2 * most and (one[i] or two[j]) do
    local score, other = tonumber(one[i + 1] or math.huge), tonumber(two[j + 1] or math.huge)
    if score < other or (score == other and at_or_before(one[i], two[j])) then
      both[#both + 1], both[#both + 2] = one[i], one[i + 1]
      i = i + 2
    else
      both[#both + 1], both[#both + 2] = two[j], two[j + 1]
      j = j + 2
    end
  end
  return both
end

for i = 7, #ARGV, 2 do
  local left = count - #answers
  if left == 0 then break end
  local kind, name = ARGV[i], ARGV[i + 1] ~= '' and ARGV[i + 1]
  local function behind(index)
    return i == 7 and ARGV[3] ~= '' and rank_after(index, ARGV[3], ARGV[4]) or 0
  end
  local index = key(kind, name)
  local skipped, reached = span(kind, index)
  local start = math.max(skipped, behind(index))
  local found = read_on(index, start, math.min(left, reached - start))
  if kind == 'w' then
    -- Those with a key or requirements stand in an index of their own.
    index = key('v', name)
    found = merged(found, read_on(index, behind(index), left), left)
  end
  for j = 1, #found, 2 do
    local jid, number, score = found[j], (i - 7) / 2, found[j + 1]
    local text = call('HGET', records, jid) or ''
    answers[#answers + 1] = {number, score, jid, text, listed(jid, flags_of(text) or '')}
  end
end
return answers

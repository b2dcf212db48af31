-- select(now, count, score, jid, {kind, name}...)
-- Read up to count jobs from these indexes, one after the other; in the first after (score, jid) where a score is given.
-- Answers {number of the index, score, jid, record, options, failure, needs, progress} each.
-- @include extras
local count = tonumber(ARGV[2])
local answers = {}

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

for i = 5, #ARGV, 2 do
  local left = count - #answers
  if left == 0 then break end
  local index = key(ARGV[i], ARGV[i + 1] ~= '' and ARGV[i + 1])
  local start = i == 5 and ARGV[3] ~= '' and rank_after(index, ARGV[3], ARGV[4]) or 0
  local found = call('ZRANGE', index, start, start + left - 1, 'WITHSCORES')
  for j = 1, #found, 2 do
    local jid, number, score = found[j], (i - 5) / 2, found[j + 1]
    local text = call('HGET', records, jid) or ''
    answers[#answers + 1] = {number, score, jid, text, listed(jid, flags_of(text) or '')}
  end
end
return answers

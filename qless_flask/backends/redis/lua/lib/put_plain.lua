-- put_plain: the straight way of plain new jobs into a known queue for which nobody waits; nil for all others.
-- It does what create in put.lua does: made of its functions, it would cost three times as much. One job needs no tables.
-- @include now
-- @include keys
-- @include record
-- @constant RETRIES
local function new_jids(count)
  local jids, seen = {}, {}
  for i = 1, count do
    local jid = ARGV[i * 8 - 6]
    if seen[jid] then return end
    jids[i], seen[jid] = jid, true
  end
  for _, found in ipairs(call('HMGET', records, unpack(jids))) do
    if found then return end
  end
  return jids
end

local function put_plain()
  local jid, name, count = ARGV[2], ARGV[3], (#ARGV - 1) / 8
  for i = 2, #ARGV, 8 do
    if ARGV[i + 1] ~= name or ARGV[i + 5] ~= '' or ARGV[i + 7] ~= '' or #ARGV[i + 3] > INLINE_BYTES then return end
  end
  local hash, waiting = key('queue', name), key('w', name)
  local jids, fields, scores
  local queue = call('HMGET', hash, 'place', 'waits', 'settings', 'limits')
  if not queue[1] or queue[4] or (queue[2] and tonumber(queue[2]) > now) then return end
  if count > 1 then
    jids = new_jids(count)
    if not jids then return end
    fields, scores = {}, {}
  end
  local retries = queue[3] and string.match(queue[3], ',(%d+)') or RETRIES
  local place, place_text, answers = tonumber(queue[1]), nil, {'w1'}
  for i = 1, count do
    local at = i * 8 - 6
    local priority = ARGV[at + 4]
    place = place + 1
    place_text = string.format('%.0f', place)
    local text = 'w\t' .. name .. '\t' .. priority .. '\t' .. place_text .. '\t' .. now_text .. '\t\t' .. retries
      .. '\t\n\n\n' .. ARGV[at + 2] .. '\n' .. ARGV[at + 3]
    local score = priority == '' and place_text or place - priority * PRIORITY_STEP
    if not jids then
      if call('HSETNX', records, jid, text) == 0 then return end
      call('ZADD', waiting, score, jid)
    else
      fields[2 * i - 1], fields[2 * i], scores[2 * i - 1], scores[2 * i] = jids[i], text, score, jids[i]
      answers[i] = 'w1'
    end
  end
  if jids then
    call('HSET', records, unpack(fields))
    call('ZADD', waiting, unpack(scores))
    jid = table.concat(jids, '\t')
  end
  call('HSET', hash, 'place', place_text)
  call('XADD', key('events'), '*', 'e', now_text .. '\np\t' .. name .. '\t\tw\t\t\t' .. jid)
  return answers
end

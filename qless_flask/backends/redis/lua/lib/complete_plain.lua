-- complete_plain: the straight way of jobs of one queue and worker, without options or failure, to their end; nil for
-- all others. It does what complete in lib/settle.lua does: made of its functions, it would cost three times as much.
-- @include now
-- @include keys
-- @include record
local RUNNING = '^r(\t([^\t]*)\t[^\t]*\t%d+\t(%d+)\t%d*\t%d+\t([dl]*)\n)([^\n]*)\n([^\n]*)(\n([^\n]*).*)$'

-- The record of a completed job, its queue, its worker, since when it ran, and its klass; or nil where it is no plain job or another's.
local function completed(text, token)
  local head, name, created, _, ran, history, rest, klass = string.match(text or '', RUNNING)
  if not head or #history > LONG_HISTORY then return end
  local runs, losses, started, _, worker, held = string.match(ran, RUNS)
  if held ~= token then return end
  return 'c' .. head .. runs .. '\t' .. losses .. '\t' .. started .. '\t' .. now_text .. '\t\t\t' .. token .. '\tcc\n'
    .. history .. '\tc' .. (now - created) .. ':' .. rest, name, worker, started, klass
end

-- Whether nobody waits for a lease of the queue to end, and it is not frozen.
local function is_plain(name)
  local held = call('HGET', key('queue', name), 'held')
  return not held or tonumber(held) <= now
end

local function complete_plain(first, last)
  for i = first, last, 7 do
    if ARGV[i] ~= 'c' or ARGV[i + 4] ~= '' or ARGV[i + 6] ~= '' then return end
  end
  local jid, score, count, answers = ARGV[first + 1], '-' .. now_text, (last - first + 1) / 7, {'c'}
  local name, worker, text, since, klass, item
  if count == 1 then
    text, name, worker, since, klass = completed(call('HGET', records, jid), ARGV[first + 2])
    if not text or not is_plain(name) then return end
    call('HSET', records, jid, text)
    call('ZREM', key('r', name), jid)
    call('ZADD', key('c', name), score, jid)
    item = jid .. '\1' .. since .. '\1' .. klass
  else
    local jids, fields, scores, seen, items, last_klass = {}, {}, {}, {}, {}, nil
    for i = 1, count do jids[i] = ARGV[first + 7 * i - 6] end
    local found = count > 0 and call('HMGET', records, unpack(jids))
    for i = 1, count do
      local queue, holder
      jid = jids[i]
      text, queue, holder, since, klass = completed(found[i], ARGV[first + 7 * i - 5])
      name, worker = name or queue, worker or holder
      if not text or queue ~= name or holder ~= worker or seen[jid] then return end
      fields[2 * i - 1], fields[2 * i], scores[2 * i - 1], scores[2 * i] = jid, text, score, jid
      answers[i], seen[jid] = 'c', true
      item = jid .. '\1' .. since
      if klass ~= last_klass then item, last_klass = item .. '\1' .. klass, klass end
      items[i] = item
    end
    if not found or not is_plain(name) then return end
    call('HSET', records, unpack(fields))
    call('ZREM', key('r', name), unpack(jids))
    call('ZADD', key('c', name), unpack(scores))
    item = table.concat(items, '\t')
  end
  call('HINCRBY', key('running'), worker, -count)
  call('XADD', key('events'), '*', 'e', now_text .. '\nc\t' .. name .. '\t\tc\t' .. worker .. '\t\t' .. item)
  return answers
end

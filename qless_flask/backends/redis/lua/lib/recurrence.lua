-- recurrence: how a recurrence is kept, in the hash of recurrences: next run (ms), paused (1), fired, the time of its last
-- job (ms), queue, overlap, apart by tabs \n the jid of its last job \n its timing \n its rule, which no script reads.
-- recurrence_ids: a sorted set of all; recurring: of those that go on, by their next run.
-- @include now
-- @include keys
local function load_recurrence(id)
  local text = call('HGET', key('recurrences'), id)
  if not text then return end
  local found = {id = id, text = text}
  found.next_at, found.paused, found.fired, found.last_at, found.queue, found.overlap, found.last_jid, found.timing,
    found.rule = string.match(text, '^(%d*)\t(1?)\t(%d+)\t(%d*)\t([^\t]*)\t(%a*)\n([^\n]*)\n([^\n]*)\n(.*)$')
  return found
end

local function save_recurrence(kept)
  kept.text = kept.next_at .. '\t' .. kept.paused .. '\t' .. kept.fired .. '\t' .. kept.last_at .. '\t' .. kept.queue
    .. '\t' .. kept.overlap .. '\n' .. kept.last_jid .. '\n' .. kept.timing .. '\n' .. kept.rule
  call('HSET', key('recurrences'), kept.id, kept.text)
  if kept.next_at == '' or kept.paused == '1' then
    call('ZREM', key('recurring'), kept.id)
  else
    call('ZADD', key('recurring'), kept.next_at, kept.id)
  end
end

local function recurrence_not_found(id)
  return redis.error_reply('RECURRENCE_NOT_FOUND ' .. id)
end

-- recur(now, actor, id, queue, overlap, count or '', next run in ms or '', timing, rule)
-- Make a recurrence, or replace its rule: then the next run stays where there is one and its timing stays. Answers as it
-- is kept.
-- @include recurrence
-- @include event
-- @include room
local id, count, next_at = ARGV[3], tonumber(ARGV[6]), ARGV[7]
local kept = load_recurrence(id)
if kept then
  if kept.timing ~= ARGV[8] or kept.next_at == '' then kept.next_at = next_at end
  if count and tonumber(kept.fired) >= count then kept.next_at = '' end
else
  kept = {id = id, next_at = next_at, paused = '', fired = '0', last_at = '', last_jid = ''}
  call('ZADD', key('recurrence_ids'), 0, id)
end
kept.queue, kept.overlap, kept.timing, kept.rule = ARGV[4], ARGV[5], ARGV[8], ARGV[9]
save_recurrence(kept)
note('j', '', kept.queue, '', '', '', id)
flush_events(ARGV[2])
return kept.text

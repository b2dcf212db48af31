-- pause_recurrence(now, actor, id)
-- Let a recurrence put nothing by itself. Answers as it is kept.
-- @include recurrence
-- @include event
-- @include room
local kept = load_recurrence(ARGV[3])
if not kept then return recurrence_not_found(ARGV[3]) end
kept.paused = '1'
save_recurrence(kept)
note('j', '', kept.queue, '', '', '', kept.id)
flush_events(ARGV[2])
return kept.text

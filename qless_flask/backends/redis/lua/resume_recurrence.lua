-- resume_recurrence(now, actor, id, rule as it was seen, next run in ms)
-- Let a recurrence go on, if its rule is that still; one without a next run has none afterwards. Answers as it is kept,
-- '' for another rule.
-- @include recurrence
-- @include event
-- @include room
local kept = load_recurrence(ARGV[3])
if not kept then return recurrence_not_found(ARGV[3]) end
if kept.rule ~= ARGV[4] then return '' end
kept.paused = ''
if kept.next_at ~= '' then kept.next_at = ARGV[5] end
save_recurrence(kept)
note('j', '', kept.queue, '', '', '', kept.id)
flush_events(ARGV[2])
return kept.text

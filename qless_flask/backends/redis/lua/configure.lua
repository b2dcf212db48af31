-- configure(now, actor, queue, version, own, settings, limits, retention)
-- Give a queue other settings: what it says itself, and those in force, as lib/tune has them. Answers as lib/summary says;
-- or CHANGED, where what was read of that version is not so any more.
-- @include summary
-- @include retune
-- @include version
-- @include room
if is_changed(ARGV[4]) then return 'CHANGED' end
local queue = load_queue(ARGV[3])
queue.place = queue.place or '0'
retune(queue, ARGV[6], ARGV[7], ARGV[8])
set_field(queue.hash, 'own', ARGV[5])
note('g', '', queue.name, '', '', '', '')
flush(ARGV[2])
return summary(queue.name)

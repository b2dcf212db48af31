-- unrecur(now, actor, id)
-- Delete a recurrence.
-- @include recurrence
-- @include event
-- @include room
local id = ARGV[3]
local kept = load_recurrence(id)
if not kept then return recurrence_not_found(id) end
call('HDEL', key('recurrences'), id)
call('ZREM', key('recurrence_ids'), id)
call('ZREM', key('recurring'), id)
note('j', '', kept.queue, '', '', '', id)
flush_events(ARGV[2])
return 1

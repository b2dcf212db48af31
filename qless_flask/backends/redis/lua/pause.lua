-- pause(now, actor, queue)
-- Let nothing be popped from a queue. Answers as lib/summary says.
-- @include summary
-- @include stage
-- @include room
local queue = load_queue(ARGV[3])
queue.place = queue.place or '0'
call('HSET', key('queue', queue.name), 'paused', '1')
note('z', '', queue.name, '', '', '', '')
flush(ARGV[2])
return summary(queue.name)

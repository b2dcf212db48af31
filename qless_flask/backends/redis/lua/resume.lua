-- resume(now, actor, queue)
-- Let a queue be popped from again. Answers as lib/summary says.
-- @include summary
-- @include stage
-- @include room
local queue = load_queue(ARGV[3])
if not queue.place then return redis.error_reply('QUEUE_NOT_FOUND ' .. ARGV[3]) end
call('HDEL', key('queue', queue.name), 'paused')
-- Those who wait are woken as if the jobs had just come.
queue.freed = call('ZCARD', key('w', queue.name)) + call('ZCARD', key('v', queue.name))
note('y', '', queue.name, '', '', '', '')
flush(ARGV[2])
return summary(queue.name)

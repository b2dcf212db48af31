-- configure(now, actor, queue, {setting, value}...)
-- Set settings of a queue (heartbeat in ms, '' for none). Answers as lib/summary says.
-- @include summary
-- @include stage
-- @include room
local queue = load_queue(ARGV[3])
for i = 4, #ARGV, 2 do queue[ARGV[i]] = ARGV[i + 1] end
queue.place = queue.place or '0'
call('HSET', key('queue', queue.name), 'settings',
  queue.heartbeat .. ',' .. queue.retries .. ',' .. queue.max_losses)
note('g', '', queue.name, '', '', '', '')
flush(ARGV[2])
return summary(queue.name)

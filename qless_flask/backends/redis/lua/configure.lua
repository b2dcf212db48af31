-- configure(now, actor, queue, {setting, value}...)
-- Set settings of a queue (heartbeat and max_run in ms, '' for none; backoff as JSON). Answers as lib/summary says.
-- @include summary
-- @include stage
-- @include room
local queue = load_queue(ARGV[3])
for i = 4, #ARGV, 2 do queue[ARGV[i]] = ARGV[i + 1] end
queue.place = queue.place or '0'
local settings = queue.heartbeat .. ',' .. queue.retries .. ',' .. queue.max_losses
if queue.max_run ~= '' then settings = settings .. ',' .. queue.max_run end
if queue.backoff ~= '' then settings = settings .. '\n' .. queue.backoff end
call('HSET', key('queue', queue.name), 'settings', settings)
note('g', '', queue.name, '', '', '', '')
flush(ARGV[2])
return summary(queue.name)

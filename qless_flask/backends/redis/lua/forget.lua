-- forget(now, actor, queue)
-- Delete an empty queue and its settings.
-- @include stage
-- @include room
local name = ARGV[3]
if call('SISMEMBER', key('queues'), name) == 0 then return redis.error_reply('QUEUE_NOT_FOUND ' .. name) end
for state in string.gmatch('swrcfx', '.') do
  if call('ZCARD', key(state, name)) > 0 then return redis.error_reply('NOT_EMPTY ' .. name) end
end
call('DEL', key('queue', name), key('wake', name))
call('SREM', key('queues'), name)
note('q', '', name, '', '', '', '')
flush(ARGV[2])
return 1

-- forget(now, actor, queue)
-- Delete an empty queue and its settings.
-- @include stage
-- @include version
-- @include room
local name = ARGV[3]
if call('SISMEMBER', key('queues'), name) == 0 then return redis.error_reply('QUEUE_NOT_FOUND ' .. name) end
for state in string.gmatch('sdwvrcfx', '.') do
  if call('ZCARD', key(state, name)) > 0 then return redis.error_reply('NOT_EMPTY ' .. name) end
end
local hash = key('queue', name)
local waits = call('HGET', hash, 'waits')
for i = tonumber(call('HGET', hash, 'resort_from') or 1), tonumber(call('HGET', hash, 'resort_to') or 0) do
  call('DEL', key('resort', name .. '\t' .. i))
end
call('DEL', hash, key('wake', name), key('pops', name), key('blocked', name))
for _, popped in ipairs(call('ZRANGE', key('popped_keys', name), 0, -1)) do
  call('DEL', key('key_pops', name .. '\t' .. popped))
end
call('DEL', key('popped_keys', name))
-- Those who wait for its jobs wait for those of the next queue of this name.
if waits and tonumber(waits) > now then
  call('HSET', hash, 'waits', waits)
  call('PEXPIRE', hash, waits - now)
end
call('SREM', key('queues'), name)
count_change()
note('q', '', name, '', '', '', '')
flush(ARGV[2])
return 1

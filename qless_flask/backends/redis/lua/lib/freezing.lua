-- freezing: what stands where while a namespace is frozen, so that those who write need not look for it: something in the
-- key of lib/room, and limits in every queue, so that no job goes a straight way.
-- @include keys
-- @include record
local function freeze_queue(name)
  local hash = key('queue', name)
  local limits = call('HGET', hash, 'limits') or ''
  if string.sub(limits, 1, 1) ~= 'F' then call('HSET', hash, 'limits', 'F' .. limits, 'held', NEVER) end
end

local function thaw_queue(name)
  local hash = key('queue', name)
  local limits = string.match(call('HGET', hash, 'limits') or '', '^F?(.*)$')
  if limits == '' then call('HDEL', hash, 'limits') else call('HSET', hash, 'limits', limits) end
  call('HDEL', hash, 'held')
end

local function freeze()
  call('HSET', key('meta'), 'frozen', '1')
  call('SET', key('room'), '1')
  for _, name in ipairs(call('SMEMBERS', key('queues'))) do freeze_queue(name) end
end

-- Something is taken away first: then what follows is written in a full store too.
local function thaw()
  call('DEL', key('room'))
  call('HDEL', key('meta'), 'frozen')
  for _, name in ipairs(call('SMEMBERS', key('queues'))) do thaw_queue(name) end
end

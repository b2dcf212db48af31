-- frozen: whether the namespace is read only, and what is answered then.
-- @include keys
local function is_frozen()
  return call('HGET', key('meta'), 'frozen') == '1'
end

local function frozen()
  return redis.error_reply('FROZEN ' .. string.match(prefix, '{(.*)}'))
end

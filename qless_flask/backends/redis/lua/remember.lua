-- remember(now, name, value, expected)
-- Set a record if it is as expected; texts begin with = and '' is none. Answers 1 if it was.
-- @include keys
local memory, name = key('memory'), ARGV[2]
local found = call('HGET', memory, name)
if (found and '=' .. found or '') ~= ARGV[4] then return 0 end
if ARGV[3] == '' then
  call('HDEL', memory, name)
else
  call('HSET', memory, name, string.sub(ARGV[3], 2))
end
return 1

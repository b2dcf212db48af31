-- remember(now, name, value, expected)
-- Set a record if it is as expected; texts begin with = and '' is none. Answers 1 if it was. Those of this store itself are
-- set while it is frozen too.
-- @include memory
-- @include frozen
local name = ARGV[2]
local memory = memory_of(name)
if is_frozen() and not is_own(name) then return frozen() end
local found = call('HGET', memory, name)
if (found and '=' .. found or '') ~= ARGV[4] then return 0 end
if ARGV[3] == '' then
  call('HDEL', memory, name)
else
  call('HSET', memory, name, string.sub(ARGV[3], 2))
end
return 1

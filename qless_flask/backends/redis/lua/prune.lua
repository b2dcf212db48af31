-- prune(now, limit, queue...)
-- Delete ended jobs past their retention, old events, and workers long gone. Answers {jobs deleted, 1 if more may be}.
-- It makes room in a full store too, where it cannot write what it did into the log.
-- @include frozen
if is_frozen() then return {0, 0} end
-- @include erase
local full = type(redis.pcall('SETRANGE', key('room'), 0, '')) == 'table'
-- @include retention
-- @include trim
-- @include leftover
gather = true
local limit = tonumber(ARGV[2])
local left = limit
for i = 3, #ARGV do warn_of_trim(ARGV[i]) end
for i = 3, #ARGV do left = left - prune_queue(ARGV[i], left) end
local more = trim_events()
more = prune_unique() or more
for i = 3, #ARGV do more = prune_keys(ARGV[i]) or more end
forget_workers()
flush()
return {limit - left, (more or left == 0) and 1 or 0}

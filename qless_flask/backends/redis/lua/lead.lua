-- lead(now, role, holder, ms)
-- Become or stay the leader of a role. Answers 1 if holder leads.
-- @include now
-- @include keys
local leaders, ms = key('leaders'), tonumber(ARGV[4])
local till, holder = string.match(call('HGET', leaders, ARGV[2]) or '', '^(%d+)\t(.*)$')
if till and tonumber(till) > now and holder ~= ARGV[3] then return 0 end
if ms > 0 then
  call('HSET', leaders, ARGV[2], now + ms .. '\t' .. ARGV[3])
  return 1
end
if holder == ARGV[3] then call('HDEL', leaders, ARGV[2]) end
return 0

-- promote(now, limit, queue...)
-- Fail what has expired, take back lost leases, make due jobs available and tell dependents that are left, up to limit
-- together. Answers {promoted, lost, 1 if more may be, expired, told}.
-- @include stage
-- @include look_after
-- @include room
local left = tonumber(ARGV[2])
local promoted, lost, expired, told = 0, 0, 0, 0
for i = 3, #ARGV do
  if left > 0 then
    local expired_here, lost_here, promoted_here = look_after(load_queue(ARGV[i]), left, true)
    expired, lost, promoted = expired + expired_here, lost + lost_here, promoted + promoted_here
    left = left - expired_here - lost_here - promoted_here
  end
end
gather = true
told = call('EXISTS', key('untold')) == 1 and ties().tell_all_left(left) or 0
left = left - told
flush()
return {promoted, lost, left == 0 and 1 or 0, expired, told}

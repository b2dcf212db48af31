-- promote(now, limit, queue...)
-- Fail what has expired, take back lost leases, make due jobs available and tell dependents that are left, up to limit
-- together; let keys run on. Answers {promoted, lost, 1 if more may be, expired, told}.
-- @include stage
-- @include look_after
-- @include frozen
if is_frozen() then return {0, 0, 0, 0, 0} end
-- @include room
local left = tonumber(ARGV[2])
local promoted, lost, expired, told, unsorted = 0, 0, 0, 0, false
for i = 3, #ARGV do
  local queue = load_queue(ARGV[i])
  if left > 0 then
    local expired_here, lost_here, promoted_here = look_after(queue, left, true)
    expired, lost, promoted = expired + expired_here, lost + lost_here, promoted + promoted_here
    left = left - expired_here - lost_here - promoted_here
  end
  unsorted = unsorted or queue.unsorted
end
gather = true
told = call('EXISTS', key('untold')) == 1 and ties().tell_all_left(left) or 0
left = left - told
flush()
return {promoted, lost, (left == 0 or unsorted) and 1 or 0, expired, told}

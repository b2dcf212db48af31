-- promote(now, limit, queue...)
-- Take back lost leases and make due jobs available, up to limit together. Answers {promoted, lost, 1 if more may be}.
-- @include look_after
-- @include room
local left = tonumber(ARGV[2])
local lost, promoted = 0, 0
for i = 3, #ARGV do
  if left > 0 then
    local lost_here, promoted_here = look_after(load_queue(ARGV[i]), left)
    lost, promoted = lost + lost_here, promoted + promoted_here
    left = left - lost_here - promoted_here
  end
end
flush()
return {promoted, lost, left == 0 and 1 or 0}

-- expiry: until when a lease lives that is given or renewed now: for a heartbeat, but no longer than its run may take.
-- @include stage
local function max_run_of(job, queue)
  return has(job, 'm') and life_of(job).max_run or queue.max_run
end

local function expiry(job, queue)
  local till = queue.heartbeat == '' and NEVER or string.format('%.0f', now + queue.heartbeat)
  local most = max_run_of(job, queue)
  if most == '' or job.started + most >= tonumber(till) then return till end
  return string.format('%.0f', job.started + most)
end

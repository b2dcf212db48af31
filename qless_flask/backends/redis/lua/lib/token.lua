-- token: whether a lease is the live one, and what it is otherwise.
-- @include stage
local function holds(job, token)
  return job.state == 'r' and job.token == token
end

local function lease_fault(job, token)
  if not job then return 'JOB_NOT_FOUND' end
  if holds(job, token) then return nil end
  -- A canceled job keeps the token of its last holder, who must hear of it.
  if job.state == 'x' and job.token == token then return 'JOB_CANCELED' end
  return 'LEASE_LOST'
end

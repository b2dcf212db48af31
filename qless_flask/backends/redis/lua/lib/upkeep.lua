-- upkeep: fail what has expired, take back lost leases and promote what is due in one queue, in bounded steps.
-- @include stage
-- @include due
-- @include expiry
-- @include time_out
local function expire(queue, limit)
  local expired = due_in(queue, 'y', limit)
  for i = 1, #expired do
    local job = expired[i]
    leave_index(job)
    keep_failure(job, 'expired', '')
    fail(job, 'expired', 'e', '')
    conclude(job)
  end
  return #expired
end

local function lose(job, queue)
  leave_index(job)
  job.losses = tostring(job.losses + 1)
  if tonumber(job.losses) > tonumber(queue.max_losses) then
    keep_failure(job, 'lost', '')
    fail(job, 'lost', 'f', job.worker)
  else
    append(job, 'x', job.worker)
    arrive_at_place(job, queue, job.place)
    note('x', job, queue.name, '', 'w', job.worker, '')
  end
  end_lease(job)
  conclude(job)
end

local function take_back(queue, limit)
  local lost = due_in(queue, 'r', limit)
  for i = 1, #lost do
    local job = lost[i]
    local most = max_run_of(job, queue)
    if most ~= '' and now >= job.started + most then time_out(job) else lose(job, queue) end
  end
  return #lost
end

local function promote_due(queue, limit)
  local due = due_in(queue, 's', limit)
  for i = 1, #due do
    local job = due[i]
    leave_index(job)
    append(job, 'n', '')
    arrive(job, queue)
    note('n', job, queue.name, '', 'w', '', '')
    save(job)
  end
  return #due
end

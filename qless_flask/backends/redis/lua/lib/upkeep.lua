-- upkeep: take back lost leases and promote what is due in one queue, in bounded steps.
-- @include stage
-- Load the jobs of an index's jids; a jid whose job is not there, or is elsewhere, is dropped from the index.
local function jobs_in(index, state, jids)
  local found = {}
  if #jids == 0 then return found end
  load_jobs(jids)
  for i = 1, #jids do
    local job = jobs[jids[i]]
    if job and job.state == state then
      found[#found + 1] = job
    else
      call('ZREM', index, jids[i])
    end
  end
  return found
end

local function due_in(queue, state, limit)
  local index = key(state, queue.name)
  return jobs_in(index, state, call('ZRANGEBYSCORE', index, '-inf', now, 'LIMIT', 0, limit))
end

local function take_back(queue, limit)
  local lost = due_in(queue, 'r', limit)
  for i = 1, #lost do
    local job = lost[i]
    leave_index(job)
    job.losses = job.losses + 1
    if job.losses > queue.max_losses then
      keep_failure(job, 'lost', '')
      fail(job, 'lost')
    else
      append(job, 'x', job.worker)
      arrive_at_place(job, queue, job.place)
      note('x', job.jid, queue.name, '', 'w', job.worker, '')
    end
    end_lease(job)
    save(job)
  end
  return #lost
end

local function promote_due(queue, limit)
  local due = due_in(queue, 's', limit)
  for i = 1, #due do
    local job = due[i]
    leave_index(job)
    append(job, 'n')
    arrive(job, queue)
    note('n', job.jid, queue.name, '', 'w', '', '')
    save(job)
  end
  return #due
end

local function set_deadline(queue)
  local due = call('ZRANGE', key('s', queue.name), 0, 0, 'WITHSCORES')[2]
  local expiry = call('ZRANGE', key('r', queue.name), 0, 0, 'WITHSCORES')[2]
  queue.deadline = math.min(tonumber(due) or NEVER, tonumber(expiry) or NEVER)
end

-- Take back and promote up to so many; tell how many of each.
local function look_after(queue, limit_lost, limit_due)
  local gathering = gather
  gather = true
  local lost = take_back(queue, limit_lost)
  local promoted = promote_due(queue, limit_due or limit_lost - lost)
  flush_jobs()
  flush_indexes()
  gather = gathering
  set_deadline(queue)
  return lost, promoted
end

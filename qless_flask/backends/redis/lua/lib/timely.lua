-- timely: until when a job is to be popped, where it must be: index y of its queue.
-- @include stage
local function start_by(job)
  return job.created + life_of(job).expires_in
end

-- In this queue from now on.
local function start_in_time(job, queue)
  local till = string.format('%.0f', start_by(job))
  set_score(key('y', queue.name), job.jid, till)
  look_by(queue, till)
end

local function start_no_more(job)
  set_score(key('y', job.queue), job.jid, false)
  clear_flag(job, 'x')
end

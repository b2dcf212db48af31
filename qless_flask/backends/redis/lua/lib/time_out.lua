-- time_out: take a lease away at the cost of a retry.
-- @include stage
local function time_out(job)
  leave_index(job)
  keep_failure(job, 'timeout', '')
  if job.remaining == '0' then
    fail(job, 'timeout', 'f', job.worker)
  else
    job.remaining = tostring(job.remaining - 1)
    append(job, 't', '')
    arrive(job, load_queue(job.queue))
    note('t', job, job.queue, '', 'w', job.worker, '')
  end
  end_lease(job)
  conclude(job)
end

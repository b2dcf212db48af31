-- cancel(now, actor, jid...)
-- Stop jobs for good. Answers as lib/hand says.
-- @include hand
return by_hand(ARGV[2], 3, function(job)
  if job.state == 'c' then return 'WRONG_STATE' end
  if job.state == 'x' then return nil end
  leave_index(job)
  append(job, 'k', '')
  note('k', job, job.queue, '', 'x', job.worker, '')
  -- The token stays, so that the last holder hears JOB_CANCELED.
  if job.state == 'r' then count_running(job.worker, -1) end
  job.worker = ''
  finish(job, 'x')
  save(job)
end)

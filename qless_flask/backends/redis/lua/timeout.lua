-- timeout(now, actor, jid...)
-- Take leases away, at the cost of a retry. Answers as lib/hand says.
-- @include hand
return by_hand(ARGV[2], 3, function(job)
  if job.state ~= 'r' then return 'WRONG_STATE' end
  keep_failure(job, 'timeout', '')
  leave_index(job)
  if job.remaining == '0' then
    fail(job, 'timeout')
  else
    job.remaining = tostring(job.remaining - 1)
    append(job, 't', '')
    arrive(job, load_queue(job.queue))
    note('t', job, job.queue, '', 'w', job.worker, '')
  end
  end_lease(job)
  save(job)
end)

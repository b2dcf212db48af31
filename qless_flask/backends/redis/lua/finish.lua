-- finish(now, actor, seen, state letter, group, message, = and the result or '', jid...)
-- End jobs of any state by hand, complete (c) or failed (f). Answers as lib/hand says.
-- @include hand
local state, group, message, result = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
return by_hand(ARGV[2], ARGV[3], 8, function(job)
  if job.state == state then return 'SAME' end
  local worker = job.worker
  leave_index(job)
  if job.state == 'r' then end_lease(job) end
  job.token = ''
  if result ~= '' then keep(job, 'results', 'e', string.sub(result, 2)) end
  if state == 'f' then
    keep_failure(job, group, message)
    fail(job, group, 'i', worker)
  else
    clear_failure(job)
    append(job, 'i', '')
    finish(job, 'c')
    note('i', job, job.queue, '', 'c', worker, '')
  end
  conclude(job)
end)

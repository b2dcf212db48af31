-- move(now, actor, queue, delay ms, jid...)
-- Put jobs of any state into a queue. Answers as lib/hand says.
-- @include hand
local name, due = ARGV[3], now + tonumber(ARGV[4])
return by_hand(ARGV[2], 5, function(job)
  local from, worker, queue = job.queue, job.worker, load_queue(name)
  leave_index(job)
  if job.state == 'r' then end_lease(job) end
  clear_failure(job)
  append(job, 'm', name)
  job.queue = name
  job.ended = ''
  job.token = ''
  renew(job, queue)
  arrive_or_schedule(job, queue, due)
  note('m', job, from, name, job.state, worker, '')
  save(job)
end)

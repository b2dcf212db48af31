-- heartbeat(now, {jid, token}...)
-- Renew leases. Answers each with its new expiry ('' for none) or an error's code.
-- @include token
local jids, answers, seen = {}, {}, {}
for i = 2, #ARGV, 2 do jids[#jids + 1] = ARGV[i] end
load_jobs(jids)
gather = #jids > 1
for i = 1, #jids do
  local job = jobs[jids[i]]
  local fault = lease_fault(job, ARGV[2 * i + 1])
  if fault then
    answers[i] = fault
  else
    local queue = load_queue(job.queue)
    local expires = queue.heartbeat and now + queue.heartbeat or NEVER
    set_score(key('r', job.queue), job.jid, expires)
    look_by(queue, expires)
    if not seen[job.worker] then see_worker(job.worker) end
    seen[job.worker] = true
    answers[i] = queue.heartbeat and expires or ''
  end
end
flush()
return answers

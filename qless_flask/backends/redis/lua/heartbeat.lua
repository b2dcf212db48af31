-- heartbeat(now, {jid, token}...)
-- Renew leases. Answers each with its new expiry ('' for none) or an error's code.
-- @include token
-- @include room
local answers, seen = {}, {}
if #ARGV > 3 then
  local jids = {}
  for i = 2, #ARGV, 2 do jids[#jids + 1] = ARGV[i] end
  load_jobs(jids)
  gather = true
end
for i = 1, #ARGV / 2 do
  local job = load_job(ARGV[2 * i])
  local fault = lease_fault(job, ARGV[2 * i + 1])
  if fault then
    answers[i] = fault
  else
    local queue = load_queue(job.queue)
    local expires = queue.heartbeat == '' and NEVER or string.format('%.0f', now + queue.heartbeat)
    set_score(key('r', job.queue), job.jid, expires)
    look_by(queue, expires)
    if not seen[job.worker] then see_worker(job.worker) end
    seen[job.worker] = true
    answers[i] = queue.heartbeat == '' and '' or expires
  end
end
flush()
return answers

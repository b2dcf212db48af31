-- heartbeat(now, {jid, token, progress, data}...)
-- Renew leases; progress and data that are '' stay. Answers each with its new expiry ('' for none) and, behind it, letters
-- for what the worker is asked (see lib/worker), or an error's code.
-- @include expiry
-- @include token
-- @include room
local FIELDS = 4
local answers, seen = {}, {}
if #ARGV > FIELDS + 1 then
  local jids = {}
  for i = 2, #ARGV, FIELDS do jids[#jids + 1] = ARGV[i] end
  load_jobs(jids)
  gather = true
end

-- The progress alone is no part of the record.
local function take_in(job, progress, data)
  local flags = job.flags
  if progress ~= '' then keep(job, 'progress', 'g', progress) end
  if data ~= '' then set_data(job, data) end
  if data ~= '' or job.flags ~= flags then save(job) end
end

for i = 2, #ARGV, FIELDS do
  local job = load_job(ARGV[i])
  local fault = lease_fault(job, ARGV[i + 1])
  if not fault then
    local queue, worker = load_queue(job.queue), job.worker
    local till = expiry(job, queue)
    set_score(key('r', job.queue), job.jid, till)
    look_by(queue, till)
    seen[worker] = seen[worker] or see_worker(worker)
    if ARGV[i + 2] ~= '' or ARGV[i + 3] ~= '' then take_in(job, ARGV[i + 2], ARGV[i + 3]) end
    answers[#answers + 1] = (till == NEVER and '' or till) .. seen[worker]
  else
    answers[#answers + 1] = fault
  end
end
flush()
return answers

-- due: what an index of a queue holds that is due.
-- @include queue
-- Jobs of an index up to now; a jid whose job is not there, or is elsewhere, is dropped from it.
local function due_in(queue, kind, limit)
  local index, found = key(kind, queue.name), {}
  local jids = call('ZRANGEBYSCORE', index, '-inf', now_text, 'LIMIT', 0, limit)
  if #jids > 0 then load_jobs(jids) end
  for i = 1, #jids do
    local job = jobs[jids[i]]
    if job and (job.state == kind or (kind == 'y' and has(job, 'x'))) then
      found[#found + 1] = job
    else
      call('ZREM', index, jids[i])
    end
  end
  return found
end

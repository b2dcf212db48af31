-- erase: take a job out of everything but its record, which the caller overwrites or deletes.
-- @include tags
local function erase(job)
  leave_index(job)
  index_tags(job, false)
  clear_failure(job)
  if has(job, 'o') then call('HDEL', key('options'), job.jid) end
  if has(job, 'd') then call('HDEL', key('payloads'), job.jid) end
  if has(job, 'l') then call('DEL', key('log', job.jid)) end
  if job.state == 'r' then count_running(job.worker, -1) end
end

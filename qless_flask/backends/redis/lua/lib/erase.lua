-- erase: take a job out of everything but its record, which the caller overwrites or deletes; who waits for it waits on.
-- @include stage
local BESIDE = {o = 'options', d = 'payloads', f = 'failures', g = 'progress', e = 'results'}

local function erase(job)
  leave_index(job)
  if job.state == 'r' then
    count_running(job.worker, -1)
    lines.ended = lines.ended or {}
    lines.ended[job.queue] = (lines.ended[job.queue] or 0) + 1
  end
  if job.flags == '' then return end
  if has(job, 'k') then ties().index_tags(job, false) end
  if has(job, 'q') then
    local _, name = lanes().of(job)
    if name ~= '' then set_score(key('key', name), job.jid, false) end
  end
  if has(job, 'l') then later('DEL', key('log', job.jid)) end
  if has(job, 't') then set_score(key('tracked'), job.jid, false) end
  if has(job, 'u') then ties().let_go(job) end
  if has(job, 'x') then set_score(key('y', job.queue), job.jid, false) end
  if has(job, 'n') then ties().drop_all_needs(job) end
  if has(job, 'p') then ties().forget_untold(job.jid) end
  -- Last: the options say which key it lets go.
  for flag, kind in pairs(BESIDE) do
    if has(job, flag) then later('HDEL', key(kind), job.jid) end
  end
end

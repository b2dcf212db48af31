-- event: the log of transitions, one stream entry an operation: the time, then a line a run of like transitions:
-- letter, queue, to, state, worker, group, jids…; a last line that begins with @ says who did it by hand, and from where.
-- Behind a jid, apart by byte 1, stands since when it waited (popped) or ran (what ends a lease), and its klass, unless that
-- is the one of the last such jid before it.
-- Before the line of jobs with tags, or that are tracked, stands one that begins with #: 1 if tracked, then the tags.
-- @include job
local lines = {now_text} -- and `ended`: how many leases have ended in each queue
local last_head, last_klass

local function marks(job)
  local tracked, tagged = has(job, 't'), has(job, 'k')
  if not (tracked or tagged) then return '' end
  return '\n#' .. (tracked and '1' or '') .. '\t' .. (tagged and options_of(job).tags or '')
end

-- `job` as it is now, or '' where it is about none. But for a put and a pop, a worker is named where its lease has ended.
local function note(letter, job, queue, to, state, worker, group)
  local item, head, since = '', '', nil
  if job ~= '' then
    item = job.jid
    if job.flags ~= '' then head = marks(job) end
    if letter == 'o' then
      since = job.available == '' and job.created or job.available
    elseif worker ~= '' and letter ~= 'p' then
      since = job.started
      if lines.ended then
        lines.ended[queue] = (lines.ended[queue] or 0) + 1
      else
        lines.ended = {[queue] = 1}
      end
    end
    if since then item = item .. '\1' .. since end
    if since and job.klass ~= last_klass then
      last_klass = job.klass
      item = item .. '\1' .. last_klass
    end
  end
  head = head .. '\n' .. letter .. '\t' .. queue .. '\t' .. to .. '\t' .. state .. '\t' .. worker .. '\t' .. group .. '\t'
  if head == last_head then
    lines[#lines + 1] = '\t' .. item
  else
    lines[#lines + 1] = head .. item
    last_head = head
  end
end

local function flush_events(actor)
  if not last_head then return end
  if actor and actor ~= '' then lines[#lines + 1] = '\n@' .. actor end
  call('XADD', key('events'), '*', 'e', table.concat(lines))
  lines = {now_text}
  last_head, last_klass = nil, nil
end

-- event: the log of transitions, one stream entry an operation: the time, then a line a run of like transitions:
-- letter, queue, to, state, worker, group, jids…; a last line that begins with @ says who did it by hand, and from where.
-- Before the line of jobs with tags, or that are tracked, stands one that begins with #: 1 if tracked, then the tags.
-- @include job
local lines = {now_text}
local last_head

local function marks(job)
  local tracked, tagged = has(job, 't'), has(job, 'k')
  if not (tracked or tagged) then return '' end
  return '\n#' .. (tracked and '1' or '') .. '\t' .. (tagged and options_of(job).tags or '')
end

-- `job` as it is now, or '' where it is about none.
local function note(letter, job, queue, to, state, worker, group)
  local jid, head = '', ''
  if job ~= '' then
    jid = job.jid
    if job.flags ~= '' then head = marks(job) end
  end
  head = head .. '\n' .. letter .. '\t' .. queue .. '\t' .. to .. '\t' .. state .. '\t' .. worker .. '\t' .. group .. '\t'
  if head == last_head then
    lines[#lines + 1] = '\t' .. jid
  else
    lines[#lines + 1] = head .. jid
    last_head = head
  end
end

local function flush_events(actor)
  if not last_head then return end
  if actor and actor ~= '' then lines[#lines + 1] = '\n@' .. actor end
  call('XADD', key('events'), '*', 'e', table.concat(lines))
  lines = {now_text}
  last_head = nil
end

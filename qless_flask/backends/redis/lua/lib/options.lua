-- options: what only some jobs have, kept beside their records. Lines: tags, apart by tabs; the pipeline, apart by
-- commas; own retries; and, where there is any of it, `life`: what to do at a parent's end ('' wait, c cancel, r run),
-- max_run ms, expires_in ms, for how many ms it is unique, a tab, the key of that; who put it again; back-off. One that
-- begins with q has two more: what the job requires, apart by bytes 31, and its key.
-- @include job
local function read_options(job, text)
  job.tags, job.pipeline, job.retries, job.life = string.match(text, '^([^\n]*)\n([^\n]*)\n([^\n]*)\n?(.*)$')
end

local function options_of(job)
  if not job.tags then read_options(job, has(job, 'o') and call('HGET', key('options'), job.jid) or '\n\n') end
  return job
end

-- `life` in its parts, as far as stores go by them.
local function life_of(job)
  if not job.choice then
    job.choice, job.max_run, job.expires_in, job.unique_ms, job.unique =
      string.match(options_of(job).life, '^q?(%a*)\n(%d*)\n(%d*)\n(%d*)\t?([^\n]*)')
    if not job.choice then job.choice, job.max_run, job.expires_in, job.unique_ms, job.unique = '', '', '', '', '' end
  end
  return job
end

local function save_options(job)
  local text = job.tags .. '\n' .. job.pipeline .. '\n' .. job.retries
  if job.life ~= '' then text = text .. '\n' .. job.life end
  keep(job, 'options', 'o', text == '\n\n' and '' or text)
  if job.tags == '' then clear_flag(job, 'k') else set_flag(job, 'k') end
end

-- A time that is given as d<ms from now> or a<ms>, or '' for now.
local function due_time(text)
  if text == '' then return now end
  local ms = tonumber(string.sub(text, 2))
  return string.sub(text, 1, 1) == 'd' and now + ms or ms
end

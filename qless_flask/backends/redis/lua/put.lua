-- put(now, {jid, queue, klass, data, priority, due, if_exists, options}...)
-- Add jobs, all or none. due: '', d<ms from now> or a<ms>. Answers each with its state letter and 1 if it was created.
-- @include put_plain
local answer = put_plain()
if answer then return answer end

-- @include tags
-- @include room
local FIELDS = 8

if #ARGV > FIELDS + 1 then
  gather = true
  local jids = {}
  for i = 2, #ARGV, FIELDS do jids[#jids + 1] = ARGV[i] end
  load_jobs(jids)
end

local seen = {}
for i = 2, #ARGV, FIELDS do
  local jid = ARGV[i]
  if ARGV[i + 6] == 'reject' and (seen[jid] or load_job(jid)) then return redis.error_reply('JOB_EXISTS ' .. jid) end
  seen[jid] = true
end

local function due_time(text)
  local ms = tonumber(string.sub(text, 2))
  return string.sub(text, 1, 1) == 'd' and now + ms or ms
end

local function create(jid, name, klass, data, priority, due, options)
  local queue = load_queue(name)
  local job = {
    jid = jid, queue = name, first = name, priority = priority, place = '0', created = now_text, flags = '',
    history = '', klass = klass, runs = '0', started = '', ended = '', worker = '', token = '', last = '', answer = '',
    tags = '', pipeline = '', retries = '',
  }
  if options ~= '' then
    job.tags, job.pipeline, job.retries = string.match(options, '^([^\n]*)\n([^\n]*)\n([^\n]*)$')
    save_options(job)
    index_tags(job, '0')
  end
  set_data(job, data)
  renew(job, queue)
  if due == '' then arrive(job, queue) else arrive_or_schedule(job, queue, due_time(due)) end
  return job
end

local answers = {}
for i = 2, #ARGV, FIELDS do
  local jid, old = ARGV[i], load_job(ARGV[i])
  if old and ARGV[i + 6] == 'keep' then
    answers[#answers + 1] = old.state .. '0'
  else
    if old then
      -- @include erase
      erase(old)
    end
    local job = create(jid, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 7])
    jobs[jid] = job
    save(job)
    note('p', job, job.queue, '', job.state, old and old.worker or '', '')
    answers[#answers + 1] = job.state .. '1'
  end
end
flush()
return answers

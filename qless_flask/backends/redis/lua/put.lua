-- put(now, {jid, queue, klass, data, priority, due, if_exists, options}...)
-- Add jobs, all or none. due: '', d<ms from now> or a<ms>. Answers each with its state letter and 1 if it was created.
-- @include erase
local FIELDS = 8

local jids = {}
for i = 2, #ARGV, FIELDS do jids[#jids + 1] = ARGV[i] end
load_jobs(jids)

local seen = {}
for i = 2, #ARGV, FIELDS do
  local jid = ARGV[i]
  if ARGV[i + 6] == 'reject' and (jobs[jid] or seen[jid]) then return redis.error_reply('JOB_EXISTS ' .. jid) end
  seen[jid] = true
end

local function due_time(text)
  local ms = tonumber(string.sub(text, 2))
  return string.sub(text, 1, 1) == 'd' and now + ms or ms or now
end

local function create(jid, name, klass, data, priority, due, options)
  local queue = load_queue(name)
  local job = {
    jid = jid, queue = name, first = name, priority = tonumber(priority), place = 0, created = now, flags = '',
    history = '', klass = klass, runs = 0, losses = 0, started = '', ended = '', worker = '', token = '', last = '',
    answer = '',
  }
  if options ~= '' then
    job.tags, job.pipeline, job.retries = string.match(options, '^([^\n]*)\n([^\n]*)\n([^\n]*)$')
    save_options(job)
    index_tags(job, now)
  end
  set_data(job, data)
  renew(job, queue)
  arrive_or_schedule(job, queue, due_time(due))
  return job
end

gather = #jids > 1
local answers = {}
for i = 2, #ARGV, FIELDS do
  local jid, old = ARGV[i], jobs[ARGV[i]]
  if old and ARGV[i + 6] == 'keep' then
    answers[#answers + 1] = old.state .. '0'
  else
    if old then erase(old) end
    local job = create(jid, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 7])
    jobs[jid] = job
    save(job)
    note('p', jid, job.queue, '', job.state, old and old.worker or '', '')
    answers[#answers + 1] = job.state .. '1'
  end
end
flush()
return answers

-- put: add jobs. They stand in an array from `first` to `last`, eight values each: jid, queue, klass, data, priority, due,
-- if_exists, options. due: '', d<ms from now> or a<ms>. Before the options may stand what it depends on, in a line that
-- begins with byte 1: missing, then the jids, apart by tabs.
-- @include stage
local FIELDS = 8

local function new_job(jid, name, klass, priority, options)
  local job = {
    jid = jid, queue = name, first = name, priority = priority, place = '0', created = now_text, flags = '',
    history = '', klass = klass, runs = '0', started = '', ended = '', worker = '', token = '', last = '', answer = '',
    failure = '', tags = '', pipeline = '', retries = '', life = '',
  }
  if options ~= '' then read_options(job, options) end
  return job
end

-- What lies beside its record, where there is any of it.
local function enter_options(job, queue)
  save_options(job)
  if has(job, 'k') then ties().index_tags(job, '0') end
  if job.life == '' then return end
  local life = life_of(job)
  if string.byte(job.life) == 113 then
    local _, name = lanes().of(job)
    set_flag(job, 'q')
    if name ~= '' then set_score(key('key', name), job.jid, '0') end
  end
  if life.max_run ~= '' then set_flag(job, 'm') end
  if life.expires_in ~= '' then
    set_flag(job, 'x')
    ties().start_in_time(job, queue)
  end
  if life.unique ~= '' then
    set_flag(job, 'u')
    ties().take_unique(job)
  end
end

local function create(job, old, data, due, parents)
  local queue = load_queue(job.queue)
  if old and has(old, 'p') then job.flags = 'p' end
  jobs[job.jid] = job
  if job.tags ~= '' or job.pipeline ~= '' or job.retries ~= '' or job.life ~= '' then enter_options(job, queue) end
  set_data(job, data)
  renew(job, queue)
  if #parents > 0 then
    ties().depend_on(job, queue, parents, due)
  else
    arrive_or_schedule(job, queue, due_time(due))
  end
  note('p', job, job.queue, '', job.state, old and old.worker or '', '')
end

-- Answers its state letter and 1 if it was created, and the jid that holds its key, if another does; or nil and a fault.
local function put_one(list, at)
  local jid, mode, options = list[at], list[at + 6], list[at + 7]
  local parents, missing, canceled = {}, nil, false
  if string.sub(options, 1, 1) == '\1' then
    local listed
    missing, listed, options = string.match(options, '^\1([^\t]*)([^\n]*)\n(.*)$')
    for parent in string.gmatch(listed, '[^\t]+') do parents[#parents + 1] = parent end
  end
  local job, old = new_job(jid, list[at + 1], list[at + 2], list[at + 4], options), load_job(jid)
  local unique = job.life ~= '' and life_of(job).unique or ''
  local other = unique ~= '' and ties().holder(unique)
  if other and other.jid ~= jid then return other.state .. '0' .. other.jid end
  if old and mode == 'reject' then return nil, 'JOB_EXISTS ' .. jid end
  if old and mode == 'keep' then return old.state .. '0' end
  if #parents > 0 then
    parents, canceled = ties().open_among(jid, parents, missing, life_of(job).choice)
    if not parents then return nil, canceled end
    local fault = old and ties().cycle_among(jid, parents)
    if fault then return nil, fault end
  end
  if load_queue(job.queue).limits ~= '' or string.byte(job.life) == 113 then
    local fault = lanes().fault_of(job, old)
    if fault then return nil, fault end
  end
  if old then
    -- @include erase
    erase(old)
  end
  create(job, old, list[at + 3], list[at + 5], parents)
  if canceled then cancel(job) end
  conclude(job)
  return job.state .. '1'
end

-- Answers each; or nil and a fault: then what is gathered is not to be written.
local function put_all(list, first, last)
  local answers = {}
  if last - first > FIELDS then
    local jids = {}
    for i = first, last, FIELDS do jids[#jids + 1] = list[i] end
    load_jobs(jids)
  end
  for i = first, last, FIELDS do
    local answer, fault = put_one(list, i)
    if fault then return nil, fault end
    answers[#answers + 1] = answer
  end
  return answers
end

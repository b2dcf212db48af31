-- job: reading, changing and writing records.
-- All fields are text. A single job is written at once; when an operation gathers many, flush() writes them together.
-- @include keys
-- @include now
-- @include record
-- @include history
-- @inside
local HEAD = '^(%a)\t([^\t]*)\t([^\t]*)\t(%d+)\t(%d+)\t(%d*)\t(%d+)\t(%a*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$'

local jobs = {}
local changed = {}
local writes = {}
local gather = false

-- A command with any number of arguments: Lua hands on some thousands at once, no more.
local function call_with(command, name, items)
  for i = 1, #items, 4000 do call(command, name, unpack(items, i, math.min(i + 3999, #items))) end
end

-- Write at once or, when an operation gathers many, in flush(), in the same order.
local function later(...)
  if gather then writes[#writes + 1] = {...} else call(...) end
end

local function flush_writes()
  for i = 1, #writes do call(unpack(writes[i])) end
  writes = {}
end

local function parse(jid, text)
  local state, queue, priority, place, created, available, remaining, flags, ran, history, klass, data =
    string.match(text, HEAD)
  local job = {
    jid = jid, state = state, queue = queue, priority = priority, place = place, created = created,
    available = available, remaining = remaining, flags = flags, history = history, first = queue,
    klass = klass, data = data, text = text,
  }
  if ran == '' then
    job.runs, job.losses, job.started, job.ended = '0', '0', '', ''
    job.worker, job.token, job.last, job.answer = '', '', '', ''
  else
    job.runs, job.losses, job.started, job.ended, job.worker, job.token, job.last, job.answer = string.match(ran, RUNS)
  end
  return job
end

local function pack(job)
  local ran = ''
  if job.runs ~= '0' or job.ended ~= '' then
    ran = job.runs .. '\t' .. job.losses .. '\t' .. job.started .. '\t' .. job.ended .. '\t' .. job.worker .. '\t'
      .. job.token .. '\t' .. job.last .. '\t' .. job.answer
  end
  return job.state .. '\t' .. job.queue .. '\t' .. job.priority .. '\t' .. job.place .. '\t' .. job.created .. '\t'
    .. job.available .. '\t' .. job.remaining .. '\t' .. job.flags .. '\n' .. ran .. '\n' .. job.history .. '\n'
    .. job.klass .. '\n' .. job.data
end

-- Load what is not loaded yet; a jid that is not there stays nil in jobs.
local function load_jobs(jids)
  for first = 1, #jids, 1000 do
    local last = math.min(first + 999, #jids)
    local texts = call('HMGET', records, unpack(jids, first, last))
    for i = first, last do
      local jid, text = jids[i], texts[i - first + 1]
      if text and not jobs[jid] then jobs[jid] = parse(jid, text) end
    end
  end
end

local function load_job(jid)
  local text = not jobs[jid] and call('HGET', records, jid)
  if text then jobs[jid] = parse(jid, text) end
  return jobs[jid]
end

local function save(job)
  if gather then
    changed[job.jid] = job
  else
    job.text = pack(job)
    call('HSET', records, job.jid, job.text)
  end
end

local function flush_jobs()
  local fields = {}
  for jid, job in pairs(changed) do
    job.text = pack(job)
    fields[#fields + 1] = jid
    fields[#fields + 1] = job.text
  end
  call_with('HSET', records, fields)
  changed = {}
end

local function has(job, flag)
  return string.find(job.flags, flag, 1, true)
end

local function set_flag(job, flag)
  if not has(job, flag) then job.flags = job.flags .. flag end
end

local function clear_flag(job, flag)
  job.flags = string.gsub(job.flags, flag, '')
end

-- The history begins with an implied put: it is written out when the second entry comes.
local function append(job, letter, text)
  local history = job.history
  if history == '' then history = 'p0:' .. job.first end
  if #history > LONG_HISTORY then history = shortened(history) end
  job.history = history .. '\t' .. letter .. (now - job.created) .. ':' .. text
end

local function set_data(job, data)
  if #data > INLINE_BYTES then
    later('HSET', key('payloads'), job.jid, data)
    job.data = ''
    set_flag(job, 'd')
  else
    if has(job, 'd') then
      later('HDEL', key('payloads'), job.jid)
      clear_flag(job, 'd')
    end
    job.data = data
  end
end

-- A text beside the record, in a hash of its own; '' for none.
local function keep(job, kind, flag, text)
  if text ~= '' then
    later('HSET', key(kind), job.jid, text)
    set_flag(job, flag)
  elseif has(job, flag) then
    later('HDEL', key(kind), job.jid)
    clear_flag(job, flag)
  end
end
-- @include options

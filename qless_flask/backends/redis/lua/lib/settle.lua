-- settle: end leases. Seven arguments each: kind letter, jid, token, delay ms, next queue or group, message, data. The kind C
-- is a c with more, in place of the message: texts as lib/packed has them: the result or '', missing, how many
-- it depends on, their jids, then jobs to put as lib/put takes them.
-- @include stage
-- @include token
-- @include room
local function advance(job, delay, next_queue, parents)
  local from, queue = job.queue, load_queue(next_queue)
  append(job, 'a', next_queue)
  job.queue = next_queue
  keep(job, 'progress', 'g', '')
  renew(job, queue)
  if parents and #parents > 0 then
    ties().depend_on(job, queue, parents, delay > 0 and string.format('d%.0f', delay) or '')
  else
    arrive_or_schedule(job, queue, now + delay)
  end
  note('a', job, from, next_queue, job.state, job.worker, '')
end

local function complete(job, delay, next_queue, data, parents)
  if data ~= '' then set_data(job, data) end
  clear_failure(job)
  leave_index(job)
  if next_queue == '' then
    local first, rest = string.match(options_of(job).pipeline, '^([^,]+),?(.*)$')
    if first then
      next_queue, job.pipeline = first, rest
      save_options(job)
    end
  end
  if next_queue == '' then
    append(job, 'c', '')
    finish(job, 'c')
    note('c', job, job.queue, '', 'c', job.worker, '')
  else
    advance(job, delay, next_queue, parents)
  end
end

local function retry(job, delay, group, message)
  keep_failure(job, group, message)
  leave_index(job)
  if job.remaining == '0' then return fail(job, group, 'f', job.worker) end
  job.remaining = tostring(job.remaining - 1)
  append(job, 'r', group)
  arrive_or_schedule(job, load_queue(job.queue), now + delay)
  note('r', job, job.queue, '', job.state, job.worker, group)
end

local function fail_at_once(job, group, message, data)
  if data ~= '' then set_data(job, data) end
  keep_failure(job, group, message)
  leave_index(job)
  fail(job, group, 'f', job.worker)
end

local function release(job, delay)
  local queue = load_queue(job.queue)
  leave_index(job)
  append(job, 'l', '')
  if delay > 0 then schedule(job, queue, now + delay) else arrive_at_place(job, queue, job.place) end
  note('l', job, job.queue, '', job.state, job.worker, '')
end

-- What the kind C has more: puts, and what the next stage waits for. Answers that, and whether its end cancels the job; or a
-- fault, and then nothing of it has happened.
local function before_complete(job, next_queue, more)
  -- @include follow
  return follow(job, next_queue, more)
end

local function settle(kind, jid, token, delay, word, message, data)
  local job, more = load_job(jid), kind == 'C'
  if more then kind = 'c' end
  if job and job.last == token and string.sub(job.answer, 1, 1) == kind and not holds(job, token) then
    return string.sub(job.answer, 2)
  end
  local fault, parents, canceled = lease_fault(job, token), nil, false
  if more and not fault then fault, parents, canceled = before_complete(job, word, message) end
  if fault then return fault end
  if kind == 'c' then
    complete(job, delay, word, data, parents)
  elseif kind == 'r' then
    retry(job, delay, word, message)
  elseif kind == 'f' then
    fail_at_once(job, word, message, data)
  else
    release(job, delay)
  end
  end_lease(job)
  if canceled then cancel(job) end
  job.last = token
  job.answer = kind .. job.state
  conclude(job)
  return job.state
end

-- Settle those that stand in ARGV from `first` to `last`; answer each with its state letter or an error's code.
local function settle_all(first, last)
  local answers = {}
  if last - first > 7 then
    local jids = {}
    for i = first, last, 7 do jids[#jids + 1] = ARGV[i + 1] end
    gather = true
    load_jobs(jids)
  end
  for i = first, last, 7 do
    answers[#answers + 1] = settle(ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3]), ARGV[i + 4],
      ARGV[i + 5], ARGV[i + 6])
  end
  flush()
  return answers
end

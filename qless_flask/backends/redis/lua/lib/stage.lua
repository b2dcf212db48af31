-- stage: how a job comes to wait, to be scheduled, to depend, to fail and to end; the caller has taken it out of its old
-- index, and saves it afterwards.
-- @include queue
-- @include event
-- @include worker
-- @inside
local running = {}
local tied, laned -- what lib/ties and lib/lanes have made

local function arrive_at_place(job, queue, place)
  job.place = place
  job.available = now_text == job.created and '' or now_text
  queue.arrived = queue.arrived + 1
  enter_index(job, 'w', waiting_score(job))
  if job.requires and job.requires ~= '' then lanes().announce(job, queue) end
end

local function arrive(job, queue)
  arrive_at_place(job, queue, next_place(queue))
end

local function schedule(job, queue, due)
  queue.place = queue.place or '0'
  job.available = string.format('%.0f', due)
  look_by(queue, job.available)
  enter_index(job, 's', job.available)
end

-- Wait from now on, or from when it is due.
local function arrive_or_schedule(job, queue, due)
  if due > now then schedule(job, queue, due) else arrive(job, queue) end
end

-- Stand in `depends`; the needs are seen to.
local function stand_by(job, queue)
  queue.place = queue.place or '0'
  job.place = '0'
  job.available = now_text == job.created and '' or now_text
  enter_index(job, 'd', now_text)
end

-- A stage begins with its retries whole.
local function renew(job, queue)
  local own = options_of(job).retries
  job.remaining = own == '' and queue.retries or own
  job.losses = '0'
end

local function clear_failure(job)
  keep(job, 'failures', 'f', '')
  job.failure = ''
end

local function keep_failure(job, group, message)
  job.failure = group .. '\t' .. now_text .. '\t' .. job.worker .. '\t' .. job.runs .. '\t' .. message
  keep(job, 'failures', 'f', job.failure)
end

-- Minus, so that the latest comes first, and ties go by jid all the same.
local function finish(job, state)
  job.ended = now_text
  enter_index(job, state, '-' .. now_text)
  if string.find(job.flags, '[nxu]') then ties().cut(job, state) end
end

-- What became of it is told under the letter: f, e expired, i finished by hand.
local function fail(job, group, letter, worker)
  append(job, letter, group)
  finish(job, 'f')
  touch_group(job, group, 1)
  note(letter, job, job.queue, '', 'f', worker, group)
end

local function count_running(worker, by)
  if gather then
    running[worker] = (running[worker] or 0) + by
  else
    call('HINCRBY', key('running'), worker, by)
  end
end

local function end_lease(job)
  if has(job, 'k') then ties().count_run(job) end
  count_running(job.worker, -1)
  job.worker = ''
  job.token = ''
end

-- The token stays, so that the last holder hears JOB_CANCELED.
local function cancel(job)
  leave_index(job)
  append(job, 'k', '')
  note('k', job, job.queue, '', 'x', job.worker, '')
  if job.state == 'r' then
    local token = job.token
    end_lease(job)
    job.token = token
  end
  finish(job, 'x')
end

local function is_over(job)
  return job.state == 'c' or job.state == 'f' or job.state == 'x'
end

-- Save a job; if it has ended, tell those who wait for it.
local function conclude(job)
  save(job)
  if has(job, 'p') and is_over(job) then ties().tell_dependents(job) end
end

-- Write what is gathered.
local function flush(actor)
  if tied then tied.flush() end
  if gather then
    flush_jobs()
    flush_indexes()
    flush_writes()
    for worker, by in pairs(running) do
      if by ~= 0 then call('HINCRBY', key('running'), worker, by) end
    end
    running = {}
  end
  if laned then laned.flush() end
  -- A lease that has ended lets another job begin where running ones are counted, and somebody waits for that.
  for name, count in pairs(lines.ended or {}) do
    local queue = queues[name]
    if not queue or queue.limits ~= '' then
      local till = call('HGET', key('queue', name), 'held')
      if till and tonumber(till) > now then
        queue = load_queue(name)
        queue.freed = (queue.freed or 0) + count
      end
    end
  end
  for _, queue in pairs(queues) do flush_queue(queue) end
  if next(touches) then flush_groups() end
  if tied then tied.flush_figures() end
  flush_events(actor)
end
-- @include ties
-- @include lanes

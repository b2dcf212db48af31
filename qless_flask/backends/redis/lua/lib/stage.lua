-- stage: how a job comes to wait, to be scheduled, to fail and to end; the caller has taken it out of its old index,
-- and saves it afterwards.
-- @include queue
-- @include event
-- @include worker
local running = {}

local function arrive_at_place(job, queue, place)
  job.place = place
  job.available = now_text == job.created and '' or now_text
  queue.arrived = queue.arrived + 1
  enter_index(job, 'w', waiting_score(job))
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

-- A stage begins with its retries whole.
local function renew(job, queue)
  local own = options_of(job).retries
  job.remaining = own == '' and queue.retries or own
  job.losses = '0'
end

local function clear_failure(job)
  if has(job, 'f') then
    call('HDEL', key('failures'), job.jid)
    clear_flag(job, 'f')
  end
end

local function keep_failure(job, group, message)
  call('HSET', key('failures'), job.jid,
    group .. '\t' .. now_text .. '\t' .. job.worker .. '\t' .. job.runs .. '\t' .. message)
  set_flag(job, 'f')
end

-- Minus, so that the latest comes first, and ties go by jid all the same.
local function finish(job, state)
  job.ended = now_text
  enter_index(job, state, '-' .. now_text)
end

local function fail(job, group)
  append(job, 'f', group)
  finish(job, 'f')
  set_score(key('group', group), job.jid, '-' .. now_text)
  note('f', job, job.queue, '', 'f', job.worker, group)
end

local function count_running(worker, by)
  if gather then
    running[worker] = (running[worker] or 0) + by
  else
    call('HINCRBY', key('running'), worker, by)
  end
end

local function end_lease(job)
  count_running(job.worker, -1)
  job.worker = ''
  job.token = ''
end

-- Write what is gathered.
local function flush(actor)
  if gather then
    flush_jobs()
    flush_indexes()
    flush_writes()
    for worker, by in pairs(running) do
      if by ~= 0 then call('HINCRBY', key('running'), worker, by) end
    end
    running = {}
  end
  for _, queue in pairs(queues) do flush_queue(queue) end
  flush_events(actor)
end

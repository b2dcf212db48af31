-- stage: how a job comes to wait, to be scheduled, to fail and to end; the caller has taken it out of its old index.
-- @include queue
-- @include event
local function arrive_at_place(job, queue, place)
  job.place = place
  job.available = now == job.created and '' or now
  queue.arrived = queue.arrived + 1
  enter_index(job, 'w', waiting_score(job))
end

local function arrive(job, queue)
  queue.place = (queue.place or 0) + 1
  arrive_at_place(job, queue, queue.place)
end

local function schedule(job, queue, due)
  queue.place = queue.place or 0
  job.available = due
  look_by(queue, due)
  enter_index(job, 's', due)
end

-- Wait from now on, or from when it is due.
local function arrive_or_schedule(job, queue, due)
  if due > now then schedule(job, queue, due) else arrive(job, queue) end
end

-- A stage begins with its retries whole.
local function renew(job, queue)
  job.remaining = tonumber(options_of(job).retries) or queue.retries
  job.losses = 0
end

local function clear_failure(job)
  if has(job, 'f') then
    call('HDEL', key('failures'), job.jid)
    clear_flag(job, 'f')
  end
end

local function keep_failure(job, group, message)
  call('HSET', key('failures'), job.jid,
    group .. '\t' .. now .. '\t' .. job.worker .. '\t' .. job.runs .. '\t' .. message)
  set_flag(job, 'f')
end

local function finish(job, state)
  job.ended = now
  -- Minus, so that the latest comes first, and ties go by jid all the same.
  enter_index(job, state, -now)
end

local function fail(job, group)
  append(job, 'f', group)
  finish(job, 'f')
  set_score(key('group', group), job.jid, -now)
  note('f', job.jid, job.queue, '', 'f', job.worker, group)
end

-- The seen times and running counts of workers.
local running = {}

local function count_running(worker, by)
  running[worker] = (running[worker] or 0) + by
end

local function end_lease(job)
  count_running(job.worker, -1)
  job.worker = ''
  job.token = ''
end

local function flush_workers()
  for worker, by in pairs(running) do
    if by ~= 0 then call('HINCRBY', key('running'), worker, by) end
  end
  running = {}
end

local function see_worker(worker)
  local seen = tonumber(call('HGET', key('workers'), worker))
  if not seen or now - seen >= 1000 or now < seen then call('HSET', key('workers'), worker, now) end
end

local function flush(actor)
  flush_jobs()
  flush_indexes()
  flush_queues()
  flush_workers()
  flush_events(actor)
end

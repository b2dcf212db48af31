-- stage: how a job comes to wait, to be scheduled, to depend, to fail and to end; the caller has taken it out of its old
-- index, and saves it afterwards.
-- @include queue
-- @include event
-- @include worker
-- @include needs
-- @include unique
local running = {}
local told_so_far, last_turn = 0, nil -- what lib/ended knows of the operation

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

-- Stand in `depends`; the needs are seen to.
local function stand_by(job, queue)
  queue.place = queue.place or '0'
  job.place = '0'
  job.available = now_text == job.created and '' or now_text
  enter_index(job, 'd', now_text)
end

-- Wait for other jobs; `due` is the delay that begins when the last of them is done.
local function depend_on(job, queue, parents, due)
  stand_by(job, queue)
  job.needs, job.due = parents, due
  save_needs(job)
  for i = 1, #parents do wait_for(job, parents[i]) end
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

-- Until when it is to be popped, where it must be.
local function start_by(job)
  return job.created + life_of(job).expires_in
end

local function start_no_more(job)
  set_score(key('y', job.queue), job.jid, false)
  clear_flag(job, 'x')
end

-- Minus, so that the latest comes first, and ties go by jid all the same.
local function finish(job, state)
  job.ended = now_text
  enter_index(job, state, '-' .. now_text)
  if job.flags == '' then return end
  if has(job, 'n') then drop_all_needs(job) end
  if has(job, 'x') then start_no_more(job) end
  if has(job, 'u') and (state == 'x' or life_of(job).unique_ms == '') then let_go(job) end
end

-- What became of it is told under the letter: f, e expired, i finished by hand.
local function fail(job, group, letter, worker)
  append(job, letter, group)
  finish(job, 'f')
  enter_group(job, group)
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
  if has(job, 'k') then count_run(job) end
  count_running(job.worker, -1)
  job.worker = ''
  job.token = ''
end

-- Write what is gathered.
local function flush(actor)
  flush_edges()
  flush_holders()
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
  flush_figures()
  flush_events(actor)
end

-- queue: a hash a queue. settings: heartbeat ms, retries, max_losses, max_run ms and, in a line of its own, back-off;
-- paused; place: of the last job that came; deadline: nothing is due, lost or expired before it; waits: somebody waits for
-- a job until then; untold: dependents in it may be left to tell. A queue is known once it has a place.
-- @include index
-- @constant HEARTBEAT_MS
-- @constant RETRIES
-- @constant MAX_LOSSES
local queues = {}

local function load_queue(name)
  local queue = queues[name]
  if not queue then
    local hash = key('queue', name)
    local found = call('HMGET', hash, 'place', 'deadline', 'waits', 'settings', 'paused', 'untold')
    queue = {
      name = name, hash = hash, place = found[1], old_place = found[1], deadline = found[2], old_deadline = found[2],
      waits = found[3], paused = found[5], untold = found[6], old_untold = found[6], arrived = 0,
      heartbeat = HEARTBEAT_MS, retries = RETRIES, max_losses = MAX_LOSSES, max_run = '', backoff = '',
    }
    if found[4] then
      queue.heartbeat, queue.retries, queue.max_losses, queue.max_run, queue.backoff =
        string.match(found[4], '^(%d*),(%d+),(%d+),?(%d*)\n?(.*)$')
    end
    queues[name] = queue
  end
  return queue
end

local function next_place(queue)
  queue.place = string.format('%.0f', (queue.place or 0) + 1)
  return queue.place
end

-- Make sure that nobody looks at the queue too late for what happens then.
local function look_by(queue, at)
  if not queue.deadline or tonumber(at) < tonumber(queue.deadline) then queue.deadline = at end
end

-- One token for each job that came, for as many waiting pops; what nobody takes is cleared by the next empty pop.
local function wake(queue)
  local tokens = {}
  for i = 1, math.max(1, math.min(queue.arrived, 1000)) do tokens[i] = '1' end
  local list = key('wake', queue.name)
  if call('RPUSH', list, unpack(tokens)) > 1000 then call('LTRIM', list, 0, 999) end
end

local function flush_queue(queue)
  local sooner = queue.deadline ~= queue.old_deadline
  if queue.place ~= queue.old_place then
    call('HSET', queue.hash, 'place', queue.place)
    if not queue.old_place then
      call('SADD', key('queues'), queue.name)
      call('PERSIST', queue.hash)
    end
    queue.old_place = queue.place
  end
  if sooner then
    call('HSET', queue.hash, 'deadline', queue.deadline)
    queue.old_deadline = queue.deadline
  end
  if queue.untold ~= queue.old_untold then
    if queue.untold then call('HSET', queue.hash, 'untold', '1') else call('HDEL', queue.hash, 'untold') end
    queue.old_untold = queue.untold
  end
  if queue.waits and (queue.arrived > 0 or sooner) and tonumber(queue.waits) > now then wake(queue) end
  queue.arrived = 0
end

-- queue: a hash a queue. settings: heartbeat ms, retries, max_losses, max_run ms and, in a line of its own, back-off;
-- paused; place: of the last job that came; deadline: nothing is due, lost or expired before it; waits: somebody waits for
-- a job until then; untold: dependents in it may be left to tell; limits: see lib/limits; laned: jobs may wait in lanes;
-- held: until when somebody waits for a lease to end. A queue is known once it has a place.
-- One that is not known has the settings that its namespace has for all: settings, limits, retention of meta.
-- @include index
-- @constant HEARTBEAT_MS
-- @constant RETRIES
-- @constant MAX_LOSSES
local queues = {}

local function load_queue(name)
  local queue = queues[name]
  if not queue then
    local hash = key('queue', name)
    local found = call('HMGET', hash, 'place', 'deadline', 'waits', 'settings', 'paused', 'untold', 'limits', 'laned')
    local given = not found[1] and call('HMGET', key('meta'), 'settings', 'limits', 'retention')
    queue = {
      name = name, hash = hash, place = found[1], old_place = found[1], deadline = found[2], old_deadline = found[2],
      waits = found[3], paused = found[5], untold = found[6], old_untold = found[6], arrived = 0,
      heartbeat = HEARTBEAT_MS, retries = RETRIES, max_losses = MAX_LOSSES, max_run = '',
      limits = found[7] or given and given[2] or '',
    }
    -- Outside of the table above, which is made for sixteen.
    if found[8] then queue.has_lanes = found[8] end
    if given then queue.given = given end
    local settings = found[4] or given and given[1]
    if settings then
      queue.heartbeat, queue.retries, queue.max_losses, queue.max_run =
        string.match(settings, '^(%d*),(%d+),(%d+),?(%d*)')
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

local function flush_queue(queue)
  local sooner = queue.deadline ~= queue.old_deadline
  if queue.place ~= queue.old_place then
    call('HSET', queue.hash, 'place', queue.place)
    if not queue.old_place then
      call('SADD', key('queues'), queue.name)
      for i, field in ipairs({'settings', 'limits', 'retention'}) do
        if queue.given[i] then call('HSET', queue.hash, field, queue.given[i]) end
      end
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
  if queue.waits and (queue.arrived > 0 or queue.freed or queue.arrived_in or sooner) and tonumber(queue.waits) > now then
    -- @include wake
    wake(queue, sooner)
  end
  queue.arrived = 0
  -- Not unless there is something: a table grows by a field that is set to nil.
  if queue.freed then queue.freed = nil end
  if queue.arrived_in then queue.arrived_in = nil end
end

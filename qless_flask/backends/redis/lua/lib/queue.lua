-- queue: a hash a queue. settings: heartbeat ms, retries, max_losses, max_run ms and, in a line of its own, back-off;
-- paused; place: of the last job that came; deadline: nothing is due, lost or expired before it; waits: somebody waits for
-- a job until then; untold: dependents in it may be left to tell; limits: see lib/limits; lanes: jobs may wait in some;
-- held: until when somebody waits for a lease to end. A queue is known once it has a place.
-- One that is not known has the settings that its namespace has for all: settings, limits, retention of meta.
-- @include index
-- @constant HEARTBEAT_MS
-- @constant RETRIES
-- @constant MAX_LOSSES
local queues = {}
local WAKE_MS = 60000 -- the life of tokens for those who offer something: who waits looks again by itself long before

local function load_queue(name)
  local queue = queues[name]
  if not queue then
    local hash = key('queue', name)
    local found = call('HMGET', hash, 'place', 'deadline', 'waits', 'settings', 'paused', 'untold', 'limits', 'lanes')
    local given = found[1] and {} or call('HMGET', key('meta'), 'settings', 'limits', 'retention')
    queue = {
      name = name, hash = hash, place = found[1], old_place = found[1], deadline = found[2], old_deadline = found[2],
      waits = found[3], paused = found[5], untold = found[6], old_untold = found[6], arrived = 0,
      freed = 0, limits = found[7] or given[2] or '', has_lanes = found[8], old_lanes = found[8], given = given,
      heartbeat = HEARTBEAT_MS, retries = RETRIES, max_losses = MAX_LOSSES, max_run = '', backoff = '',
    }
    local settings = found[4] or given[1]
    if settings then
      queue.heartbeat, queue.retries, queue.max_losses, queue.max_run, queue.backoff =
        string.match(settings, '^(%d*),(%d+),(%d+),?(%d*)\n?(.*)$')
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

local function push_tokens(list, count)
  local tokens = {}
  for i = 1, math.min(count, 1000) do tokens[i] = '1' end
  if call('RPUSH', list, unpack(tokens)) > 1000 then call('LTRIM', list, 0, 999) end
end

-- Whether workers who offer something (words apart by byte 31, as in the set) can run what requires a set.
local function offer_all(offers, set)
  for word in string.gmatch(set, '[^\31]+') do
    if not string.find('\31' .. offers .. '\31', '\31' .. word .. '\31', 1, true) then return false end
  end
  return true
end

-- One token for each job that came, or may run now, for as many waiting pops of each kind of worker that can run it; what
-- nobody takes is cleared by the next empty pop.
local function wake(queue, sooner)
  local count = queue.arrived + queue.freed
  if sooner and count == 0 then count = 1 end
  if count > 0 then push_tokens(key('wake', queue.name), count) end
  local kinds = call('HGETALL', key('waits', queue.name))
  for i = 1, #kinds, 2 do
    local offers, able = kinds[i], count
    for set, arrived in pairs(queue.arrived_in or {}) do
      if offer_all(offers, set) then able = able + arrived end
    end
    local list = key('wake', queue.name .. '\t' .. offers)
    if tonumber(kinds[i + 1]) <= now then
      call('HDEL', key('waits', queue.name), offers)
      call('DEL', list)
    elseif able > 0 then
      push_tokens(list, able)
      call('PEXPIRE', list, WAKE_MS)
    end
  end
end

local function take_over_given(queue)
  for i, field in ipairs({'settings', 'limits', 'retention'}) do
    if queue.given[i] then call('HSET', queue.hash, field, queue.given[i]) end
  end
end

local function flush_queue(queue)
  local sooner = queue.deadline ~= queue.old_deadline
  if queue.place ~= queue.old_place then
    call('HSET', queue.hash, 'place', queue.place)
    if not queue.old_place then
      call('SADD', key('queues'), queue.name)
      take_over_given(queue)
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
  if queue.has_lanes ~= queue.old_lanes then
    if queue.has_lanes then call('HSET', queue.hash, 'lanes', '1') else call('HDEL', queue.hash, 'lanes') end
    queue.old_lanes = queue.has_lanes
  end
  if queue.waits and (queue.arrived > 0 or queue.freed > 0 or queue.arrived_in or sooner)
      and tonumber(queue.waits) > now then
    wake(queue, sooner)
  end
  queue.arrived, queue.freed, queue.arrived_in = 0, 0, nil
end

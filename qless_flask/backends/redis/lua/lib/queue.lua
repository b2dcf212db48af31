-- queue: a hash a queue. settings: heartbeat ms, retries, max_losses; paused; place: of the last job that came; deadline:
-- nothing is due or lost before it; waits: somebody waits for a job until then. A queue is known once it has a place.
-- @include index
local queues = {}

local function load_queue(name)
  local queue = queues[name]
  if not queue then
    local found = call('HMGET', key('queue', name), 'place', 'deadline', 'waits', 'settings', 'paused')
    queue = {
      name = name, place = tonumber(found[1]), deadline = tonumber(found[2]) or NEVER, waits = tonumber(found[3]) or 0,
      paused = found[5], heartbeat = 60000, retries = 5, max_losses = 3, arrived = 0,
    }
    if found[4] then
      local heartbeat, retries, losses = string.match(found[4], '^(%d*),(%d+),(%d+)')
      queue.heartbeat, queue.retries, queue.max_losses = tonumber(heartbeat), tonumber(retries), tonumber(losses)
    end
    queue.old_place, queue.old_deadline = queue.place, queue.deadline
    queues[name] = queue
  end
  return queue
end

-- Make sure that nobody looks at the queue too late for what happens then.
local function look_by(queue, at)
  if at < queue.deadline then queue.deadline = at end
end

local function flush_queues()
  for name, queue in pairs(queues) do
    local hash = key('queue', name)
    if queue.place ~= queue.old_place then
      if not queue.old_place then call('SADD', key('queues'), name) end
      if queue.deadline ~= queue.old_deadline then
        call('HSET', hash, 'place', queue.place, 'deadline', queue.deadline)
      else
        call('HSET', hash, 'place', queue.place)
      end
    elseif queue.deadline ~= queue.old_deadline then
      call('HSET', hash, 'deadline', queue.deadline)
    end
    if queue.waits > now and (queue.arrived > 0 or queue.deadline < queue.old_deadline) then
      -- One token for each job that came, for as many waiting pops; what nobody takes is cleared by the next empty pop.
      local tokens = {}
      for i = 1, math.max(1, math.min(queue.arrived, 1000)) do tokens[i] = '1' end
      local wake = key('wake', name)
      if call('RPUSH', wake, unpack(tokens)) > 1000 then call('LTRIM', wake, 0, 999) end
    end
    queue.old_place, queue.old_deadline, queue.arrived = queue.place, queue.deadline, 0
  end
end

-- limits: what keeps waiting jobs of a queue back. In its hash, apart by commas, '' for none: max_concurrency; the rate's
-- limit, ms, and since when its pops count; key_concurrency; the same of key_rate; max_size.
-- pops:<queue>, key_pops:<queue>\t<key>: times of the latest pops, the last `limit` of each.
-- lib/lanes includes it.
local LIMITS = '^F?(%d*),(%d*),(%d*),(%d*),(%d*),(%d*),(%d*),(%d*),(%d*)$'

local function limits_of(queue)
  if not queue.limit then
    local found = {string.match(queue.limits, LIMITS)}
    queue.limit = {
      concurrency = tonumber(found[1] or ''), rate = tonumber(found[2] or ''), per = tonumber(found[3] or ''),
      since = tonumber(found[4] or ''), key_concurrency = tonumber(found[5] or ''),
      key_rate = tonumber(found[6] or ''), key_per = tonumber(found[7] or ''), key_since = tonumber(found[8] or ''),
      size = tonumber(found[9] or ''),
    }
  end
  return queue.limit
end

-- Until when a pop counts; nil where it counts no more.
local function counts_until(at, per, since)
  if at and tonumber(at) >= (since or 0) and now < at + per then return at + per end
end

-- When the rate of a queue lets the next job through; nil for now.
local function rate_free_at(queue)
  local limit = limits_of(queue)
  if not limit.rate then return end
  return counts_until(call('LINDEX', key('pops', queue.name), -limit.rate), limit.per, limit.since)
end

-- How many of up to `most` more pops its rate allows.
local function rate_room(queue, limit, most)
  local list = key('pops', queue.name)
  local length = call('LLEN', list)
  local first = math.max(0, length - limit.rate)
  local free = limit.rate - (length - first)
  if free >= most then return free end
  for _, at in ipairs(call('LRANGE', list, first, first + most - 1)) do
    if counts_until(at, limit.per, limit.since) then break end
    free = free + 1
  end
  return free
end

-- How many of up to `most` more jobs may be leased now; who leases some counts them.
local function room_in(queue, most)
  if not queue.room then
    local limit = limits_of(queue)
    queue.room = math.huge
    if limit.concurrency then queue.room = limit.concurrency - call('ZCARD', key('r', queue.name)) end
    if limit.rate then queue.room = math.min(queue.room, rate_room(queue, limit, most)) end
  end
  return math.min(most, queue.room)
end

local function remember_pops(list, limit, count)
  local times = {}
  for i = 1, math.min(count, limit) do times[i] = now_text end
  if call('RPUSH', list, unpack(times)) > limit then call('LTRIM', list, -limit, -1) end
end

local function count_leased(queue, count)
  if count == 0 then return end
  queue.room = queue.room - count
  local limit = limits_of(queue)
  if limit.rate then remember_pops(key('pops', queue.name), limit.rate, count) end
end

-- Whether a new job, in place of an old one if there is one, finds no room.
local function is_full(queue, old)
  local size = limits_of(queue).size
  if not size then return false end
  local count = 0
  for kind in string.gmatch('sdwv', '.') do
    local index = key(kind, queue.name)
    count = count + call('ZCARD', index) + (moves[index] and moves[index].by or 0)
  end
  if old and old.queue == queue.name and string.find('sdw', old.state, 1, true) then count = count - 1 end
  return count >= size
end

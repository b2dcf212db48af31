-- lanes: waiting jobs that not every worker can run, or that wait for others of their key. All of a queue stand in v. Those
-- that require the same and have the same key stand in a lane; for each set of requirements, heads has the key of each lane
-- with the score of its first job. So what a pop may give is the first of heads, however many wait behind it.
-- A key that may not run now has no heads: it stands in `blocked`, by when its rate lets it go on, or NEVER where a lease
-- must end first. sets: how many jobs of each set are alive; key_running: how many of each key run.
-- Lanes are changed with the other indexes; heads and blocked follow in flush(), from what is there then.
-- Most jobs have no lane, and most queues no limits: the parts stand inside, and are made when the first that has some comes
-- by.
-- @include stage
lanes = function()
  if laned then return laned end
  -- @include limits
  -- @constant MAX_REQUIREMENT_SETS
  local ALIVE = {s = true, d = true, w = true, r = true}
  local touched = {}

  -- What it requires and its key, '' for none.
  local function lane_of(job)
    if not job.requires then
      local life = options_of(job).life
      if string.byte(life) ~= 113 then return '', '' end
      job.requires, job.key = string.match(life, '\n([^\n]*)\n([^\n]*)$')
    end
    return job.requires, job.key
  end

  local function touched_in(name)
    local here = touched[name]
    if not here then
      here = {sets = {}, running = {}, keys = {}, lanes = {}}
      touched[name] = here
    end
    return here
  end

  local function lane(queue_name, set, name)
    return key('lane', queue_name .. '\t' .. set .. '\t' .. name)
  end

  local function heads(queue_name, set)
    return key('heads', queue_name .. '\t' .. set)
  end

  -- Into a state, or out of it, with the score that it has in the lane.
  local function change_lane(job, state, by, score)
    local set, name = lane_of(job)
    local here = touched_in(job.queue)
    if set ~= '' and ALIVE[state] then here.sets[set] = (here.sets[set] or 0) + by end
    if state == 'w' then
      set_score(lane(job.queue, set, name), job.jid, score)
      here.lanes[set .. '\t' .. name] = {set, name}
    elseif state == 'r' and name ~= '' then
      here.running[name] = (here.running[name] or 0) + by
      here.keys[name] = true
    end
  end

  -- Answers in which index it stands.
  local function enter_lane(job, state, score)
    change_lane(job, state, 1, score)
    if state ~= 'w' then return state end
    touched_in(job.queue).waiting = true
    return 'v'
  end

  local function leave_lane(job)
    change_lane(job, job.state, -1, false)
    return job.state == 'w' and 'v' or job.state
  end

  -- Leave the waiting ones at once, while heads are gone through.
  local function take_off(job)
    local set, name = lane_of(job)
    local here = touched_in(job.queue)
    call('ZREM', key('v', job.queue), job.jid)
    call('ZREM', lane(job.queue, set, name), job.jid)
    if set ~= '' then here.sets[set] = (here.sets[set] or 0) - 1 end
  end

  -- Whether workers who offer something, apart by bytes 31 as in a set, can run what requires a set.
  local function offer_all(offers, set)
    for word in string.gmatch(set, '[^\31]+') do
      if not string.find('\31' .. offers .. '\31', '\31' .. word .. '\31', 1, true) then return false end
    end
    return true
  end

  -- One that has come is there only for those who offer what it requires.
  local function announce(job, queue)
    queue.arrived = queue.arrived - 1
    queue.arrived_in, queue.offer_all = queue.arrived_in or {}, offer_all
    queue.arrived_in[job.requires] = (queue.arrived_in[job.requires] or 0) + 1
  end

  -- Whether a new job, in place of an old one if there is one, would make one set too many alive in its queue.
  local function is_set_too_many(job, old)
    local set, here, count = lane_of(job), touched_in(job.queue), 0
    if set == '' then return false end
    if not here.alive then
      here.alive = {}
      local found = call('HGETALL', key('sets', job.queue))
      for i = 1, #found, 2 do here.alive[found[i]] = tonumber(found[i + 1]) end
    end
    local gone = old and has(old, 'q') and old.queue == job.queue and ALIVE[old.state] and lane_of(old)
    local function lives(each)
      return (here.alive[each] or 0) + (here.sets[each] or 0) - (each == gone and 1 or 0) > 0
    end
    if lives(set) then return false end
    for each in pairs(here.alive) do
      if lives(each) then count = count + 1 end
    end
    for each in pairs(here.sets) do
      if not here.alive[each] and lives(each) then count = count + 1 end
    end
    return count >= MAX_REQUIREMENT_SETS
  end

  -- What the limits of its queue say against a new job, in place of an old one if there is one.
  local function fault_of(job, old)
    local queue = load_queue(job.queue)
    if lane_of(job) ~= '' and is_set_too_many(job, old) then return 'TOO_MANY_SETS ' .. job.jid end
    if queue.limits ~= '' and is_full(queue, old) then return 'QUOTA_EXCEEDED ' .. queue.name end
  end

  -- All sets that jobs of a queue may wait with.
  local function sets_in(queue)
    local sets = call('HKEYS', key('sets', queue.name))
    sets[#sets + 1] = ''
    return sets
  end

  -- When a key may run on; nil for now.
  local function key_free_at(queue, name)
    if name == '' or queue.limits == '' then return end
    local limit = limits_of(queue)
    if limit.key_concurrency then
      local more = touched_in(queue.name).running[name] or 0
      local running = (call('HGET', key('key_running', queue.name), name) or 0) + more
      if running >= limit.key_concurrency then return NEVER end
    end
    if limit.key_rate then
      local list = key('key_pops', queue.name .. '\t' .. name)
      return counts_until(call('LINDEX', list, -limit.key_rate), limit.key_per, limit.key_since)
    end
  end

  local function has_key_limits(queue)
    if queue.limits == '' then return end
    local limit = limits_of(queue)
    return limit.key_concurrency or limit.key_rate
  end

  local function set_head(queue, set, name)
    local first = call('ZRANGE', lane(queue.name, set, name), 0, 0, 'WITHSCORES')
    if first[1] then
      call('ZADD', heads(queue.name, set), first[2], name)
    else
      call('ZREM', heads(queue.name, set), name)
    end
  end

  local function block(queue, name, till)
    call('ZADD', key('blocked', queue.name), till, name)
    for _, set in ipairs(sets_in(queue)) do call('ZREM', heads(queue.name, set), name) end
  end

  local function free(queue, name)
    call('ZREM', key('blocked', queue.name), name)
    for _, set in ipairs(sets_in(queue)) do set_head(queue, set, name) end
  end

  -- Block a key, or free it, as its limits say. Answers whether it is free.
  local function look_at_key(queue, name)
    local till = key_free_at(queue, name)
    if till then block(queue, name, till) else free(queue, name) end
    return not till
  end

  local function count_in(hash, changes)
    for name, by in pairs(changes) do
      if by ~= 0 and call('HINCRBY', hash, name, by) <= 0 then call('HDEL', hash, name) end
    end
  end

  local function flush_here(queue, here)
    local limited, looked = has_key_limits(queue), {}
    if here.waiting and not queue.has_lanes then
      queue.has_lanes = '1'
      call('HSET', queue.hash, 'laned', '1')
    end
    count_in(key('sets', queue.name), here.sets)
    count_in(key('key_running', queue.name), here.running)
    here.running = {}
    for name in pairs(limited and here.keys or {}) do
      local blocked = call('ZSCORE', key('blocked', queue.name), name)
      -- It may run on: so may who waits for that.
      if blocked and look_at_key(queue, name) then queue.freed = (queue.freed or 0) + 1 end
      looked[name] = blocked
    end
    for _, each in pairs(here.lanes) do
      local set, name = each[1], each[2]
      if name == '' or not limited then
        set_head(queue, set, name)
      elseif not looked[name] then
        local till = key_free_at(queue, name)
        if till then
          block(queue, name, till)
          -- It may have been the last one alive that requires this.
          call('ZREM', heads(queue.name, set), name)
        else
          set_head(queue, set, name)
        end
      end
    end
  end

  local function flush_lanes()
    local all = touched
    touched = {}
    for name, here in pairs(all) do flush_here(load_queue(name), here) end
  end

  local function forget_lanes()
    touched = {}
  end

  laned = {
    of = lane_of, enter = enter_lane, leave = leave_lane, announce = announce, offer_all = offer_all, fault_of = fault_of,
    take_off = take_off, flush = flush_lanes, forget = forget_lanes, touched_in = touched_in, lane = lane, heads = heads,
    sets_in = sets_in, key_free_at = key_free_at, has_key_limits = has_key_limits, set_head = set_head, block = block,
    look_at_key = look_at_key, limits_of = limits_of, rate_free_at = rate_free_at, room_in = room_in,
    remember_pops = remember_pops, count_leased = count_leased,
  }
  return laned
end

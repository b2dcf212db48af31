-- pop: lease jobs to a worker. Answers {retry_at or '', jid, token, expires or '', record, options, failure, data,
-- progress, …}; a worker that is asked for something gets the letters of lib/worker in place of the time, and nothing new.
-- @include pop_plain
-- @include expiry
-- @include look_after
-- @include extras
-- @include room

local offers -- what the worker offers

local function lease(job, queue, worker, token)
  if has(job, 'k') then ties().count_wait(job) end
  if has(job, 'x') then ties().start_no_more(job) end
  job.runs = tostring(job.runs + 1)
  job.started = now_text
  job.worker = worker
  job.token = token
  append(job, 'o', worker)
  job.expires = expiry(job, queue)
  enter_index(job, 'r', job.expires)
  look_by(queue, job.expires)
  count_running(worker, 1)
  note('o', job, queue.name, '', 'r', worker, '')
  save(job)
end

-- Take up to so many off a queue's waiting index. What limits and lanes keep back stands inside.
local function take(queue, limit, leased, worker, nonce, is_free)
  if not is_free and (queue.limits ~= '' or queue.has_lanes) then
    -- @include take_within
    return take_within(queue, limit, leased, worker, nonce)
  end
  while limit > 0 do
    local popped, late = taken or call('ZPOPMIN', key('w', queue.name), limit), false
    taken = nil
    if #popped == 0 then return end
    if #popped > 2 then
      gather = true
      local jids = {}
      for i = 1, #popped, 2 do jids[#jids + 1] = popped[i] end
      load_jobs(jids)
    end
    for i = 1, #popped, 2 do
      -- A jid without its job is dropped.
      local job = load_job(popped[i])
      if job and job.state == 'w' then
        if has(job, 'x') and now >= ties().start_by(job) then
          -- There were too many for one upkeep: back to the next one.
          call('ZADD', key('w', queue.name), popped[i + 1], job.jid)
          late = true
        else
          leased[#leased + 1] = job
          lease(job, queue, worker, nonce .. '.' .. #leased)
          limit = limit - 1
        end
      end
    end
    if late then return end
  end
end

local function take_in_turn(names, limit, leased, worker, nonce)
  local open = {}
  for i = 1, #names do look_after(load_queue(names[i]), UPKEEP_AT_ONCE) end
  local turn = tonumber(call('HGET', key('meta'), 'turn')) or 0
  for i = 0, #names - 1 do
    local queue = load_queue(names[(turn + i) % #names + 1])
    if not queue.paused then
      open[#open + 1] = queue
      -- For all turns together: each asks for one job alone.
      if queue.limits ~= '' then lanes().room_in(queue, limit) end
    end
  end
  while #open > 0 and #leased < limit do
    local still = {}
    for i = 1, #open do
      local before = #leased
      if before < limit then take(open[i], 1, leased, worker, nonce) end
      if #leased > before then still[#still + 1] = open[i] end
    end
    open = still
  end
  if #leased > 0 then call('HSET', key('meta'), 'turn', turn + 1) end
end

-- Nothing to give: when to look again, and whom to wake when something comes.
local function wait_for(names, wait)
  -- @include wait
  local retry_at = NEVER
  for i = 1, #names do
    local queue = load_queue(names[i])
    if queue.place then
      set_deadline(queue)
      if not queue.paused then
        if tonumber(queue.deadline) < tonumber(retry_at) then retry_at = queue.deadline end
        if queue.limits ~= '' or queue.has_lanes then
          local till = kept_back_until(queue)
          if tonumber(till) < tonumber(retry_at) then retry_at = till end
        end
      end
    end
    if wait > 0 then wait_in(queue, wait) end
  end
  return retry_at == NEVER and '' or retry_at
end

local function answer(leased, retry_at)
  local reply = {retry_at}
  for i = 1, #leased do
    local job, n = leased[i], #reply
    local expires = job.expires == NEVER and '' or job.expires
    reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = job.jid, job.token, expires, job.text
    reply[n + 5], reply[n + 6], reply[n + 7], reply[n + 8] = extras(job.jid, job.flags)
  end
  return reply
end

-- The arguments stand in ARGV from `first` on: nonce, worker, limit, order, request, wait ms, capabilities apart by bytes 31,
-- queue…
local function pop(first)
  local nonce, worker, limit = ARGV[first], ARGV[first + 1], tonumber(ARGV[first + 2])
  local leased, remember = {}, nil
  offers = ARGV[first + 6]
  local asked = wishes or see_worker(worker, offers)
  if ARGV[first + 4] ~= '' then
    -- @include request
    local request = key('request', worker .. '\t' .. ARGV[first + 4])
    leased = given_before(request)
    if #leased > 0 then return answer(leased, asked) end
    remember = function() remember_given(request, leased) end
  end
  if asked ~= '' then return {asked} end
  if ARGV[first + 3] == 'round_robin' then
    take_in_turn({unpack(ARGV, first + 7)}, limit, leased, worker, nonce)
  else
    for i = first + 7, #ARGV do
      if #leased == limit then break end
      local queue = load_queue(ARGV[i])
      look_after(queue, UPKEEP_AT_ONCE)
      if not queue.paused then take(queue, limit - #leased, leased, worker, nonce) end
    end
  end
  local retry_at = ''
  if #leased == 0 then
    retry_at = wait_for({unpack(ARGV, first + 7)}, tonumber(ARGV[first + 5]))
  elseif remember then
    remember()
  end
  flush()
  return answer(leased, retry_at)
end

-- pop: lease jobs to a worker. Answers {retry_at or '', jid, token, expires or '', record, options, failure, data, …}.
-- @include upkeep
local STEP = 100
local FORGET_MS = 60000

local function lease(job, queue, worker, token)
  job.runs = job.runs + 1
  job.started = now
  job.worker = worker
  job.token = token
  append(job, 'o', worker)
  job.expires = queue.heartbeat and now + queue.heartbeat or NEVER
  enter_index(job, 'r', job.expires)
  look_by(queue, job.expires)
  count_running(worker, 1)
  note('o', job.jid, queue.name, '', 'r', worker, '')
  save(job)
end

-- Take up to so many off a queue's waiting index.
local function take(queue, limit, leased, worker, nonce)
  local index = key('w', queue.name)
  while limit > 0 do
    local popped = call('ZPOPMIN', index, limit)
    if #popped == 0 then return end
    local jids = {}
    for i = 1, #popped, 2 do jids[#jids + 1] = popped[i] end
    if #jids > 1 then gather = true end
    local found = jobs_in(index, 'w', jids)
    for i = 1, #found do
      leased[#leased + 1] = found[i]
      lease(found[i], queue, worker, nonce .. '.' .. #leased)
    end
    limit = limit - #found
  end
end

local function take_in_turn(names, limit, leased, worker, nonce)
  local open = {}
  for i = 1, #names do
    local queue = load_queue(names[i])
    if now >= queue.deadline then look_after(queue, STEP, STEP) end
  end
  local turn = tonumber(call('HGET', key('meta'), 'turn')) or 0
  for i = 0, #names - 1 do
    local queue = load_queue(names[(turn + i) % #names + 1])
    if not queue.paused then open[#open + 1] = queue end
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
  if #leased > 0 then call('HSET', key('meta'), 'turn', (turn + 1) % 1000000007) end
end

local function take_as_listed(names, limit, leased, worker, nonce)
  for i = 1, #names do
    if #leased >= limit then return end
    local queue = load_queue(names[i])
    if now >= queue.deadline then look_after(queue, STEP, STEP) end
    if not queue.paused then take(queue, limit - #leased, leased, worker, nonce) end
  end
end

-- The leases that the same request was given and that still live.
local function given_before(request)
  local leased = {}
  local till, given = string.match(call('GET', request) or '', '^(%d+)\n(.*)$')
  if not till or now >= tonumber(till) then return leased end
  for jid, token in string.gmatch(given, '([^\t]+)\t([^\n]+)\n') do
    load_jobs({jid})
    local job = jobs[jid]
    if job and job.state == 'r' and job.token == token then
      job.expires = tonumber(call('ZSCORE', key('r', job.queue), jid))
      job.text = call('HGET', records, jid)
      leased[#leased + 1] = job
    end
  end
  return leased
end

local function remember_given(request, leased)
  local life = load_queue(leased[1].queue).heartbeat or FORGET_MS
  local given = {}
  for i = 1, #leased do given[i] = leased[i].jid .. '\t' .. leased[i].token .. '\n' end
  -- The key outlives its date a little, since its expiry goes by the server's clock alone.
  call('SET', request, now + life .. '\n' .. table.concat(given), 'PX', life + FORGET_MS)
end

-- Nothing to give: when to look again, and whom to wake when something comes.
local function wait_for(names, wait)
  local retry_at = NEVER
  for i = 1, #names do
    local queue = load_queue(names[i])
    if queue.place then
      set_deadline(queue)
      if not queue.paused then retry_at = math.min(retry_at, queue.deadline) end
    end
    if wait > 0 then
      local hash = key('queue', names[i])
      if queue.waits < now + wait then
        call('HSET', hash, 'waits', now + wait + 1000)
        if not queue.place then call('PEXPIRE', hash, wait + 1000) end
      end
      -- Tokens that are still there tell of jobs that others have taken.
      call('DEL', key('wake', names[i]))
    end
  end
  return retry_at
end

local function answer(leased, retry_at)
  local reply = {retry_at == NEVER and '' or retry_at}
  for i = 1, #leased do
    local job = leased[i]
    local n = #reply
    reply[n + 1], reply[n + 2] = job.jid, job.token
    reply[n + 3] = job.expires == NEVER and '' or job.expires
    reply[n + 4] = job.text
    reply[n + 5] = has(job, 'o') and call('HGET', key('options'), job.jid) or ''
    reply[n + 6] = has(job, 'f') and call('HGET', key('failures'), job.jid) or ''
    reply[n + 7] = has(job, 'd') and call('HGET', key('payloads'), job.jid) or ''
  end
  return reply
end

-- The arguments stand in ARGV from `first` on: nonce, worker, limit, order, request, wait ms, queue…
local function pop(first)
  local nonce, worker, limit = ARGV[first], ARGV[first + 1], tonumber(ARGV[first + 2])
  local request = ARGV[first + 4] ~= '' and key('request', worker .. '\t' .. ARGV[first + 4])
  local names = {}
  for i = first + 6, #ARGV do names[#names + 1] = ARGV[i] end
  see_worker(worker)
  local leased = request and given_before(request) or {}
  if #leased > 0 then return answer(leased, NEVER) end
  local take_from = ARGV[first + 3] == 'round_robin' and take_in_turn or take_as_listed
  take_from(names, limit, leased, worker, nonce)
  local retry_at = NEVER
  if #leased == 0 then
    retry_at = wait_for(names, tonumber(ARGV[first + 5]))
  elseif request then
    remember_given(request, leased)
  end
  flush()
  return answer(leased, retry_at)
end

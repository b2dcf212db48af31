-- retention: which ended jobs a queue keeps, and the deletion of others, the longest ended first; prune says whether the
-- store is `full`, and then nothing is written of it.
-- @include erase
-- @constant RETENTION
-- @constant PRUNE_SCANNED
-- @constant TRIM_WARNING_MS
local STEP = 1000
local scanned = 0

-- By state: complete, canceled, failed.
local function kept_by(name)
  local text = call('HGET', key('queue', name), 'retention') or RETENTION
  local numbers, kept = {}, {}
  for number in string.gmatch(text, '%d+') do numbers[#numbers + 1] = tonumber(number) end
  for i, state in ipairs({'c', 'x', 'f'}) do kept[i] = {state = state, age = numbers[2 * i - 1], count = numbers[2 * i]} end
  return kept
end

-- The longest ended job of an index has ended then: the scores are minus the time.
local function first_end(index)
  local score = call('ZRANGE', index, -1, -1, 'WITHSCORES')[2]
  return score and -score
end

-- Tell once a day that failed jobs will go soon.
local function warn_of_trim(name)
  if full then return end
  local hash, index, kept = key('queue', name), key('f', name), kept_by(name)[3]
  local ended, warned = first_end(index), tonumber(call('HGET', hash, 'warned_at') or '')
  if ended and (call('ZCARD', index) * 10 > kept.count * 9 or (now - ended) * 10 >= kept.age * 9) then
    if warned and now < warned + TRIM_WARNING_MS then return end
    call('HSET', hash, 'warned_at', now_text)
    note('W', '', name, '', '', '', '')
  elseif warned then
    call('HDEL', hash, 'warned_at')
  end
end

local function delete(index, jids)
  for i = 1, #jids do
    local job = jobs[jids[i]]
    if job then
      erase(job)
      if not full then note('d', job, job.queue, '', '', '', '') end
    else
      set_score(index, jids[i], false)
    end
  end
  if #jids > 0 then call('HDEL', records, unpack(jids)) end
  if tied then tied.flush() end
  flush_indexes()
  flush_writes()
end

-- In a full store figures cannot be kept: those who have some must stay until there is room.
local function is_kept(job)
  return has(job, 'p') or (full and (has(job, 'k') or job.state == 'f'))
end

local function deletable(jids, most)
  local found = {}
  load_jobs(jids)
  for i = 1, #jids do
    local job = jobs[jids[i]]
    if #found < most and not (job and is_kept(job)) then found[#found + 1] = jids[i] end
  end
  return found
end

-- The longest ended stand last. Those for which others wait are passed over.
local function prune_state(name, kept, left)
  local index = key(kept.state, name)
  local over = call('ZCARD', index) - kept.count
  local deleted, passed = 0, 0
  while deleted < left and scanned < PRUNE_SCANNED do
    local step = math.min(STEP, PRUNE_SCANNED - scanned, math.max(100, left - deleted))
    local jids
    if over > deleted then
      jids = call('ZREVRANGE', index, passed, passed + math.min(step, over - deleted) - 1)
    else
      jids = call('ZREVRANGEBYSCORE', index, '+inf', kept.age - now, 'LIMIT', passed, step)
    end
    if #jids == 0 then break end
    scanned = scanned + #jids
    local gone = deletable(jids, left - deleted)
    delete(index, gone)
    deleted = deleted + #gone
    passed = passed + #jids - #gone
  end
  return deleted
end

local function prune_queue(name, left)
  local deleted = 0
  for _, kept in ipairs(kept_by(name)) do deleted = deleted + prune_state(name, kept, left - deleted) end
  return deleted
end

-- index: the sorted set of each queue and state; a job stands in exactly one of them.
-- A single move is made at once; when an operation gathers many, flush() makes them together, a key at a time.
-- @include job
local moves = {}
local ties, lanes, limiting -- lib/ties, lib/lanes, lib/limits
local SIZED = {s = true, d = true, w = true} -- the states that count for max_size
local grown = {} -- by how many of those each queue has grown by what is gathered
local ended = {} -- how many leases have ended in each queue

local function set_score(index, jid, score)
  if gather then
    local members = moves[index]
    if not members then
      members = {}
      moves[index] = members
    end
    members[jid] = score
  elseif score then
    call('ZADD', index, score, jid)
  else
    call('ZREM', index, jid)
  end
end
-- @include groups

local function flush_indexes()
  for index, members in pairs(moves) do
    local added, removed = {}, {}
    for jid, score in pairs(members) do
      if score then
        added[#added + 1] = score
        added[#added + 1] = jid
      else
        removed[#removed + 1] = jid
      end
    end
    call_with('ZREM', index, removed)
    call_with('ZADD', index, added)
  end
  moves, grown = {}, {}
end

-- A number, not a text made by Lua, which would lose digits.
local function waiting_score(job)
  if job.priority == '' then return job.place end
  return job.place - job.priority * PRIORITY_STEP
end

local function failure_of(job)
  if not job.failure then job.failure = has(job, 'f') and call('HGET', key('failures'), job.jid) or '' end
  return job.failure
end

local function leave_index(job)
  local state, queue = job.state, job.queue
  if state == 'r' then
    job.ran = math.max(0, now - job.started)
    ended[queue] = (ended[queue] or 0) + 1
  elseif state == 'f' then
    touch_group(job, string.match(failure_of(job), '^[^\t]*'), -1)
  elseif gather and SIZED[state] then
    grown[queue] = (grown[queue] or 0) - 1
  end
  if has(job, 'q') then
    lanes().leave(job)
    if state == 'w' then state = 'v' end
  end
  set_score(key(state, queue), job.jid, false)
end

local function enter_index(job, state, score)
  if has(job, 'k') then ties().count_state(job, job.state, state) end
  job.state = state
  if gather and SIZED[state] then grown[job.queue] = (grown[job.queue] or 0) + 1 end
  if has(job, 'q') then
    lanes().enter(job, state, score)
    if state == 'w' then state = 'v' end
  end
  set_score(key(state, job.queue), job.jid, score)
end

-- index: the sorted set of each queue and state; a job stands in exactly one of them.
-- A single move is made at once; when an operation gathers many, flush() makes them together, a key at a time.
-- @include job
local moves = {} -- each with by how many it makes an index grow
local ties, lanes -- lib/ties, lib/lanes

local function set_score(index, jid, score)
  if gather then
    local move = moves[index]
    if not move then
      move = {members = {}, by = 0}
      moves[index] = move
    end
    move.members[jid] = score
    move.by = move.by + (score and 1 or -1)
  elseif score then
    call('ZADD', index, score, jid)
  else
    call('ZREM', index, jid)
  end
end
-- @include groups

local function flush_indexes()
  for index, move in pairs(moves) do
    local added, removed = {}, {}
    for jid, score in pairs(move.members) do
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
  moves = {}
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
  local state = job.state
  if state == 'f' then touch_group(job, string.match(failure_of(job), '^[^\t]*'), -1) end
  if job.flags ~= '' and has(job, 'q') then state = lanes().leave(job) end
  set_score(key(state, job.queue), job.jid, false)
end

local function enter_index(job, state, score)
  local index = state
  if job.flags ~= '' then
    if has(job, 'k') then ties().count_state(job, job.state, state) end
    if has(job, 'q') then index = lanes().enter(job, state, score) end
  end
  job.state = state
  set_score(key(index, job.queue), job.jid, score)
end

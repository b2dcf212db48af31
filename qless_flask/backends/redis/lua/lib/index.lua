-- index: the sorted set of each queue and state; a job stands in exactly one of them.
-- A single move is made at once; when an operation gathers many, flush() makes them together, a key at a time.
-- @include job
local moves = {}

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
    if #removed > 0 then call('ZREM', index, unpack(removed)) end
    if #added > 0 then call('ZADD', index, unpack(added)) end
  end
  moves = {}
end

-- A number, not a text made by Lua, which would lose digits.
local function waiting_score(job)
  if job.priority == '' then return job.place end
  return job.place - job.priority * PRIORITY_STEP
end

local function leave_index(job)
  set_score(key(job.state, job.queue), job.jid, false)
  if job.state == 'f' then
    local failure = call('HGET', key('failures'), job.jid)
    if failure then set_score(key('group', string.match(failure, '^[^\t]*')), job.jid, false) end
  end
end

local function enter_index(job, state, score)
  job.state = state
  set_score(key(state, job.queue), job.jid, score)
end

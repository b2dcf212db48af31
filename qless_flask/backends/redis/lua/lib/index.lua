-- index: the sorted set of each queue and state; a job stands in exactly one of them.
-- One move is made at once; from the second on they are gathered a key, and made together by flush_indexes().
-- @include job
local PRIORITY_STEP = 17592186044416 -- 2^44: places of one priority lie within a step
local NEVER = 9007199254740991

local moves = {}
local gather = false

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

-- The number itself must reach ZADD: as text it would lose digits.
local function waiting_score(job)
  return job.place - job.priority * PRIORITY_STEP
end

local function failure_group(job)
  local text = call('HGET', key('failures'), job.jid)
  return text and string.match(text, '^[^\t]*')
end

local function leave_index(job)
  set_score(key(job.state, job.queue), job.jid, false)
  if job.state == 'f' then
    local group = failure_group(job)
    if group then set_score(key('group', group), job.jid, false) end
  end
end

local function enter_index(job, state, score)
  job.state = state
  set_score(key(state, job.queue), job.jid, score)
end

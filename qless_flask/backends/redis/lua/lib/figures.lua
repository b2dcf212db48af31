-- figures: what is counted of jobs: of a tag, its jobs in each state, their waits and runs; of a failure group, the
-- queues and klasses of its jobs. lib/index includes it, behind set_score.
-- All is written at the end of a script. A tag's figures are forgotten when no job has it then.
-- @include job
local FIGURES = {'s', 'd', 'w', 'r', 'c', 'f', 'x', 'waits', 'waited_ms', 'runs', 'ran_ms'}
local STATE_FIGURES = 7
local figures = {}
local touches = {}

local function figures_of(tag)
  local known = figures[tag]
  if not known then
    local found = call('HMGET', key('figures', tag), unpack(FIGURES))
    known = {old = {}}
    for i, name in ipairs(FIGURES) do
      known[name] = tonumber(found[i] or 0)
      known.old[name] = known[name]
    end
    figures[tag] = known
  end
  return known
end

local function add_to_figures(job, name, by)
  for tag in string.gmatch(options_of(job).tags, '[^\t]+') do
    local known = figures_of(tag)
    known[name] = known[name] + by
  end
end

-- From a state (nil: new) into another (nil: gone).
local function count_state(job, old, new)
  if old == new then return end
  if old then add_to_figures(job, old, -1) end
  if new then add_to_figures(job, new, 1) end
end

local function count_wait(job)
  if not has(job, 'k') then return end
  add_to_figures(job, 'waits', 1)
  add_to_figures(job, 'waited_ms', math.max(0, now - (job.available == '' and job.created or job.available)))
end

local function count_run(job)
  if not has(job, 'k') then return end
  add_to_figures(job, 'runs', 1)
  add_to_figures(job, 'ran_ms', math.max(0, now - job.started))
end

local function jobs_with(known)
  local count = 0
  for i = 1, STATE_FIGURES do count = count + known[FIGURES[i]] end
  return count
end

local function flush_tag(tag, known)
  local hash = key('figures', tag)
  if jobs_with(known) == 0 then
    call('DEL', hash)
    call('ZREM', key('tags'), tag)
    return
  end
  if jobs_with(known.old) == 0 then call('ZADD', key('tags'), 0, tag) end
  local set, gone = {}, {}
  for _, name in ipairs(FIGURES) do
    local other = known[name] ~= known.old[name]
    if other and known[name] == 0 then
      gone[#gone + 1] = name
    elseif other then
      set[#set + 1] = name
      set[#set + 1] = string.format('%.0f', known[name])
    end
  end
  if #set > 0 then call('HSET', hash, unpack(set)) end
  if #gone > 0 then call('HDEL', hash, unpack(gone)) end
end

local function touch(job, group, by)
  local touched = touches[group] or {}
  touches[group] = touched
  for _, name in ipairs({'q' .. job.queue, 'k' .. job.klass}) do touched[name] = (touched[name] or 0) + by end
end

local function enter_group(job, group)
  set_score(key('group', group), job.jid, '-' .. now_text)
  touch(job, group, 1)
end

-- The job is still in the queue in which it entered.
local function leave_group(job, group)
  set_score(key('group', group), job.jid, false)
  touch(job, group, -1)
end

local function flush_group(group, touched)
  local hash = key('touched', group)
  for name, by in pairs(touched) do
    if by ~= 0 and call('HINCRBY', hash, name, by) == 0 then call('HDEL', hash, name) end
  end
  if call('EXISTS', hash) == 1 then call('ZADD', key('groups'), 0, group) else call('ZREM', key('groups'), group) end
end

local function forget_figures()
  figures, touches = {}, {}
end

local function flush_figures()
  for tag, known in pairs(figures) do flush_tag(tag, known) end
  for group, touched in pairs(touches) do flush_group(group, touched) end
  forget_figures()
end

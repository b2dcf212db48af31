-- figures: what is counted of a tag: its jobs in each state, their waits and runs. Written at the end of a script, and
-- forgotten when no job has the tag then.
-- @include job
local FIGURES = {'s', 'd', 'w', 'r', 'c', 'f', 'x', 'waits', 'waited_ms', 'runs', 'ran_ms'}
local STATE_FIGURES = 7
local figures = {}

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

local function forget_figures()
  figures = {}
end

local function flush_figures()
  for tag, known in pairs(figures) do flush_tag(tag, known) end
  forget_figures()
end

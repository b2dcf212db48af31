-- needs: what a job in `depends` waits for, and with what delay it goes on then; and, by jid, who waits for a job.
-- Those who wait are changed in memory, where they are looked for too, and written by flush().
-- @include stage
-- @include bytes
local edges = {}

local function read_needs(text)
  local due, listed = string.match(text or '', '^([^\t]*)(.*)$')
  local parents = {}
  for parent in string.gmatch(listed, '[^\t]+') do parents[#parents + 1] = parent end
  return parents, due
end

local function needs_of(job)
  if not job.needs then job.needs, job.due = read_needs(has(job, 'n') and call('HGET', key('needs'), job.jid)) end
  return job.needs
end

local function save_needs(job)
  keep(job, 'needs', 'n', #job.needs > 0 and job.due .. '\t' .. table.concat(job.needs, '\t') or '')
end

local function dependents_of(parent)
  local known = edges[parent]
  if not known then
    known = {count = call('ZCARD', key('dependents', parent)), changed = {}, changes = 0}
    edges[parent] = known
  end
  return known
end

-- Up to so many of those who wait for a job, by jid, behind one.
local function dependents_after(parent, after, most)
  local known, found = dependents_of(parent), {}
  if known.count == 0 then return found end
  local from = after == '' and '-' or '(' .. after
  for _, jid in ipairs(call('ZRANGEBYLEX', key('dependents', parent), from, '+', 'LIMIT', 0, most + known.changes)) do
    if known.changed[jid] == nil then found[#found + 1] = jid end
  end
  if known.changes == 0 then return found end
  for jid, waits in pairs(known.changed) do
    if waits and before(after, jid) then found[#found + 1] = jid end
  end
  table.sort(found, before)
  return {unpack(found, 1, math.min(most, #found))}
end

local function change_edge(parent, child, waits)
  local known = dependents_of(parent)
  if known.changed[child] == nil then known.changes = known.changes + 1 end
  known.changed[child] = waits
  known.count = known.count + (waits and 1 or -1)
  return known.count
end

local function forget_untold(jid)
  later('ZREM', key('untold'), jid)
  later('HDEL', key('told'), jid)
end

local function wait_for(job, parent)
  change_edge(parent, job.jid, true)
  local other = load_job(parent)
  if other and not has(other, 'p') then
    set_flag(other, 'p')
    save(other)
  end
end

local function wait_no_more(job, parent)
  if change_edge(parent, job.jid, false) > 0 then return end
  local other = load_job(parent)
  if other and has(other, 'p') then
    clear_flag(other, 'p')
    save(other)
    forget_untold(parent)
  end
end

-- Wait no longer for those in a set.
local function drop_needs(job, gone)
  local left = {}
  for _, parent in ipairs(needs_of(job)) do
    if gone[parent] then wait_no_more(job, parent) else left[#left + 1] = parent end
  end
  job.needs = left
  save_needs(job)
end

-- Wait for other jobs; `due` is the delay that begins when the last of them is done.
local function depend_on(job, queue, parents, due)
  stand_by(job, queue)
  job.needs, job.due = parents, due
  save_needs(job)
  for i = 1, #parents do wait_for(job, parents[i]) end
end

local function drop_all_needs(job)
  for _, parent in ipairs(needs_of(job)) do wait_no_more(job, parent) end
  job.needs = {}
  save_needs(job)
end

local function flush_edges()
  for parent, known in pairs(edges) do
    local added, removed = {}, {}
    for jid, waits in pairs(known.changed) do
      if waits then
        added[#added + 1] = 0
        added[#added + 1] = jid
      else
        removed[#removed + 1] = jid
      end
    end
    call_with('ZREM', key('dependents', parent), removed)
    call_with('ZADD', key('dependents', parent), added)
  end
  edges = {}
end

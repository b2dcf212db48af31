-- unique: who holds a unique key. Looked up and changed in memory, written by flush().
-- @include stage
local holders, held_anew = {}, {}

local function held(name)
  if holders[name] == nil then holders[name] = call('HGET', key('unique'), name) end
  return holders[name]
end

-- The job that holds a key. One whose time is over holds it no longer, nor does one that is gone.
local function holder(name)
  local jid, till = string.match(held(name) or '', '^([^\t]*)\t(%d*)$')
  if not jid or (till ~= '' and now >= tonumber(till)) then return end
  return load_job(jid)
end

local function set_holder(name, text, till)
  local _, old_till = string.match(held(name) or '', '^([^\t]*)\t(%d*)$')
  if till ~= '' then
    set_score(key('unique_until'), name, till)
  elseif old_till and old_till ~= '' then
    set_score(key('unique_until'), name, false)
  end
  holders[name], held_anew[name] = text, true
end

-- Until when a job holds its key, '' for as long as it is alive.
local function held_until(life)
  return life.unique_ms == '' and '' or string.format('%.0f', life.created + life.unique_ms)
end

-- Hold the key, whoever did, and until whenever.
local function hold(job)
  local life = life_of(job)
  local till = held_until(life)
  set_holder(life.unique, job.jid .. '\t' .. till, till)
end

-- Take the key if nobody holds it and, where it is held for a time only, that is not over.
local function take_unique(job)
  local life = life_of(job)
  local till = held_until(life)
  if not holder(life.unique) and (till == '' or now < tonumber(till)) then hold(job) end
end

local function let_go(job)
  local name = life_of(job).unique
  local jid = string.match(held(name) or '', '^[^\t]*')
  if jid == job.jid then set_holder(name, false, '') end
end

local function flush_holders()
  for name in pairs(held_anew) do
    if holders[name] then
      call('HSET', key('unique'), name, holders[name])
    else
      call('HDEL', key('unique'), name)
    end
  end
  held_anew = {}
end

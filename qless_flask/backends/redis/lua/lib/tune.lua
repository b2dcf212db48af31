-- tune: the settings in force of a queue, and those that a namespace gives to queues to come, in the same fields of their
-- hashes: settings, as lib/queue reads them; limits: max_concurrency, rate's limit and ms, since when its pops count,
-- key_concurrency, key_rate's limit and ms, since when, max_size, apart by commas, '' for none; retention: ms and number for
-- complete, canceled and failed jobs, apart by commas. A field that is not there: as all have it.
-- @include now
-- @include keys
local LIMITS = '^(%d*),(%d*),(%d*),(%d*),(%d*),(%d*),(%d*),(%d*),(%d*)$'

local function parts_of(limits)
  return {string.match(limits == '' and ',,,,,,,,' or limits, LIMITS)}
end

local function set_field(hash, field, text)
  if text == '' then call('HDEL', hash, field) else call('HSET', hash, field, text) end
end

-- Limits with the times since when pops count: anew for a rate that was not there, or was over a shorter time.
local function limits_since(before, after)
  local old, new = parts_of(before), parts_of(after)
  for since = 4, 8, 4 do
    local was, per = tonumber(old[since - 1]), tonumber(new[since - 1])
    if per then new[since] = was and per <= was and old[since] or now_text end
  end
  return table.concat(new, ',')
end

-- The same with the times that stand there, whatever there was.
local function limits_kept_since(before, after)
  local old, new = parts_of(before), parts_of(after)
  for since = 4, 8, 4 do new[since] = new[since] ~= '' and new[since] or old[since] end
  return table.concat(new, ',')
end

-- Whether other jobs of a key may run now.
local function differ_in_keys(before, after)
  local old, new = parts_of(before), parts_of(after)
  return table.concat(old, ',', 5) ~= table.concat(new, ',', 5)
end

local function tune(hash, settings, limits, retention)
  set_field(hash, 'settings', settings)
  set_field(hash, 'limits', limits)
  set_field(hash, 'retention', retention)
end

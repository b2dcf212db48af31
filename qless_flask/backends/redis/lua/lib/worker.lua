-- worker: when it was last seen, in ms, written once a second at most; behind it letters for what it is asked:
-- q to be quiet, s to stop. Most are asked nothing.
-- @include now
-- @include keys
local function seen_before(worker)
  return call('HGET', key('workers'), worker)
end

-- Answers what it is asked.
local function keep_seen(worker, before)
  local seen, wishes = tonumber(before), ''
  if before and not seen then seen, wishes = string.match(before, '^(%d+)(%a+)$') end
  if not seen or now - seen >= 1000 or now - seen < 0 then
    call('HSET', key('workers'), worker, now_text .. wishes)
  end
  return wishes
end

local function see_worker(worker)
  return keep_seen(worker, seen_before(worker))
end

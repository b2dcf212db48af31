-- worker: when it was last seen, in ms, written once a second at most; behind it letters for what it is asked:
-- q to be quiet, s to stop; behind a tab, what it offered at its last pop, apart by bytes 31. Most are asked nothing, and
-- offer nothing.
-- @include now
-- @include keys
local function seen_before(worker)
  return call('HGET', key('workers'), worker)
end

-- Answers what it is asked; `offers` is nil where it does not say what it offers.
local function keep_seen(worker, before, offers)
  local seen, wishes, offered = tonumber(before), '', ''
  if before and not seen then
    seen, wishes, offered = string.match(before, '^(%d+)(%a*)\t?(.*)$')
  end
  offers = offers or offered
  if not seen or now - seen >= 1000 or now - seen < 0 or offers ~= offered then
    if offers ~= '' then offers = '\t' .. offers end
    call('HSET', key('workers'), worker, now_text .. wishes .. offers)
  end
  return wishes
end

local function see_worker(worker, offers)
  return keep_seen(worker, seen_before(worker), offers)
end

-- keys: the only place that spells keys. KEYS[1] is the namespace's prefix, whose {hash tag} keeps them in one slot.
-- records, options, payloads, failures: hashes jid -> text; queues, workers, running: see there; <state letter>:<queue>,
-- tag:<tag>, group:<group>: sorted sets of jids; queue:<queue>: a hash; log:<jid>, wake:<queue>: lists; events: a stream.
local call = redis.call
local prefix = KEYS[1]
local records = prefix .. ':records'

local function key(kind, name)
  if name then return prefix .. ':' .. kind .. ':' .. name end
  return prefix .. ':' .. kind
end

-- keys: the only place that spells keys. KEYS[1] is the namespace's prefix, whose {hash tag} keeps them in one slot.
-- records, options, payloads, failures, progress, results: hashes jid -> text; queues, workers, running, meta: see there.
-- room: a text while the namespace is frozen, see lib/room.
-- <state letter>:<queue>, y:<queue> (by when those that are to be popped in time must be), tag:<tag>, group:<group>,
-- key:<key>, dependents:<jid> (those that wait for a job), tracked: sorted sets of jids; queue:<queue>: a hash;
-- log:<jid>: a list; events: a stream.
-- wake:<queue>, wake:<queue>\t<offers>: lists of wake tokens for workers who offer nothing, or something; waits:<queue>: a
-- hash, until when somebody waits who offers that.
-- w:<queue>: waiting jobs that any worker can run, and no key holds back. The others: v:<queue>, all of them, and what
-- lib/lanes says: lane:<queue>\t<requires>\t<key>, heads:<queue>\t<requires>, blocked:<queue>, resort:<queue>\t<number>,
-- popped_keys:<queue>: sorted sets; key_running:<queue>, sets:<queue>: hashes; pops:<queue>, key_pops:<queue>\t<key>: lists
-- of times.
-- needs: a hash, what a job in `depends` waits for: the delay that begins then, and its parents, apart by tabs. untold:
-- ended jobs some of whose dependents are not told yet, in order; told: a hash, after which of them to go on.
-- unique: a hash key -> the jid that holds it, a tab, and until when, or nothing; unique_until: those held for a time.
-- memory, own_memory, readers: hashes of records, see lib/memory. rows:<period>: hashes, periods: a sorted set, see lib/rows.
-- tags, groups, tracked_tags: sorted sets of names; figures:<tag>, touched:<group>: hashes of counters.
-- recurrences: a hash, see lib/recurrence; recurrence_ids, recurring: sorted sets of their ids.
local call = redis.call
local prefix = KEYS[1]
local records = prefix .. ':records'

local function key(kind, name)
  if name then return prefix .. ':' .. kind .. ':' .. name end
  return prefix .. ':' .. kind
end

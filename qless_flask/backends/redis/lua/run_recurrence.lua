-- run_recurrence(now, actor, id, rule as it was seen, due ms, {job})
-- Put a job of a recurrence, given as for put, if its rule is that still. Answers as put, '' for another rule.
-- @include recurrence
-- @include put
-- @include room
local kept = load_recurrence(ARGV[3])
if not kept then return recurrence_not_found(ARGV[3]) end
if kept.rule ~= ARGV[4] then return '' end
gather = true
local answers, fault = put_all(ARGV, 6, #ARGV)
if fault then return redis.error_reply(fault) end
kept.last_at, kept.last_jid = ARGV[5], ARGV[6]
save_recurrence(kept)
flush(ARGV[2])
return answers[1]

-- fire(now, id, rule, next run and fired as they were seen, next run now, count, due ms of the last job, {job}...)
-- Put the jobs of a recurrence, given as for put, if it stands as it was seen and is due. Answers as put; {} where it
-- does not, or where its last job has not ended and it skips then. It has no next run ('') once it has fired `count`
-- times, if that is not ''.
-- @include recurrence
-- @include put
-- @include room
local FIRST, FIELDS = 9, 8
local kept = load_recurrence(ARGV[2])
if not kept or kept.rule ~= ARGV[3] or kept.next_at ~= ARGV[4] or kept.fired ~= ARGV[5] then return {} end
if kept.paused == '1' or tonumber(kept.next_at) > now then return {} end

local function skips()
  local last = kept.overlap == 'skip' and kept.last_jid ~= '' and load_job(kept.last_jid)
  return last and not string.find('cfx', last.state, 1, true)
end

local answers, fault = {}, nil
if #ARGV >= FIRST and not skips() then
  gather = true
  answers, fault = put_all(ARGV, FIRST, #ARGV)
  if fault then return redis.error_reply(fault) end
  kept.fired = tostring(kept.fired + #answers)
  kept.last_at, kept.last_jid = ARGV[8], ARGV[#ARGV - FIELDS + 1]
end
kept.next_at = ARGV[6]
if ARGV[7] ~= '' and tonumber(kept.fired) >= tonumber(ARGV[7]) then kept.next_at = '' end
save_recurrence(kept)
flush()
return answers

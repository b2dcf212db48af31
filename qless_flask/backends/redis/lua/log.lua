-- log(now, jid, token, message, data)
-- Add a line to a job's log, and drop the oldest over 100 lines or 64 KiB.
-- @include token
-- @include room
-- @constant LOG_LINES
-- @constant LOG_BYTES

local job = load_job(ARGV[2])
local fault = lease_fault(job, ARGV[3])
if fault then return redis.error_reply(fault .. ' ' .. ARGV[2]) end

local list = key('log', job.jid)
call('RPUSH', list, now_text .. '\t' .. #ARGV[4] .. '\t' .. ARGV[4] .. ARGV[5])
local lines = call('LRANGE', list, 0, -1)
local kept, bytes = 0, 0
for i = #lines, 1, -1 do
  bytes = bytes + #string.match(lines[i], '^%-?%d+\t%d+\t(.*)$')
  if kept == LOG_LINES or bytes > LOG_BYTES then break end
  kept = kept + 1
end
if kept < #lines then call('LTRIM', list, -kept, -1) end
if not has(job, 'l') then
  set_flag(job, 'l')
  save(job)
end
flush()
return kept

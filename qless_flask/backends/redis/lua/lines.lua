-- lines(now, jid)
-- Read a job's log, oldest line first.
-- @include keys
if call('HEXISTS', records, ARGV[2]) == 0 then return redis.error_reply('JOB_NOT_FOUND ' .. ARGV[2]) end
return call('LRANGE', key('log', ARGV[2]), 0, -1)

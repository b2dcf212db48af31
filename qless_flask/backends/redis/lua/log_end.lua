-- log_end(now)
-- Answers the stream id of the latest entry of the log, though it may be trimmed by now; 0 where there was none.
-- @include keys
local latest = call('XREVRANGE', key('events'), '+', '-', 'COUNT', 1)
return latest[1] and latest[1][1] or call('HGET', key('meta'), 'trimmed') or '0'

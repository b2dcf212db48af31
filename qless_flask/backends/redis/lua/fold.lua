-- fold(now, seen, cursor, {period, of, name, text}...)
-- Set rows of statistics, and the cursor up to which events are folded, if that is as it was seen ('' for none). Answers 1
-- if it was.
-- @include rows
local meta = key('meta')
if (call('HGET', meta, 'folded') or '') ~= ARGV[2] then return 0 end
-- Taken away first: then the rest is written in a full store too, where events are to go as soon as they are folded.
call('HDEL', meta, 'folded')
call('HSET', meta, 'folded', ARGV[3])
for i = 4, #ARGV, 4 do set_row(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]) end
return 1

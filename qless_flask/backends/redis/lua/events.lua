-- events(now, from, count)
-- Read the log from a stream id on. Answers {last trimmed id or '', now, {id, {'e', entry}}...}.
-- @include now
-- @include keys
local answers = {call('HGET', key('meta'), 'trimmed') or '', now}
local entries = call('XRANGE', key('events'), ARGV[2], '+', 'COUNT', ARGV[3])
for i = 1, #entries do answers[i + 2] = entries[i] end
return answers

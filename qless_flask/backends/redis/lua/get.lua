-- get(now, jid...)
-- Look jobs up. Answers each with {record, options, failure, data in payloads}, the record '' where there is none.
-- @include keys
local jids = {}
for i = 2, #ARGV do jids[#jids + 1] = ARGV[i] end
local found = call('HMGET', records, unpack(jids))
local options = call('HMGET', key('options'), unpack(jids))
local failures = call('HMGET', key('failures'), unpack(jids))
local payloads = call('HMGET', key('payloads'), unpack(jids))
local answers = {}
for i = 1, #jids do
  answers[i] = {found[i] or '', options[i] or '', failures[i] or '', payloads[i] or ''}
end
return answers

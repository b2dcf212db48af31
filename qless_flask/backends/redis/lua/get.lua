-- get(now, jid...)
-- Look jobs up. Answers each with {record, options, failure, needs, progress, data in payloads, result, {the first of those
-- who wait for it}}, the record '' where there is none.
-- @include extras
-- @constant DEPENDENTS_SHOWN
local KINDS = {'options', 'failures', 'needs', 'progress', 'payloads', 'results'}
local jids = {}
for i = 2, #ARGV do jids[#jids + 1] = ARGV[i] end
local found = call('HMGET', records, unpack(jids))
local answers, flagged = {}, {}
for i = 1, #jids do
  local flags = flags_of(found[i] or '') or ''
  answers[i] = {found[i] or '', '', '', '', '', '', '', {}}
  if string.find(flags, 'p', 1, true) then
    answers[i][8] = call('ZRANGE', key('dependents', jids[i]), 0, DEPENDENTS_SHOWN - 1)
  end
  if flags ~= '' then flagged[#flagged + 1] = i end
end
if #flagged == 0 then return answers end
local some = {}
for i = 1, #flagged do some[i] = jids[flagged[i]] end
for number, kind in ipairs(KINDS) do
  local texts = call('HMGET', key(kind), unpack(some))
  for i = 1, #flagged do answers[flagged[i]][number + 1] = texts[i] or '' end
end
return answers

-- recurrences(now, 'all', 'due' or 'named', limit, after, id...)
-- List recurrences: by id, up to limit from behind `after` on ('' for all); those due, the longest due first; or those
-- named. Answers each as it is kept.
-- @include recurrence
local ids = {unpack(ARGV, 5)}
if ARGV[2] == 'all' then
  local from = ARGV[4] == '' and '-' or '(' .. ARGV[4]
  ids = call('ZRANGEBYLEX', key('recurrence_ids'), from, '+', 'LIMIT', 0, ARGV[3])
elseif ARGV[2] == 'due' then
  ids = call('ZRANGEBYSCORE', key('recurring'), '-inf', now_text, 'LIMIT', 0, ARGV[3])
end
local answers = {}
for i, id in ipairs(ids) do
  local text = call('HGET', key('recurrences'), id)
  if not text then return recurrence_not_found(id) end
  answers[i] = text
end
return answers

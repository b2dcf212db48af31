-- failures(now, limit, after, group...)
-- Sum failure groups up: by name, up to limit from behind `after` on ('' for all); or, with limit '', those named.
-- Answers {group, count, score of the latest, score of the first, {touched}} each: scores are minus the time of the end.
-- @include keys
local groups = {unpack(ARGV, 4)}
if ARGV[2] ~= '' then
  local from = ARGV[3] == '' and '-' or '(' .. ARGV[3]
  groups = call('ZRANGEBYLEX', key('groups'), from, '+', 'LIMIT', 0, ARGV[2])
end
local answers = {}
for i = 1, #groups do
  local index = key('group', groups[i])
  local latest = call('ZRANGE', index, 0, 0, 'WITHSCORES')
  if latest[1] then
    local first = call('ZRANGE', index, -1, -1, 'WITHSCORES')
    answers[#answers + 1] =
      {groups[i], call('ZCARD', index), latest[2], first[2], call('HKEYS', key('touched', groups[i]))}
  end
end
return answers

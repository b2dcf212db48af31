-- tags(now, limit, after, tag...)
-- Sum tags up: by name, up to limit from behind `after` on ('' for all); or, with limit '', those named.
-- Answers each as lib/tag says; in a list one may stand twice.
-- @include tag
local names = {unpack(ARGV, 4)}
if ARGV[2] ~= '' then
  local from = ARGV[3] == '' and '-' or '(' .. ARGV[3]
  for _, index in ipairs({'tags', 'tracked_tags'}) do
    for _, name in ipairs(call('ZRANGEBYLEX', key(index), from, '+', 'LIMIT', 0, ARGV[2])) do names[#names + 1] = name end
  end
end
local answers = {}
for i = 1, #names do answers[i] = tag_summary(names[i]) end
return answers

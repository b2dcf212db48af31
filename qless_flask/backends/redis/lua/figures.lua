-- figures(now, {period, of, name}...)
-- Read the cursor up to which events are folded, and rows of statistics. Answers {cursor or '', a text or nothing each}.
-- @include keys
local answers = {call('HGET', key('meta'), 'folded') or ''}
for i = 2, #ARGV, 3 do
  answers[#answers + 1] = call('HGET', key('rows', ARGV[i]), ARGV[i + 1] .. '\t' .. ARGV[i + 2]) or ''
end
return answers

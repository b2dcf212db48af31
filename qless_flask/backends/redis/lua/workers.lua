-- workers(now, 'all' or 'named', name...)
-- Sum workers up, all known or those named. Answers {name, seen and what it is asked, running} each.
-- @include keys
local names = {}
if ARGV[2] == 'all' then names = call('HKEYS', key('workers')) end
for i = 3, #ARGV do
  if call('HEXISTS', key('workers'), ARGV[i]) == 0 then return redis.error_reply('WORKER_NOT_FOUND ' .. ARGV[i]) end
  names[#names + 1] = ARGV[i]
end
local answers = {}
for i = 1, #names do
  local name = names[i]
  answers[i] = {name, call('HGET', key('workers'), name), call('HGET', key('running'), name) or '0'}
end
return answers

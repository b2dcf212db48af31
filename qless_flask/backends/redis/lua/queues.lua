-- queues(now, 'all' or 'named', name...)
-- Sum queues up, all known or those named. Answers each as lib/summary says.
-- @include summary
local names = {}
if ARGV[2] == 'all' then names = call('SMEMBERS', key('queues')) end
for i = 3, #ARGV do
  if call('SISMEMBER', key('queues'), ARGV[i]) == 0 then return redis.error_reply('QUEUE_NOT_FOUND ' .. ARGV[i]) end
  names[#names + 1] = ARGV[i]
end
local answers = {}
for i = 1, #names do answers[i] = summary(names[i]) end
return answers

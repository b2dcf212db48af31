-- settings(now, 'all' or 'named', queue...)
-- Read what a namespace says itself, and known queues, all or those named. Answers {version, 1 if frozen, own settings,
-- own plans, {queue, own settings}...}.
-- @include frozen
-- @include own
local meta = call('HMGET', key('meta'), 'version', 'own', 'plans')
local names, answers = {unpack(ARGV, 3)}, {meta[1] or '0', is_frozen() and 1 or 0, meta[2] or '', meta[3] or ''}
if ARGV[2] == 'all' then names = call('SMEMBERS', key('queues')) end
for i = 1, #names do answers[#answers + 1] = {names[i], own_of(names[i])} end
return answers

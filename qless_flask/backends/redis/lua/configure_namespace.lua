-- configure_namespace(now, actor, version, own, plans, settings, limits, retention, {queue, settings, limits, retention}...)
-- Give a namespace other settings: what it says itself, those of queues to come, and those in force in each known queue, as
-- lib/tune has them. Answers 1; or CHANGED, where what was read of that version is not so any more.
-- @include retune
-- @include version
-- @include room
if call('SCARD', key('queues')) ~= (#ARGV - 8) / 4 then return 'CHANGED' end
for i = 9, #ARGV, 4 do
  if call('SISMEMBER', key('queues'), ARGV[i]) == 0 then return 'CHANGED' end
end
if is_changed(ARGV[3]) then return 'CHANGED' end
set_field(key('meta'), 'own', ARGV[4])
set_field(key('meta'), 'plans', ARGV[5])
tune(key('meta'), ARGV[6], ARGV[7], ARGV[8])
for i = 9, #ARGV, 4 do retune(load_queue(ARGV[i]), ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]) end
note('g', '', '', '', '', '', '')
flush(ARGV[2])
return 1

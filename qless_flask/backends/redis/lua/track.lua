-- track(now, actor, tag, '1' or '')
-- Follow a tag, or no longer. Answers as lib/tag says.
-- @include tag
-- @include event
-- @include room
local name, changed = ARGV[3], nil
if ARGV[4] == '' then
  changed = call('ZREM', key('tracked_tags'), name)
else
  changed = call('ZADD', key('tracked_tags'), 0, name)
end
if changed == 1 then
  note(ARGV[4] == '' and 'v' or 'h', {jid = '', flags = 'k', tags = name}, '', '', '', '', '')
  flush_events(ARGV[2])
end
return tag_summary(name)

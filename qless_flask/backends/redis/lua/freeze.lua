-- freeze(now, actor, '1' or '')
-- Make the namespace read only, or thaw it. Answers what it says of settings itself.
-- @include frozen
-- @include freezing
-- @include event
local meta, on = key('meta'), ARGV[3] == '1'
if not on and call('HGET', meta, 'erasing') then return frozen() end
if is_frozen() ~= on then
  if on then freeze() else thaw() end
  note(on and 'Z' or 'Y', '', '', '', '', '', '')
  flush_events(ARGV[2])
end
return call('HGET', meta, 'own') or ''

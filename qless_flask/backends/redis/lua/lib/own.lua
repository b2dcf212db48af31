-- own: what a queue says of settings itself: JSON, '' for nothing; of one that was configured before namespaces had
-- settings, = and those in force.
-- @include keys
local function own_of(name)
  local found = call('HMGET', key('queue', name), 'own', 'settings')
  if found[1] or not found[2] or found[2] == call('HGET', key('meta'), 'settings') then return found[1] or '' end
  return '=' .. found[2]
end

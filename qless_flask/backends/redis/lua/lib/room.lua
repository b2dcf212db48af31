-- room: refuse at once when the store is full. What comes first would else be done (a pop, say, off its index, since
-- taking away needs no room), and the rest not. While the namespace is frozen there is something in the key: one command
-- tells both.
-- @include keys
if call('SETRANGE', key('room'), 0, '') > 0 then return redis.error_reply('FROZEN ' .. string.match(prefix, '{(.*)}')) end

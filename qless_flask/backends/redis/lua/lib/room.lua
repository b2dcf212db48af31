-- room: refuse at once when the store is full. What comes first would else be done (a pop, say, off its index, since
-- taking away needs no room), and the rest not.
-- @include keys
call('SETRANGE', key('room'), 0, '')

-- recall(now, name)
-- Read a record.
-- @include keys
return call('HGET', key('memory'), ARGV[2])

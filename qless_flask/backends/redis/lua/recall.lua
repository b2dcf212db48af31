-- recall(now, name)
-- Read a record.
-- @include memory
return call('HGET', memory_of(ARGV[2]), ARGV[2])

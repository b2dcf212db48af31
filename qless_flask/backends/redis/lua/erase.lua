-- erase(now, actor, '1' or '', cursor or '', count)
-- Delete the namespace, one step of about so many keys; with '1' if there are jobs in it too. Answers {deleted, next
-- cursor}, '' when all is gone but its name.
-- @include frozen
-- @include freezing
-- @include event
-- @include unlink
local meta, cursor = key('meta'), ARGV[4]
if not call('HGET', meta, 'erasing') then
  if ARGV[3] == '' and (call('HLEN', records) > 0 or call('HLEN', key('recurrences')) > 0) then
    return redis.error_reply('NOT_EMPTY')
  end
  -- Taken away first: then the rest is written in a full store too.
  call('DEL', key('room'))
  freeze()
  call('HSET', meta, 'erasing', '1')
  note('Q', '', '', '', '', '', '')
  flush_events(ARGV[2])
  cursor = ''
end
if cursor == '' then cursor = '0' end
if cursor == 'queues' then return unlink_queues(ARGV[5]) end
return unlink_found(cursor, ARGV[5])

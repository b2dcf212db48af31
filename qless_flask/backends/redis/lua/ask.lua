-- ask(now, actor, worker, wish letter, event letter, '1' or '')
-- Ask a worker for something, or no longer. Answers {name, what is kept of it (lib/worker), running}.
-- @include event
-- @include room
local name, wish = ARGV[3], ARGV[4]
local found = call('HGET', key('workers'), name)
if not found then return redis.error_reply('WORKER_NOT_FOUND ' .. name) end
local seen, wishes, offered = string.match(found, '^(%d+)(%a*)(.*)$')
local asked = string.find(wishes, wish, 1, true)
if ARGV[6] == '' then
  wishes = string.gsub(wishes, wish, '')
  if asked then note('y', '', '', '', '', name, '') end
elseif not asked then
  wishes = wishes .. wish
  note(ARGV[5], '', '', '', '', name, '')
end
local text = seen .. wishes .. offered
if text ~= found then call('HSET', key('workers'), name, text) end
flush_events(ARGV[2])
return {name, text, call('HGET', key('running'), name) or '0'}

-- unlink: the keys of a namespace, taken away in steps: first all but those by which jobs that come meanwhile are kept out,
-- and which tell of it, then those. A step answers {keys taken away, where to go on, '' at the end}.
-- @include keys
-- @include rows
local LAST = {'events', 'queues', 'periods', 'room', 'meta'}
-- What somebody may have written meanwhile that looks into no queue.
local AGAIN = {'workers', 'running', 'leaders', 'own_memory', 'readers'}

local function is_last(name)
  for _, other in ipairs(LAST) do
    if name == other then return true end
  end
  local queue = string.match(name, '^queue:(.*)$')
  return queue and call('SISMEMBER', key('queues'), queue) == 1
end

local function unlink_all(names)
  return #names > 0 and call('UNLINK', unpack(names)) or 0
end

-- Keys lie in one slot: in a cluster this looks through those of its node.
local function unlink_found(cursor, count)
  local pattern = string.gsub(prefix, '[%*%?%[%]\\]', '\\%0') .. ':*'
  local found = call('SCAN', cursor, 'MATCH', pattern, 'COUNT', count)
  local names = {}
  for _, name in ipairs(found[2]) do
    if not is_last(string.sub(name, #prefix + 2)) then names[#names + 1] = name end
  end
  return {unlink_all(names), found[1] == '0' and 'queues' or found[1]}
end

local function unlink_queues(count)
  local names = call('SPOP', key('queues'), count)
  for i = 1, #names do names[i] = key('queue', names[i]) end
  local deleted = unlink_all(names)
  if #names == tonumber(count) then return {deleted, 'queues'} end
  -- Events are folded all the while.
  forget_rows(function() return true end, math.huge)
  for _, kinds in ipairs({AGAIN, LAST}) do
    for i = 1, #kinds do deleted = deleted + call('UNLINK', key(kinds[i])) end
  end
  return {deleted, ''}
end

-- pop_plain: the straight way of jobs out of one queue in which nothing is due, of plain ones, though they may have options;
-- nil for all others. It does what lease in lib/pop.lua does: made of its functions, it would cost three times as much. One
-- job needs no tables.
-- @include now
-- @include keys
-- @include record
-- @constant HEARTBEAT_MS
-- @include history
-- @include worker
-- @include extras
-- @include room
local WAITING = '^w(\t[^\t]*\t[^\t]*\t%d+\t(%d+)\t(%d*)\t%d+\t([odflgepu]*)\n)([^\n]*)\n([^\n]*)(\n([^\n]*).*)$'
-- What it leaves to the general way: what it has seen of the worker, and the jobs that it has taken off the index.
local wishes, taken

-- The record of a leased job, its flags, since when it has waited, and its klass; or nil where there is no such waiting job or it is no plain one.
local function leased(text, name, worker, token)
  local head, created, available, flags, ran, history, rest, klass = string.match(text or '', WAITING)
  if not head then return end
  local runs, losses, last, answer = '1', '0', '', ''
  if ran ~= '' then
    local _
    runs, losses, _, _, _, _, last, answer = string.match(ran, RUNS)
    runs = runs + 1
  end
  if history == '' then history = 'p0:' .. name end
  if #history > LONG_HISTORY then history = shortened(history) end
  return 'r' .. head .. runs .. '\t' .. losses .. '\t' .. now_text .. '\t\t' .. worker .. '\t' .. token .. '\t' .. last
    .. '\t' .. answer .. '\n' .. history .. '\to' .. (now - created) .. ':' .. worker .. rest, flags,
    available == '' and created or available, klass
end

local function pop_plain(first)
  local nonce, worker, name = ARGV[first], ARGV[first + 1], ARGV[first + 7]
  if #ARGV > first + 7 or ARGV[first + 3] ~= 'listed' or ARGV[first + 4] ~= '' then return end
  local hash, running = key('queue', name), key('r', name)
  local queue = call('HMGET', hash, 'deadline', 'settings', 'paused', 'limits', 'laned')
  if queue[3] or queue[4] or queue[5] or (queue[1] and now >= tonumber(queue[1])) then return end
  local heartbeat = HEARTBEAT_MS
  if queue[2] then
    local max_run
    heartbeat, max_run = string.match(queue[2], '^(%d*),%d+,%d+,?(%d*)')
    if max_run ~= '' then return end
  end
  wishes = see_worker(worker, ARGV[first + 6])
  if wishes ~= '' then return end
  local popped = call('ZPOPMIN', key('w', name), ARGV[first + 2])
  local jid, count = popped[1], #popped / 2
  if not jid then return end
  local expires = heartbeat == '' and NEVER or string.format('%.0f', now + heartbeat)
  local shown, reply, item = heartbeat == '' and '' or expires, nil, nil
  if count == 1 then
    local text, flags, since, klass = leased(call('HGET', records, jid), name, worker, nonce .. '.1')
    if not text then
      taken = popped
      return
    end
    call('HSET', records, jid, text)
    call('ZADD', running, expires, jid)
    reply = {'', jid, nonce .. '.1', shown, text, extras(jid, flags)}
    item = jid .. '\1' .. since .. '\1' .. klass
  else
    local jids, fields, scores, items, last_klass = {}, {}, {}, {}, nil
    for i = 1, count do jids[i] = popped[2 * i - 1] end
    local found = call('HMGET', records, unpack(jids))
    reply, count = {''}, 0
    for i = 1, #jids do
      local token = nonce .. '.' .. count + 1
      local text, flags, since, klass = leased(found[i], name, worker, token)
      -- A jid without its job is dropped.
      if text then
        count, jid = count + 1, jids[i]
        local n, r = 2 * count, 8 * count
        jids[count], fields[n - 1], fields[n], scores[n - 1], scores[n] = jid, jid, text, expires, jid
        reply[r - 6], reply[r - 5], reply[r - 4], reply[r - 3] = jid, token, shown, text
        reply[r - 2], reply[r - 1], reply[r], reply[r + 1] = extras(jid, flags)
        item = jid .. '\1' .. since
        if klass ~= last_klass then item, last_klass = item .. '\1' .. klass, klass end
        items[count] = item
      elseif found[i] then
        taken = popped
        return
      end
    end
    if count == 0 then return end
    call('HSET', records, unpack(fields))
    call('ZADD', running, unpack(scores))
    item = table.concat(items, '\t')
  end
  if not queue[1] or tonumber(expires) < tonumber(queue[1]) then call('HSET', hash, 'deadline', expires) end
  call('HINCRBY', key('running'), worker, count)
  call('XADD', key('events'), '*', 'e', now_text .. '\no\t' .. name .. '\t\tr\t' .. worker .. '\t\t' .. item)
  return reply
end

-- sort_keys: look again, in bounded steps, at keys that are blocked: those whose rate lets them go on by now and, when limits
-- have changed, all of them, and those that are not. Of its hash: resort: they have changed; resort_from, resort_to: the
-- numbers of those sets of blocked keys that are to be looked at; resort_at: up to which head, a set and its score, keys that
-- are not blocked have been.
-- @include lanes
-- Answers how many of up to `most` it has looked at; queue.unsorted tells whether more may be left.
local function sort_keys(queue, most)
  local name, left, blocked = queue.name, most, key('blocked', queue.name)
  local found = call('HMGET', queue.hash, 'resort', 'resort_from', 'resort_to', 'resort_at')
  local from, to, at = tonumber(found[2] or ''), tonumber(found[3] or ''), found[4]

  local function look_at_each(names)
    for i = 1, #names do lanes().look_at_key(queue, names[i]) end
    left = left - #names
  end

  local function begin()
    if call('EXISTS', blocked) == 1 then
      to = (to or 0) + 1
      from = from or to
      call('RENAME', blocked, key('resort', name .. '\t' .. to))
    end
    at = '\t-inf'
    call('HDEL', queue.hash, 'resort')
  end

  local function look_at_blocked()
    while from and left > 0 do
      local popped, names = call('ZPOPMIN', key('resort', name .. '\t' .. from), left), {}
      for i = 1, #popped, 2 do names[#names + 1] = popped[i] end
      look_at_each(names)
      if left > 0 then from = from < to and from + 1 or nil end
    end
  end

  -- Those behind a score in a set; answers the score of the last of them.
  local function look_at_heads(set, score)
    local heads = call('ZRANGEBYSCORE', lanes().heads(name, set), '(' .. score, '+inf', 'WITHSCORES', 'LIMIT', 0, left)
    for i = 1, #heads, 2 do
      local till = lanes().key_free_at(queue, heads[i])
      if till then lanes().block(queue, heads[i], till) end
      score = heads[i + 1]
    end
    left = left - #heads / 2
    return score
  end

  local function look_at_free()
    local here, score = string.match(at, '^([^\t]*)\t(.*)$')
    local sets = lanes().sets_in(queue)
    table.sort(sets)
    for _, set in ipairs(lanes().has_key_limits(queue) and sets or {}) do
      if set == here or here < set then
        if left == 0 then break end
        at = set .. '\t' .. look_at_heads(set, set == here and score or '-inf')
      end
    end
    if left > 0 then at = nil end
  end

  if found[1] then begin() end
  look_at_each(call('ZRANGEBYSCORE', blocked, '-inf', now_text, 'LIMIT', 0, left))
  if from or at then
    look_at_blocked()
    if at and left > 0 then look_at_free() end
    for field, value in pairs({resort_from = from or '', resort_to = from and to or '', resort_at = at or ''}) do
      if value == '' then call('HDEL', queue.hash, field) else call('HSET', queue.hash, field, value) end
    end
  end
  queue.unsorted = left == 0
  return most - left
end

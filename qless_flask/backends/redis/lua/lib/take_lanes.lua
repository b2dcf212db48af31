-- take_lanes: lease the first jobs of a queue, in order, of those that any worker can run and the heads of those lanes that
-- this one can. `give` leases one, and answers whether it did.
-- @include lanes
local function read_head(queue, head)
  local found = call('ZRANGE', lanes().heads(queue.name, head.set), 0, 0, 'WITHSCORES')
  head.name, head.score = found[1], tonumber(found[2] or '')
end

local function heads_for(queue, offers)
  local heads = {}
  for _, set in ipairs(lanes().sets_in(queue)) do
    if lanes().offer_all(offers, set) then
      local head = {set = set}
      read_head(queue, head)
      heads[#heads + 1] = head
    end
  end
  return heads
end

local function first_of(heads)
  local first
  for i = 1, #heads do
    if heads[i].name and not (first and first.score < heads[i].score) then first = heads[i] end
  end
  return first
end

local function block(queue, heads, name, till)
  lanes().block(queue, name, till)
  for i = 1, #heads do
    if heads[i].name == name then read_head(queue, heads[i]) end
  end
end

-- A key whose limits have become lower since it was looked at.
local function is_blocked(queue, heads, name)
  local till = lanes().key_free_at(queue, name)
  if till then block(queue, heads, name, till) end
  return till
end

local function go_on_behind(queue, heads, head)
  local name, limit, till = head.name, lanes().limits_of(queue), nil
  if name ~= '' then
    if limit.key_rate then
      lanes().remember_pops(key('key_pops', queue.name .. '\t' .. name), limit.key_rate, 1)
      call('ZADD', key('popped_keys', queue.name), now_text, name)
    end
    till = lanes().key_free_at(queue, name)
    lanes().touched_in(queue.name).keys[name] = nil
  end
  if till then
    block(queue, heads, name, till)
  else
    lanes().set_head(queue, head.set, name)
    read_head(queue, head)
  end
end

-- Answers how many it has leased; nil where there are to be no more.
local function take_head(queue, heads, head, give)
  local lane = lanes().lane(queue.name, head.set, head.name)
  local jid = call('ZRANGE', lane, 0, 0)[1]
  local job = jid and load_job(jid)
  if job and job.state == 'w' then
    if not give(job) then return end
    lanes().take_off(job)
    go_on_behind(queue, heads, head)
    return 1
  end
  -- A jid without its job is dropped.
  if jid then
    call('ZREM', lane, jid)
    call('ZREM', key('v', queue.name), jid)
  end
  lanes().set_head(queue, head.set, head.name)
  read_head(queue, head)
  return 0
end

local function take_in_order(queue, limit, offers, give)
  local waiting, heads, passed, at = key('w', queue.name), heads_for(queue, offers), 0, 1
  local plain = call('ZRANGE', waiting, 0, limit - 1, 'WITHSCORES')
  while limit > 0 do
    local head, jid = first_of(heads), plain[at]
    if head and not (jid and tonumber(plain[at + 1]) < head.score) then
      if is_blocked(queue, heads, head.name) then
        passed = passed + 1
        if passed == UPKEEP_AT_ONCE then
          queue.unsorted = true
          return
        end
      else
        local given = take_head(queue, heads, head, give)
        if not given then return end
        limit = limit - given
      end
    elseif jid then
      local job = load_job(jid)
      if job and job.state == 'w' then
        if not give(job) then return end
        limit = limit - 1
      end
      call('ZREM', waiting, jid)
      at = at + 2
    else
      return
    end
  end
end

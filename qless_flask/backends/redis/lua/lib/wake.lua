-- wake: tokens for those who wait for the jobs of a queue.
local WAKE_MS = 60000 -- the life of those for workers who offer something: who waits looks again by itself long before

local function push_tokens(list, count)
  local tokens = {}
  for i = 1, math.min(count, 1000) do tokens[i] = '1' end
  if call('RPUSH', list, unpack(tokens)) > 1000 then call('LTRIM', list, 0, 999) end
end

-- One token for each job that came, or may run now, for as many waiting pops of each kind of worker that can run it; what
-- nobody takes is cleared by the next empty pop.
local function wake(queue, sooner)
  local count, kinds = queue.arrived + (queue.freed or 0), key('waits', queue.name)
  if sooner and count == 0 then count = 1 end
  if count > 0 then push_tokens(key('wake', queue.name), count) end
  local found = call('HGETALL', kinds)
  for i = 1, #found, 2 do
    local offers, able = found[i], count
    for set, arrived in pairs(queue.arrived_in or {}) do
      if queue.offer_all(offers, set) then able = able + arrived end
    end
    local list = key('wake', queue.name .. '\t' .. offers)
    if tonumber(found[i + 1]) <= now then
      call('HDEL', kinds, offers)
      call('DEL', list)
    elseif able > 0 then
      push_tokens(list, able)
      call('PEXPIRE', list, WAKE_MS)
    end
  end
end

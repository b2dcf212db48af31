-- untold: dependents that are left from operations before.
-- @include ended
local MOST_PARENTS = 1000

-- Of those who have some left, each {jid, after whom}, in order.
local function left_untold()
  local parents = call('ZRANGE', key('untold'), 0, MOST_PARENTS - 1)
  for i = 1, #parents do parents[i] = {parents[i], call('HGET', key('told'), parents[i]) or ''} end
  return parents
end

-- Those of them whose next one is in a queue.
local function left_in(queue)
  local here = {}
  for _, parent in ipairs(left_untold()) do
    local following = dependents_after(parent[1], parent[2], 1)[1]
    if following and load_job(following).queue == queue.name then here[#here + 1] = parent end
  end
  return here
end

-- Answers how many are told.
local function tell_all_left(most)
  return tell(left_untold(), most)
end

local function tell_left_in(queue)
  told_so_far = told_so_far + tell(left_in(queue), TOLD_AT_ONCE - told_so_far)
  flush_writes()
  queue.untold = #left_in(queue) > 0 and '1' or nil
end

-- look_after: a queue's upkeep, when its deadline has passed: up to so many lost leases and due jobs.
-- @include stage
-- @include deadline
-- Answers how many were taken back, and how many promoted. Its parts stand inside, since most calls do without it.
local function look_after(queue, most_lost, most_due)
  if not queue.deadline or now < tonumber(queue.deadline) then return 0, 0 end
  -- @include upkeep
  gather = true
  local lost = take_back(queue, most_lost)
  local promoted = promote_due(queue, most_due or most_lost - lost)
  flush_jobs()
  flush_indexes()
  set_deadline(queue)
  return lost, promoted
end

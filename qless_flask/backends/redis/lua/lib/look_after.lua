-- look_after: a queue's upkeep, when its deadline has passed: up to `most` expired jobs, lost leases and due jobs, each or,
-- `together`, all in all; if not, it tells dependents that are left too.
-- @include stage
-- @include deadline
-- @constant UPKEEP_AT_ONCE
-- Keys of a queue that may run on do so. Answers how many expired, were taken back and promoted. Its parts stand inside,
-- since most calls do without them.
local function look_after(queue, most, together)
  if queue.has_lanes then
    -- @include sort_keys
    sort_keys(queue, UPKEEP_AT_ONCE)
  end
  if not queue.deadline or now < tonumber(queue.deadline) then return 0, 0, 0 end
  -- @include upkeep
  gather = true
  local expired = expire(queue, most)
  if expired > 0 then flush_indexes() end
  local lost = take_back(queue, together and most - expired or most)
  local promoted = promote_due(queue, together and most - expired - lost or most)
  flush_writes()
  if queue.untold and not together then ties().tell_left_in(queue) end
  flush_jobs()
  flush_indexes()
  flush_writes()
  if laned then laned.flush() end
  set_deadline(queue)
  return expired, lost, promoted
end

-- take_within: lease what limits let through, of jobs that wait in lanes too; lib/pop includes it inside `take`.
-- @include take_lanes
local function take_some(queue, limit, leased, worker, nonce)
  if queue.has_lanes and call('ZCARD', key('v', queue.name)) == 0 then
    queue.has_lanes = nil
    call('HDEL', queue.hash, 'laned')
  end
  if not queue.has_lanes then return take(queue, limit, leased, worker, nonce, true) end
  gather = gather or limit > 1
  take_in_order(queue, limit, offers, function(job)
    if has(job, 'x') and now >= ties().start_by(job) then return false end
    leased[#leased + 1] = job
    lease(job, queue, worker, nonce .. '.' .. #leased)
    return true
  end)
end

local function take_within(queue, limit, leased, worker, nonce)
  if queue.limits == '' then return take_some(queue, limit, leased, worker, nonce) end
  local before, room = #leased, lanes().room_in(queue, limit)
  if room <= 0 then return end
  take_some(queue, room, leased, worker, nonce)
  lanes().count_leased(queue, #leased - before)
end

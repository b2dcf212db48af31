-- follow: what a Complete does first, and may be refused for: put jobs, and find what its next stage waits for.
-- @include packed
-- @include put

-- Drop all that is gathered, as if it had never been.
local function forget_gathered()
  jobs, changed, writes, moves, queues, running, touches = {}, {}, {}, {}, {}, {}, {}
  lines, last_head, last_klass = {now_text}, nil, nil
  ties().forget()
  if laned then laned.forget() end
end

-- Answers a fault; or nil, what the next stage waits for, and whether the end of one of these cancels it.
local function follow(job, next_queue, more)
  local items = unpacked(more)
  local listed = tonumber(items[3])
  local parents, canceled = {}, false
  if listed > 0 and next_queue == '' and options_of(job).pipeline == '' then return 'NOTHING_FOLLOWS' end
  local fault
  if items[listed + 4] then
    -- What came before stands, whatever becomes of these.
    flush()
    gather = true
    local _
    _, fault = put_all(items, listed + 4, #items)
  end
  if not fault and listed > 0 then
    parents, canceled = ties().open_among(job.jid, {unpack(items, 4, listed + 3)}, items[2], life_of(job).choice)
    fault = parents and ties().cycle_among(job.jid, parents) or not parents and canceled
  end
  if fault then
    if items[listed + 4] then forget_gathered() end
    return fault
  end
  if items[1] ~= '' then keep(job, 'results', 'e', items[1]) end
  return nil, parents, canceled
end

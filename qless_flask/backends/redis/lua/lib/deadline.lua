-- deadline: when the next job of a queue is due, lost or expired, from its indexes.
-- @include queue
local function set_deadline(queue)
  queue.deadline = queue.untold and now_text or NEVER
  for kind in string.gmatch('sry', '.') do
    local first = call('ZRANGE', key(kind, queue.name), 0, 0, 'WITHSCORES')[2]
    if first then look_by(queue, first) end
  end
end

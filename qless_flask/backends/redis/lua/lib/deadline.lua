-- deadline: when the next job of a queue is due or lost, from its indexes.
-- @include queue
local function set_deadline(queue)
  queue.deadline = NEVER
  for state in string.gmatch('sr', '.') do
    local first = call('ZRANGE', key(state, queue.name), 0, 0, 'WITHSCORES')[2]
    if first then look_by(queue, first) end
  end
end

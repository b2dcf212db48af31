-- pop(now, nonce, worker, limit, order, request, wait ms, queue...)
-- Lease up to limit jobs. Answers as lib/pop says.
-- @include pop_plain
local answer = pop_plain(2)
if answer then return answer end

-- The general way stands inside: what most calls do without costs them nothing.
local function pop_whole()
  -- @include pop
  return pop(2)
end
return pop_whole()

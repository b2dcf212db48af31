-- pop(now, nonce, worker, limit, order, request, wait ms, queue...)
-- Lease up to limit jobs. Answers as lib/pop says.
-- @include pop_plain
local answer = pop_plain(2)
if answer then return answer end

-- @include pop
return pop(2)

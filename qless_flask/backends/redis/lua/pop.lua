-- pop(now, nonce, worker, limit, order, request, wait ms, queue...)
-- Lease up to limit jobs. Answers as lib/pop says.
-- @include pop
return pop(2)

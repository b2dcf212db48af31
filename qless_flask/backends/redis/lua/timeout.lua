-- timeout(now, actor, seen, jid...)
-- Take leases away, at the cost of a retry. Answers as lib/hand says.
-- @include hand
-- @include time_out
return by_hand(ARGV[2], ARGV[3], 4, function(job)
  if job.state ~= 'r' then return 'WRONG_STATE' end
  time_out(job)
end)

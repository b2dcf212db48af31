-- settle(now, {kind, jid, token, delay ms, next queue or group, message, data}...)
-- End leases. Answers each with its state letter or an error's code.
-- @include settle
return settle_all(2, #ARGV)

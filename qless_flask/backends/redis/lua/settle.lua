-- settle(now, {kind, jid, token, delay ms, next queue or group, message, data}...)
-- End leases. Answers each with its state letter or an error's code.
-- @include complete_plain
local answer = complete_plain(2, #ARGV)
if answer then return answer end

-- The general way stands inside: what most calls do without costs them nothing.
local function settle_whole()
  -- @include settle
  return settle_all(2, #ARGV)
end
return settle_whole()

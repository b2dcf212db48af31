-- put(now, {jid, queue, klass, data, priority, due, if_exists, options}...)
-- Add jobs, all or none. Answers each as lib/put says.
-- @include put_plain
local answers = put_plain()
if answers then return answers end

-- The general way stands inside: what most calls do without costs them nothing.
local function put_whole()
  -- @include put
  -- @include room
  gather = #ARGV > FIELDS + 1
  local fault
  answers, fault = put_all(ARGV, 2, #ARGV)
  if fault then return redis.error_reply(fault) end
  flush()
  return answers
end
return put_whole()

-- version: counts the changes of settings, which are worked out from what was read before.
-- @include keys
local function count_change()
  call('HINCRBY', key('meta'), 'version', 1)
end

-- Whether they have changed since this version; if not, they do now.
local function is_changed(seen)
  if (call('HGET', key('meta'), 'version') or '0') ~= seen then return true end
  count_change()
end

-- history: no more entries than allowed, once another has come.
-- @include record
local function shortened(history)
  local _, count = string.gsub(history, '\t', '')
  return count + 1 < HISTORY_ENTRIES and history or string.match(history, '^[^\t]*\t(.*)$')
end

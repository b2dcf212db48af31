-- packed: several texts as one: each its length in bytes, a colon, and itself.
local function unpacked(text)
  local items, at = {}, 1
  while at <= #text do
    local size, from = string.match(text, '^(%d+):()', at)
    at = from + size
    items[#items + 1] = string.sub(text, from, at - 1)
  end
  return items
end

-- bytes: jids in the order in which indexes have them, byte by byte: Lua's own < goes by the server's locale.
local function before(jid, other)
  for i = 1, math.min(#jid, #other) do
    local one, two = string.byte(jid, i), string.byte(other, i)
    if one ~= two then return one < two end
  end
  return #jid < #other
end

-- exchange(now, number of settlements, {settlement}..., {pop})
-- Settle, then pop. Answers {settle's answers, pop's answer}.
-- @include complete_plain
-- @include pop_plain
local first = 3 + 7 * tonumber(ARGV[2])
local answers = complete_plain(3, first - 1)
local popped = answers and pop_plain(first)
if popped then return {answers, popped} end

-- The general way stands inside: what most calls do without costs them nothing.
local function exchange_whole()
  -- @include settle
  -- @include pop
  return {answers or settle_all(3, first - 1), pop(first)}
end
return exchange_whole()

-- exchange(now, number of settlements, {settlement}..., {pop})
-- Settle, then pop. Answers {settle's answers, pop's answer}.
-- @include settle
-- @include pop
local first = 3 + 7 * tonumber(ARGV[2])
local answers = settle_all(3, first - 1)
return {answers, pop(first)}

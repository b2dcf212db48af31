-- rows: of statistics: a hash a period, of what and its name, apart by a tab -> text; periods: a sorted set of these.
-- @include keys
local function set_row(period, of, name, text)
  if call('HSET', key('rows', period), of .. '\t' .. name, text) == 1 then call('ZADD', key('periods'), 0, period) end
end

-- Delete up to so many periods.
local function forget_rows(is_old, most)
  for _, period in ipairs(call('ZRANGE', key('periods'), 0, -1)) do
    if most > 0 and is_old(period) then
      call('UNLINK', key('rows', period))
      call('ZREM', key('periods'), period)
      most = most - 1
    end
  end
end

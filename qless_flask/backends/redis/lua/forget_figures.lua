-- forget_figures(now, day, hour)
-- Delete rows of statistics of days before one, and of hours before one, of ten periods at most.
-- @include frozen
-- @include rows
-- @include bytes
if is_frozen() then return 0 end
forget_rows(function(period) return before(period, #period == #ARGV[2] and ARGV[2] or ARGV[3]) end, 10)
return 1

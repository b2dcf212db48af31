-- tag: a tag in figures: name, 1 if tracked, its jobs in each state, its waits and runs with their milliseconds.
-- @include keys
-- @include figures
local function tag_summary(name)
  return {name, call('ZSCORE', key('tracked_tags'), name) and 1 or 0,
    call('HMGET', key('figures', name), unpack(FIGURES))}
end

-- ties: what ties a job to others (needs, dependents, a unique key, tags) and to times (to be popped by). Most jobs have none:
-- the parts stand inside, and are made when the first that has some comes by.
-- @include stage
ties = function()
  if tied then return tied end
  -- @include needs
  -- @include unique
  -- @include tags
  -- @include ended
  -- @include untold
  -- @include depends
  -- @include timely

  -- What the end of a job cuts.
  local function cut(job, state)
    if has(job, 'n') then drop_all_needs(job) end
    if has(job, 'x') then start_no_more(job) end
    if has(job, 'u') and (state == 'x' or life_of(job).unique_ms == '') then let_go(job) end
  end

  local told_before = 0

  local function flush_ties()
    flush_edges()
    flush_holders()
    told_before = told_so_far
  end

  -- As if nothing had happened since the last flush.
  local function forget_ties()
    edges, holders, held_anew, last_turn, told_so_far = {}, {}, {}, nil, told_before
    forget_figures()
  end

  tied = {
    cut = cut, flush = flush_ties, forget = forget_ties, index_tags = index_tags, count_state = count_state,
    count_wait = count_wait, count_run = count_run, flush_figures = flush_figures, read_needs = read_needs,
    needs_of = needs_of, save_needs = save_needs, drop_needs = drop_needs, drop_all_needs = drop_all_needs,
    wait_for = wait_for, dependents_of = dependents_of, dependents_after = dependents_after, before = before,
    forget_untold = forget_untold, depend_on = depend_on, holder = holder, take_unique = take_unique, hold = hold,
    let_go = let_go, tell_dependents = tell_dependents, tell_all_left = tell_all_left, tell_left_in = tell_left_in,
    unblock = unblock, open_among = open_among, cycle_among = cycle_among, start_by = start_by,
    start_in_time = start_in_time, start_no_more = start_no_more,
  }
  return tied
end

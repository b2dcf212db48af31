-- depends: what new dependencies come to, before anything is written; a fault is a code and what it is about.
-- @include stage
-- @constant SEARCHED_AT_ONCE

-- Which of these a job would wait for; or nil and a fault. `canceled`: one has ended in a way that cancels it.
local function open_among(jid, parents, missing, choice)
  local open, canceled = {}, false
  load_jobs(parents)
  for i = 1, #parents do
    local parent = parents[i]
    local job = jobs[parent]
    if parent == jid then return nil, 'DEPENDENCY_CYCLE ' .. jid end
    if not job then
      if missing ~= 'satisfied' then return nil, 'UNKNOWN_DEPENDENCY ' .. parent end
    elseif job.state ~= 'c' and not (choice == 'r' and is_over(job)) then
      open[#open + 1] = parent
      canceled = canceled or (choice == 'c' and is_over(job))
    end
  end
  return open, canceled
end

local function needs_by(jid)
  local job = jobs[jid]
  if job then return job.state == 'd' and needs_of(job) or {} end
  return (read_needs(call('HGET', key('needs'), jid)))
end

-- Whether one of these waits for the job in the end: then, or where that would be too long a search, a fault.
local function cycle_among(jid, parents)
  local line, seen, visited = {unpack(parents)}, {}, 0
  local at = 1
  while line[at] do
    local each = line[at]
    if each == jid then return 'DEPENDENCY_CYCLE ' .. jid end
    if not seen[each] then
      seen[each], visited = true, visited + 1
      if visited > SEARCHED_AT_ONCE then return 'SEARCH_TOO_LONG ' .. jid end
      for _, parent in ipairs(needs_by(each)) do line[#line + 1] = parent end
    end
    at = at + 1
  end
end

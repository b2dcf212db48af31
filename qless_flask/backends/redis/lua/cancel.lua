-- cancel(now, actor, seen, dependents, jid...)
-- Stop jobs for good. Answers as lib/hand says; HAS_DEPENDENTS is followed by some of them, apart by tabs.
-- @include hand
-- @constant CANCELED_ALONG
local dependents = ARGV[4]

-- Those who wait for a job in the end, level by level, by jid; nil where there are too many.
local function descendants(jid)
  local found, seen = {}, {[jid] = true}
  local level = {jid}
  while #level > 0 do
    local following = {}
    for i = 1, #level do
      for _, child in ipairs(ties().dependents_after(level[i], '', CANCELED_ALONG + 1)) do
        if not seen[child] then
          seen[child] = true
          following[#following + 1] = child
        end
      end
      if #found + #following > CANCELED_ALONG then return end
    end
    table.sort(following, ties().before)
    for i = 1, #following do found[#found + 1] = following[i] end
    level = following
  end
  return found
end

local function cancel_along(job, along)
  load_jobs(along)
  cancel(job)
  save(job)
  for i = 1, #along do
    cancel(jobs[along[i]])
    save(jobs[along[i]])
  end
end

return by_hand(ARGV[2], ARGV[3], 5, function(job)
  if job.state == 'c' then return 'WRONG_STATE' end
  if job.state == 'x' then return 'SAME' end
  if dependents == 'choice' or not has(job, 'p') then
    cancel(job)
    conclude(job)
  elseif dependents == 'refuse' then
    return 'HAS_DEPENDENTS\t' .. table.concat(ties().dependents_after(job.jid, '', 11), '\t')
  else
    local along = descendants(job.jid)
    if not along then return 'TOO_MANY_DEPENDENTS' end
    cancel_along(job, along)
  end
end)

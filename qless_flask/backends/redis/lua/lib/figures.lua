-- figures: what is counted of jobs: a tag's in each state, its waits and runs; a failure group's queues and klasses.
-- lib/index includes it, behind set_score.
-- @include job
local function count_state(job, old, new)
end

local function count_wait(job)
end

local function count_run(job)
end

local function enter_group(job, group)
  set_score(key('group', group), job.jid, '-' .. now_text)
end

local function leave_group(job, group)
  set_score(key('group', group), job.jid, false)
end

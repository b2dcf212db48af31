-- hand: operations by hand on listed jids, in ARGV from `first` on. Answers each with {record, and what lib/extras lists} or
-- an error's code, which `change` returns for a job that it leaves alone; for one that is so already it returns SAME.
-- With `seen` 1 each jid is followed by the state letter and queue (apart by a tab) that the job is to have still. Then the
-- answers are DONE, SAME, CHANGED (it has another state or queue) or an error's code.
-- @include stage
-- @include extras
-- @include room
local function do_each(first, seen, change)
  local jids, answers, step = {}, {}, seen and 2 or 1
  for i = first, #ARGV, step do jids[#jids + 1] = ARGV[i] end
  gather = #jids > 1
  load_jobs(jids)
  for i = 1, #jids do
    local job = jobs[jids[i]]
    if not job then
      answers[i] = 'JOB_NOT_FOUND'
    elseif seen and ARGV[first + 2 * i - 1] ~= job.state .. '\t' .. job.queue then
      answers[i] = 'CHANGED'
    else
      answers[i] = change(job) or 'DONE'
    end
  end
  return jids, answers
end

local function by_hand(actor, seen, first, change)
  local jids, answers = do_each(first, seen == '1', change)
  flush(actor)
  if seen == '1' then return answers end
  for i = 1, #answers do
    if answers[i] == 'DONE' or answers[i] == 'SAME' then
      local job = jobs[jids[i]]
      answers[i] = {job.text, listed(job.jid, job.flags)}
    end
  end
  return answers
end

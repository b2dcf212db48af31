-- hand: operations by hand on listed jids. Answers each with {record, options, failure} or an error's code, which
-- `change` returns for a job that it leaves alone.
-- @include tags
-- @include extras
-- @include room
local function by_hand(actor, first, change)
  local jids, answers = {}, {}
  for i = first, #ARGV do jids[#jids + 1] = ARGV[i] end
  gather = #jids > 1
  load_jobs(jids)
  for i = 1, #jids do
    local job = jobs[jids[i]]
    if job then answers[i] = change(job) or job else answers[i] = 'JOB_NOT_FOUND' end
  end
  flush(actor)
  for i = 1, #answers do
    local job = answers[i]
    if type(job) == 'table' then
      local options, failure = extras(job.jid, job.flags)
      answers[i] = {job.text, options, failure}
    end
  end
  return answers
end

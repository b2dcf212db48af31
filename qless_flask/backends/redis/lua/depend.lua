-- depend(now, actor, jid, missing, number of jids to wait for, jid..., jid to wait for no longer...)
-- Change what a job waits for. Answers {record, and what lib/extras lists}.
-- @include stage
-- @include extras
-- @include room
-- @constant MAX_OPEN_DEPENDS

-- What stays open of what the job waits for, and those asked for that are not among these.
local function split(job)
  local last = 5 + tonumber(ARGV[5])
  local off, kept, known, asked = {}, {}, {}, {}
  for i = last + 1, #ARGV do off[ARGV[i]] = true end
  for _, parent in ipairs(ties().needs_of(job)) do
    if not off[parent] then
      kept[#kept + 1] = parent
      known[parent] = true
    end
  end
  for i = 6, last do
    if not known[ARGV[i]] then asked[#asked + 1] = ARGV[i] end
  end
  return off, kept, asked
end

local function come_to_depend(job, parents)
  local due = job.state == 's' and 'a' .. job.available or ''
  leave_index(job)
  ties().depend_on(job, load_queue(job.queue), parents, due)
end

local function change_needs(job, off, added)
  ties().drop_needs(job, off)
  for i = 1, #added do
    job.needs[#job.needs + 1] = added[i]
    ties().wait_for(job, added[i])
  end
  ties().save_needs(job)
end

local job = load_job(ARGV[3])
if not job then return redis.error_reply('JOB_NOT_FOUND ' .. ARGV[3]) end
if is_over(job) or job.state == 'r' then return redis.error_reply('WRONG_STATE ' .. job.jid) end
local off, kept, asked = split(job)
local added, canceled = ties().open_among(job.jid, asked, ARGV[4], life_of(job).choice)
if not added then return redis.error_reply(canceled) end
if #kept + #added > MAX_OPEN_DEPENDS then return redis.error_reply('TOO_MANY_OPEN ' .. job.jid) end
local fault = ties().cycle_among(job.jid, added)
if fault then return redis.error_reply(fault) end

append(job, 'u', '')
if job.state == 'd' then
  change_needs(job, off, added)
elseif #added > 0 then
  come_to_depend(job, added)
end
note('u', job, job.queue, '', job.state, '', '')
if canceled then
  cancel(job)
elseif job.state == 'd' and #job.needs == 0 then
  ties().unblock(job)
end
conclude(job)
flush(ARGV[2])
return {job.text, listed(job.jid, job.flags)}

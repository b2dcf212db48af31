-- update(now, actor, priority, data, retries, number of tags to add, tag..., number of tags to remove, tag..., jid...)
-- Change jobs; what is '' stays. Answers as lib/hand says, with INVALID for too many tags.
-- @include hand
-- @constant MAX_TAGS
local priority, data, retries = ARGV[3], ARGV[4], ARGV[5]
local at = 6

local function listed()
  local items = {}
  local count = tonumber(ARGV[at])
  for i = at + 1, at + count do items[#items + 1] = ARGV[i] end
  at = at + count + 1
  return items
end

local added, removed = listed(), listed()

local function changed_tags(job)
  local tags, drop, there = {}, {}, {}
  for i = 1, #removed do drop[removed[i]] = true end
  for tag in string.gmatch(options_of(job).tags, '[^\t]+') do
    if not drop[tag] then
      tags[#tags + 1] = tag
      there[tag] = true
    end
  end
  for i = 1, #added do
    if not there[added[i]] then tags[#tags + 1] = added[i] end
  end
  return tags
end

return by_hand(ARGV[2], at, function(job)
  if #added + #removed > 0 then
    local tags = changed_tags(job)
    if #tags > MAX_TAGS then return 'INVALID' end
    index_tags(job, false)
    job.tags = table.concat(tags, '\t')
    index_tags(job, '0')
  end
  options_of(job)
  if retries ~= '' then
    job.retries = retries
    if tonumber(retries) < tonumber(job.remaining) then job.remaining = retries end
  end
  save_options(job)
  if data ~= '' then set_data(job, data) end
  if priority ~= '' then
    job.priority = priority == '0' and '' or priority
    if job.state == 'w' then enter_index(job, 'w', waiting_score(job)) end
  end
  append(job, 'u', '')
  note('u', job, job.queue, '', job.state, '', '')
  save(job)
end)

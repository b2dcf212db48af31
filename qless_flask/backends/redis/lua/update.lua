-- update(now, actor, seen, priority, data, retries, tracked, number of tags to add, tag..., number to remove, tag..., jid...)
-- Change jobs; what is '' stays (tracked: 1 or 0). Answers as lib/hand says, with TOO_MANY_TAGS.
-- @include hand
-- @constant MAX_TAGS
local priority, data, retries, tracked = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local at = 8

local function listed_tags()
  local items = {}
  local count = tonumber(ARGV[at])
  for i = at + 1, at + count do items[#items + 1] = ARGV[i] end
  at = at + count + 1
  return items
end

local added, removed = listed_tags(), listed_tags()

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

local function change_options(job)
  if #added + #removed > 0 then
    ties().index_tags(job, false)
    job.tags = table.concat(changed_tags(job), '\t')
    ties().index_tags(job, '0')
  end
  options_of(job)
  if retries ~= '' then
    job.retries = retries
    if tonumber(retries) < tonumber(job.remaining) then job.remaining = retries end
  end
  save_options(job)
end

local function change(job)
  if #added + #removed > 0 or retries ~= '' then change_options(job) end
  if data ~= '' then set_data(job, data) end
  if priority ~= '' then
    job.priority = priority == '0' and '' or priority
    if job.state == 'w' then
      leave_index(job)
      enter_index(job, 'w', waiting_score(job))
    end
  end
  append(job, 'u', '')
  note('u', job, job.queue, '', job.state, '', '')
end

local function track(job)
  local on = tracked == '1'
  set_score(key('tracked'), job.jid, on and '0' or false)
  if on then set_flag(job, 't') else clear_flag(job, 't') end
  append(job, on and 'h' or 'v', '')
  note(on and 'h' or 'v', job, job.queue, '', job.state, '', '')
end

local changes_all = #added + #removed > 0 or priority .. data .. retries ~= '' or tracked == ''

return by_hand(ARGV[2], ARGV[3], at, function(job)
  local tracks = tracked ~= '' and (tracked == '1') ~= (has(job, 't') ~= nil)
  if not changes_all and not tracks then return 'SAME' end
  if #added > 0 and #changed_tags(job) > MAX_TAGS then return 'TOO_MANY_TAGS' end
  if changes_all then change(job) end
  if tracks then track(job) end
  save(job)
end)

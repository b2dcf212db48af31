-- ended: what the end of a job does to those who wait for it: each is told, by jid, and so are those who wait for one that is
-- canceled thereby. One operation tells so many; whom it leaves is remembered, and told by promote and pops.
-- @include stage
-- @constant TOLD_AT_ONCE
local told_so_far, last_turn = 0, nil
local function unblock(job)
  leave_index(job)
  append(job, 'b', '')
  arrive_or_schedule(job, load_queue(job.queue), due_time(job.due))
  note('b', job, job.queue, '', job.state, '', '')
end

-- Answers whether the child is canceled.
local function tell_child(child, parent)
  local choice = parent.state == 'c' and 'r' or life_of(child).choice
  if choice == '' then return false end
  if choice == 'c' then
    cancel(child)
  else
    drop_needs(child, {[parent.jid] = true})
    if #child.needs == 0 then unblock(child) end
  end
  save(child)
  return choice == 'c'
end

-- Remember after which dependent to go on; those of its queue who pop then see to it.
local function remember_untold(parent, after, following)
  if not last_turn then last_turn = tonumber(call('ZREVRANGE', key('untold'), 0, 0, 'WITHSCORES')[2] or 0) end
  last_turn = last_turn + 1
  later('ZADD', key('untold'), 'NX', last_turn, parent)
  later('HSET', key('told'), parent, after)
  local queue = load_queue(load_job(following).queue)
  queue.untold = '1'
  look_by(queue, now_text)
end

-- Tell up to `most` dependents of these, each {jid, after whom}, the first of them first. Answers how many.
local function tell(parents, most)
  local told, at = 0, 1
  while parents[at] do
    local parent, after = parents[at][1], parents[at][2]
    local job = load_job(parent)
    local children = job and is_over(job) and dependents_after(parent, after, math.max(1, most - told)) or {}
    if #children == 0 then
      at = at + 1
      forget_untold(parent)
    elseif told == most then
      remember_untold(parent, after, children[1])
      at = at + 1
    else
      load_jobs(children)
      for i = 1, #children do
        if tell_child(jobs[children[i]], job) and has(jobs[children[i]], 'p') then
          parents[#parents + 1] = {children[i], ''}
        end
      end
      told = told + #children
      parents[at][2] = children[#children]
    end
  end
  return told
end

local function tell_dependents(job)
  told_so_far = told_so_far + tell({{job.jid, ''}}, TOLD_AT_ONCE - told_so_far)
end

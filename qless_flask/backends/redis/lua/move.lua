-- move(now, actor, seen, queue or '' for that of each, delay ms, jid...)
-- Put jobs of any state into a queue. Answers as lib/hand says; where it is seen on its way there already, SAME.
-- @include hand
local seen, target, delay = ARGV[3], ARGV[4], tonumber(ARGV[5])

local function is_on_its_way(job, name)
  return job.queue == name and (job.state == 's' or job.state == 'd' or job.state == 'w')
end

-- It stays in `depends`, with the delay of the move.
local function keep_waiting(job, queue)
  job.due = delay > 0 and string.format('d%.0f', delay) or ''
  ties().save_needs(job)
  stand_by(job, queue)
  if call('EXISTS', key('untold')) == 1 then
    queue.untold = '1'
    look_by(queue, now_text)
  end
end

local function move_start_by(job, queue)
  set_score(key('y', job.queue), job.jid, false)
  ties().start_in_time(job, queue)
end

return by_hand(ARGV[2], seen, 6, function(job)
  local from, worker, name = job.queue, job.worker, target == '' and job.queue or target
  if seen == '1' and is_on_its_way(job, name) then return 'SAME' end
  local queue, was_over = load_queue(name), is_over(job)
  leave_index(job)
  if job.state == 'r' then end_lease(job) end
  clear_failure(job)
  keep(job, 'progress', 'g', '')
  keep(job, 'results', 'e', '')
  append(job, 'm', name)
  if has(job, 'x') then move_start_by(job, queue) end
  job.queue = name
  job.ended = ''
  job.token = ''
  renew(job, queue)
  if has(job, 'n') then
    ties().needs_of(job)
    keep_waiting(job, queue)
  else
    arrive_or_schedule(job, queue, now + delay)
  end
  if was_over and has(job, 'p') then ties().forget_untold(job.jid) end
  if was_over and has(job, 'u') then ties().take_unique(job) end
  note('m', job, from, name, job.state, worker, '')
  save(job)
end)

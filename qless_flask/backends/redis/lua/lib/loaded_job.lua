-- loaded_job: a job of a dump. Its values stand in ARGV behind `at`, up to `last`: jid, record (lib/record) with all flags
-- but p, options, failure, needs, progress, data for payloads, result, score in its index, 1 if it holds its unique key,
-- lines of its log.
-- @include erase
-- @include loaded
local BESIDE_RECORD = {'options', 'failures', 'needs', 'progress', 'payloads', 'results'}

-- Out with the old one; those of its dependents who are not told yet still are, if it has ended.
local function replace(old, over)
  local number = over and has(old, 'p') and call('ZSCORE', key('untold'), old.jid)
  local after = number and call('HGET', key('told'), old.jid)
  erase(old)
  if number then
    later('ZADD', key('untold'), number, old.jid)
    later('HSET', key('told'), old.jid, after or '')
  end
end

local function keep_beside(job, at)
  for i, kind in ipairs(BESIDE_RECORD) do
    local text = ARGV[at + 2 + i]
    if text ~= '' then later('HSET', key(kind), job.jid, text) end
  end
  if ARGV[at + 3] ~= '' then read_options(job, ARGV[at + 3]) else options_of(job) end
  job.failure = ARGV[at + 4]
end

local function tie(job, queue, at)
  if has(job, 'k') then ties().index_tags(job, '0') end
  if has(job, 't') then set_score(key('tracked'), job.jid, '0') end
  if has(job, 'x') then ties().start_in_time(job, queue) end
  if ARGV[at + 10] == '1' then ties().hold(job) end
  local _, name = lanes().of(job)
  if name ~= '' then set_score(key('key', name), job.jid, '0') end
  job.needs, job.due = {}, ''
  if not has(job, 'n') then return end
  job.needs, job.due = ties().read_needs(ARGV[at + 5])
  for _, parent in ipairs(job.needs) do
    ties().wait_for(job, parent)
    if call('ZSCORE', key('untold'), parent) then look_for_untold(parent, call('HGET', key('told'), parent) or '') end
  end
end

local function stand(job, queue, state, score)
  if state == 'w' or state == 'r' then raise_place(queue, job.place) else raise_place(queue, '0') end
  if state == 'r' then count_running(job.worker, 1) end
  if state == 'r' or state == 's' then look_by(queue, score) end
  if state == 'f' then touch_group(job, string.match(job.failure, '^[^\t]*'), 1) end
  enter_index(job, state, score)
end

local function load_job_record(at, last)
  local jid, old = ARGV[at + 1], load_job(ARGV[at + 1])
  local job = parse(jid, ARGV[at + 2])
  local state, queue = job.state, load_queue(job.queue)
  if old then replace(old, is_over(job)) end
  jobs[jid], job.state = job, nil
  keep_beside(job, at)
  if has(job, 'l') then
    for i = at + 11, last do later('RPUSH', key('log', jid), ARGV[i]) end
  end
  tie(job, queue, at)
  stand(job, queue, state, ARGV[at + 9])
  if ties().dependents_of(jid).count > 0 then set_flag(job, 'p') end
  save(job)
end

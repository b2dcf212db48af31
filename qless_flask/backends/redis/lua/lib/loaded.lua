-- loaded: records of a dump but for jobs. Their values stand in ARGV behind `at`, up to `last`.
-- namespace: own, plans, settings, limits, retention (lib/tune), turn. queue: name, own, settings, limits, retention, 1 if paused,
-- place, warned_at, times of pops. inherited: name, settings, limits, retention of a queue whose namespace has others
-- now. key: queue, key, times of pops. worker: name, what is kept (lib/worker). tag: name, 1 if tracked, waits, waited_ms,
-- runs, ran_ms. recurrence: id, text (lib/recurrence), next run where it goes on. figures: period, of, name, text. memo:
-- name, text. untold: number, jid, after whom.
-- @include stage
-- @include tune
-- @include rows
local function set_list(list, at, last)
  call('DEL', list)
  call_with('RPUSH', list, {unpack(ARGV, at, last)})
end

local function load_namespace(at)
  local meta = key('meta')
  set_field(meta, 'own', ARGV[at + 1])
  set_field(meta, 'plans', ARGV[at + 2])
  tune(meta, ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
  set_field(meta, 'turn', ARGV[at + 6])
end

local function settle_in(queue, settings, limits, retention)
  queue.given, queue.limits, queue.limit = {}, limits, nil
  tune(queue.hash, settings, limits, retention)
  call('HSET', queue.hash, 'resort', '1')
end

-- A queue is known from now on, and no place up to this is given again.
local function raise_place(queue, place)
  if not queue.place or tonumber(queue.place) < tonumber(place) then queue.place = place end
end

local function load_queue_record(at, last)
  local queue = load_queue(ARGV[at + 1])
  settle_in(queue, ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
  set_field(queue.hash, 'own', ARGV[at + 2])
  set_field(queue.hash, 'paused', ARGV[at + 6])
  raise_place(queue, ARGV[at + 7])
  set_field(queue.hash, 'warned_at', ARGV[at + 8])
  set_list(key('pops', queue.name), at + 9, last)
end

local function load_inherited(at)
  local queue = load_queue(ARGV[at + 1])
  local limits = ARGV[at + 3]
  if limits ~= '' then limits = limits_kept_since(string.match(queue.limits, '^F?(.*)$'), limits) end
  settle_in(queue, ARGV[at + 2], limits, ARGV[at + 4])
end

local function load_key(at, last)
  set_list(key('key_pops', ARGV[at + 1] .. '\t' .. ARGV[at + 2]), at + 3, last)
  call('ZADD', key('popped_keys', ARGV[at + 1]), ARGV[last], ARGV[at + 2])
  raise_place(load_queue(ARGV[at + 1]), '0')
end

local function load_worker(at)
  call('HSET', key('workers'), ARGV[at + 1], ARGV[at + 2])
end

-- The figures of its states come with its jobs.
local function load_tag(at)
  local name = ARGV[at + 1]
  if ARGV[at + 2] == '1' then call('ZADD', key('tracked_tags'), 0, name) else call('ZREM', key('tracked_tags'), name) end
  for i, field in ipairs({'waits', 'waited_ms', 'runs', 'ran_ms'}) do
    local count = ARGV[at + 2 + i]
    set_field(key('figures', name), field, count == '0' and '' or count)
  end
end

local function load_recurrence_record(at)
  local id = ARGV[at + 1]
  call('HSET', key('recurrences'), id, ARGV[at + 2])
  call('ZADD', key('recurrence_ids'), 0, id)
  if ARGV[at + 3] == '' then call('ZREM', key('recurring'), id) else call('ZADD', key('recurring'), ARGV[at + 3], id) end
end

local function load_figures(at)
  set_row(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4])
end

local function load_memo(at)
  call('HSET', key('memory'), ARGV[at + 1], ARGV[at + 2])
end

-- Pops of the queue of whom is to be told next see to it.
local function look_for_untold(jid, after)
  local following = load_job(ties().dependents_after(jid, after, 1)[1] or '')
  if not following then return end
  local queue = load_queue(following.queue)
  queue.untold = '1'
  look_by(queue, now_text)
end

local function load_untold(at)
  later('ZADD', key('untold'), ARGV[at + 1], ARGV[at + 2])
  later('HSET', key('told'), ARGV[at + 2], ARGV[at + 3])
  look_for_untold(ARGV[at + 2], ARGV[at + 3])
end

-- load(now, version, {kind, number of values, value...}...)
-- Write records of a dump, in place of what there is; those that a kind has stand in lib/loaded, with jobs in
-- lib/loaded_job. Answers 1; or CHANGED, where what was read of settings of that version is not so any more.
-- @include stage
-- @include freezing
-- @include frozen
-- @include version
if not is_frozen() then return redis.error_reply('NOT_FROZEN ' .. string.match(prefix, '{(.*)}')) end
if call('HGET', key('meta'), 'erasing') then return frozen() end
-- Something that takes up room first: a full store refuses all of it.
call('SET', key('room'), '1')
if is_changed(ARGV[2]) then return 'CHANGED' end
gather = true
-- @include loaded
-- @include loaded_job
local LOADERS = {
  namespace = load_namespace, queue = load_queue_record, inherited = load_inherited, key = load_key, worker = load_worker,
  tag = load_tag, recurrence = load_recurrence_record, figures = load_figures, memo = load_memo, job = load_job_record,
  untold = load_untold,
}
local at = 3
while ARGV[at] do
  local count = tonumber(ARGV[at + 1])
  LOADERS[ARGV[at]](at + 1, at + 1 + count)
  at = at + 2 + count
end
flush()
for name in pairs(queues) do freeze_queue(name) end
return 1

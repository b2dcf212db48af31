-- dump(now, cursor, count)
-- Read about so many jobs whole. Answers {next cursor, {jid, record, options, failure, needs, progress, data in payloads,
-- result, expiry or '', the jid that holds its unique key, {log line}}...}.
-- @include stage
-- @include extras
local found = call('HSCAN', records, ARGV[2], 'COUNT', ARGV[3])
local answers = {found[1]}
for i = 1, #found[2], 2 do
  local jid, text = found[2][i], found[2][i + 1]
  local job = parse(jid, text)
  local options, failure, needs, progress = listed(jid, job.flags)
  local expires = job.state == 'r' and call('ZSCORE', key('r', job.queue), jid) or ''
  local held = has(job, 'u') and string.match(call('HGET', key('unique'), life_of(job).unique) or '', '^[^\t]*') or ''
  local lines = has(job, 'l') and call('LRANGE', key('log', jid), 0, -1) or {}
  answers[#answers + 1] = {
    jid, text, options, failure, needs, progress, kept(jid, job.flags, 'd', 'payloads'),
    kept(jid, job.flags, 'e', 'results'), expires, held, lines,
  }
end
return answers

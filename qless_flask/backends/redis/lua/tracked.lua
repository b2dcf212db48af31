-- tracked(now, limit)
-- Look up what is tracked, up to limit of each. Answers {{jid, record, options, failure, needs, progress}...} by jid, and
-- the tags by name, each as lib/tag says.
-- @include extras
-- @include tag
local shown, tags = {}, {}
for i, jid in ipairs(call('ZRANGE', key('tracked'), 0, ARGV[2] - 1)) do
  local text = call('HGET', records, jid)
  if text then shown[#shown + 1] = {jid, text, listed(jid, flags_of(text))} end
end
for i, name in ipairs(call('ZRANGE', key('tracked_tags'), 0, ARGV[2] - 1)) do tags[i] = tag_summary(name) end
return {shown, tags}

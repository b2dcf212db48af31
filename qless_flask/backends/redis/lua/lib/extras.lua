-- extras: what an answer shows of a job beside its record: options, failure and data, '' for what there is not.
-- @include keys
local function extras(jid, flags)
  if flags == '' then return '', '', '' end
  return string.find(flags, 'o', 1, true) and call('HGET', key('options'), jid) or '',
    string.find(flags, 'f', 1, true) and call('HGET', key('failures'), jid) or '',
    string.find(flags, 'd', 1, true) and call('HGET', key('payloads'), jid) or ''
end

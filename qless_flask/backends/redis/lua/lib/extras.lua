-- extras: what an answer shows of a job beside its record, '' for what there is not.
-- @include keys
local function kept(jid, flags, flag, kind)
  return string.find(flags, flag, 1, true) and call('HGET', key(kind), jid) or ''
end

-- What a popped job shows: options, failure, data and progress.
local function extras(jid, flags)
  if flags == '' then return '', '', '', '' end
  return kept(jid, flags, 'o', 'options'), kept(jid, flags, 'f', 'failures'), kept(jid, flags, 'd', 'payloads'),
    kept(jid, flags, 'g', 'progress')
end

-- What lists show: options, failure, needs and progress.
local function listed(jid, flags)
  if flags == '' then return '', '', '', '' end
  return kept(jid, flags, 'o', 'options'), kept(jid, flags, 'f', 'failures'), kept(jid, flags, 'n', 'needs'),
    kept(jid, flags, 'g', 'progress')
end

local function flags_of(text)
  return string.match(text, '^[^\n]*\t(%a*)\n')
end

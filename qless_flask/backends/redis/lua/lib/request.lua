-- request: what a worker's request was given, kept for a heartbeat, so that a lost answer costs nothing.
-- @include queue
-- @constant REQUEST_MS

-- The leases that the same request was given and that still live.
local function given_before(request)
  local leased = {}
  local till, given = string.match(call('GET', request) or '', '^(%d+)\n(.*)$')
  if not till or now >= tonumber(till) then return leased end
  for jid, token in string.gmatch(given, '([^\t]+)\t([^\n]+)\n') do
    local job = load_job(jid)
    if job and job.state == 'r' and job.token == token then
      job.expires = string.format('%.0f', call('ZSCORE', key('r', job.queue), jid))
      leased[#leased + 1] = job
    end
  end
  return leased
end

local function remember_given(request, leased)
  local life = load_queue(leased[1].queue).heartbeat
  if life == '' then life = REQUEST_MS end
  local given = {}
  for i = 1, #leased do given[i] = leased[i].jid .. '\t' .. leased[i].token .. '\n' end
  -- The key outlives its date a little, since its expiry goes by the server's clock alone.
  call('SET', request, (now + life) .. '\n' .. table.concat(given), 'PX', life + REQUEST_MS)
end

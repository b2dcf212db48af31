-- worker: when it was last seen, written once a second at most.
-- @include now
-- @include keys
local function see_worker(worker)
  local workers = key('workers')
  local seen = call('HGET', workers, worker)
  if not seen or now - seen >= 1000 or now - seen < 0 then call('HSET', workers, worker, now_text) end
end

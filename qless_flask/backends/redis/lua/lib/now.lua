-- now: the time in milliseconds, as a number and as text: the server's, or that of the clock which the backend was given.
-- Text is passed on as text wherever it will do: turning numbers into text is the dearest thing that scripts do.
local now_text = ARGV[1]
if now_text == '' then
  local time = redis.call('TIME')
  now_text = time[1] .. string.sub(1000000 + time[2], 2, 4)
end
local now = tonumber(now_text)

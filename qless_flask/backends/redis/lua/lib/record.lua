-- record: how a job is kept, in the hash of records.
-- state, queue, priority, place, created, available, remaining, flags \n its runs \n history \n klass \n data
-- Fields stand apart by tabs; empty: 0, or as created. State letters: s d (depends) w r c f x (canceled). Flags: o options,
-- k tags among them, m an own max_run, u a unique key; d data in payloads, f failure, l log, g progress, e result; n needs,
-- p others wait for it, t tracked, x not popped yet, and to be before it expires. The runs (none before the first): runs, losses, started, ended, worker, token, last settled
-- token and its answer. History entries stand apart by tabs: letter, milliseconds since created, a colon, a word.
local INLINE_BYTES = 512
-- @constant HISTORY_ENTRIES
local LONG_HISTORY = 3 * HISTORY_ENTRIES -- bytes: a shorter one cannot have too many entries
local PRIORITY_STEP = 17592186044416 -- 2^44: places of one priority lie within a step
local NEVER = '9007199254740991' -- the expiry of a lease that has none
local RUNS = '^(%d+)\t(%d+)\t(%d*)\t(%d*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t(%a*)$'

-- Limits and requirements, settings of the namespace, and what dumps and freezes need.

ALTER TABLE namespace ADD COLUMN settings TEXT;                          -- JSON of its own
ALTER TABLE namespace ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE namespace ADD COLUMN erasing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE namespace ADD COLUMN folded TEXT;                            -- up to which event the statistics are counted

ALTER TABLE queue ADD COLUMN laned INTEGER NOT NULL DEFAULT 0;           -- how many of its jobs wait in lanes
ALTER TABLE queue ADD COLUMN popped INTEGER NOT NULL DEFAULT 0;          -- the number of its last row of the table popped
ALTER TABLE queue ADD COLUMN rate_since INTEGER;                         -- pops before then do not count
ALTER TABLE queue ADD COLUMN key_rate_since INTEGER;
ALTER TABLE queue ADD COLUMN warned_at INTEGER;

ALTER TABLE worker ADD COLUMN capabilities TEXT;                         -- apart by byte 31

-- state: 8 is waiting in a lane, as all jobs do that have a key or require something.
ALTER TABLE job ADD COLUMN requires TEXT;                                -- sorted, apart by byte 31; '' for a key alone
ALTER TABLE job ADD COLUMN key TEXT;
CREATE INDEX job_lane ON job (queue, requires, key, ord) WHERE state = 8;
CREATE INDEX job_key ON job (namespace, key, jid) WHERE key IS NOT NULL;

-- The waiting jobs of a queue with the same key and requirements. What keeps back a key takes away the heads of its
-- lanes, so that a pop looks at none of them.
CREATE TABLE lane (
  queue INTEGER NOT NULL,
  key TEXT NOT NULL,                   -- '' for none
  requires TEXT NOT NULL,
  head INTEGER,                        -- ord of its first job, unless its key is kept back
  PRIMARY KEY (queue, key, requires)
) WITHOUT ROWID;
CREATE INDEX lane_head ON lane (queue, requires, head) WHERE head IS NOT NULL;

-- A key of a queue that has running jobs, was popped, or is kept back.
CREATE TABLE queue_key (
  queue INTEGER NOT NULL,
  key TEXT NOT NULL,
  running INTEGER NOT NULL DEFAULT 0,
  popped INTEGER NOT NULL DEFAULT 0,   -- the number of its last row of the table popped
  popped_at INTEGER,                   -- when that was
  until INTEGER,                       -- while it is kept back: until then; 2^62: until one of its jobs ends
  limits TEXT NOT NULL DEFAULT '',     -- by which limits that was found out
  PRIMARY KEY (queue, key)
) WITHOUT ROWID;
CREATE INDEX queue_key_until ON queue_key (queue, limits, until);
CREATE INDEX queue_key_popped ON queue_key (queue, popped_at) WHERE popped_at IS NOT NULL;

-- When a queue, or a key of it, was popped lately: as many rows as its rate allows pops, numbered without gaps.
CREATE TABLE popped (
  queue INTEGER NOT NULL,
  key TEXT NOT NULL,                   -- '' for the queue itself
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (queue, key, number)
) WITHOUT ROWID;

-- What jobs of a queue require that are scheduled, depend, wait or run.
CREATE TABLE requirement_set (
  queue INTEGER NOT NULL,
  requires TEXT NOT NULL,              -- not ''
  jobs INTEGER NOT NULL,
  PRIMARY KEY (queue, requires)
) WITHOUT ROWID;

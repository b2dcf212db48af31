-- What the whole life of a job takes: dependencies, unique keys, second clocks, progress and results.

ALTER TABLE namespace ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;   -- how many rows of the table untold it has
ALTER TABLE namespace ADD COLUMN wishes INTEGER NOT NULL DEFAULT 0;   -- of how many workers something is asked

ALTER TABLE queue ADD COLUMN depends INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queue ADD COLUMN expiring INTEGER NOT NULL DEFAULT 0;     -- how many of its jobs have a start_by

-- state: 7 is depends; its ord is available_at.
ALTER TABLE job ADD COLUMN options TEXT;                        -- JSON of what is seldom said at the put, and stays
ALTER TABLE job ADD COLUMN later INTEGER;                       -- while it depends: its delay as -ms, or its due time
ALTER TABLE job ADD COLUMN start_by INTEGER;                    -- when it expires, as long as it was not popped
ALTER TABLE job ADD COLUMN tracked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0;  -- whether another may be waiting for it
ALTER TABLE job ADD COLUMN progress TEXT;
CREATE INDEX job_start ON job (queue, start_by, jid) WHERE start_by IS NOT NULL;
CREATE INDEX job_tracked ON job (namespace, jid) WHERE tracked = 1;

-- What a job in depends waits for still. By jids: who waits for a job waits for the one that replaces it.
CREATE TABLE dependency (
  namespace INTEGER NOT NULL,
  parent TEXT NOT NULL,
  child TEXT NOT NULL,
  PRIMARY KEY (namespace, parent, child)
) WITHOUT ROWID;
CREATE INDEX dependency_child ON dependency (namespace, child, parent);

-- Ended jobs some of whose dependents are still to be told.
CREATE TABLE untold (
  id INTEGER PRIMARY KEY,              -- in the order in which they ended
  namespace INTEGER NOT NULL,
  parent TEXT NOT NULL,
  after TEXT NOT NULL,                 -- the last child that was told
  UNIQUE (namespace, parent)
);
CREATE INDEX untold_order ON untold (namespace, id);

CREATE TABLE unique_key (
  namespace INTEGER NOT NULL,
  key TEXT NOT NULL,
  jid TEXT NOT NULL,
  until INTEGER,                       -- of one held for a time
  PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
CREATE INDEX unique_key_until ON unique_key (namespace, until) WHERE until IS NOT NULL;

CREATE TABLE result (
  job INTEGER PRIMARY KEY,
  result TEXT NOT NULL
);

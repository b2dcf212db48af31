-- The first layout. Times are milliseconds since 1970. Texts that hold lists are separated by tabs or lines: names and
-- texts have no control characters.

CREATE TABLE namespace (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  turn INTEGER NOT NULL DEFAULT 0,     -- how many round_robin pops found something
  trimmed INTEGER NOT NULL DEFAULT 0   -- the last entry of the event log that was deleted
);

CREATE TABLE queue (
  id INTEGER PRIMARY KEY,
  namespace INTEGER NOT NULL,
  name TEXT NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  settings TEXT,                       -- JSON of those that differ from the defaults
  place INTEGER NOT NULL DEFAULT 0,    -- the last one given
  scheduled INTEGER NOT NULL DEFAULT 0,
  waiting INTEGER NOT NULL DEFAULT 0,
  running INTEGER NOT NULL DEFAULT 0,
  complete INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  canceled INTEGER NOT NULL DEFAULT 0,
  UNIQUE (namespace, name)
);

-- One entry of job_order moves with each transition; klass and data lie apart, so that it does not rewrite them.
-- state: 1 scheduled, 2 waiting, 3 running, 4 complete, 5 failed, 6 canceled.
-- ord: due time; -priority * 2^44 + place; expiry (2^62 without one); -ended_at.
CREATE TABLE job (
  id INTEGER PRIMARY KEY,
  namespace INTEGER NOT NULL,
  jid TEXT NOT NULL,
  queue INTEGER NOT NULL,
  state INTEGER NOT NULL,
  ord INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  place INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  available_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  retries INTEGER,
  remaining INTEGER NOT NULL,
  losses INTEGER NOT NULL,
  runs INTEGER NOT NULL,
  worker TEXT,                         -- while it runs
  token TEXT,                          -- of the lease; kept when a running job is canceled
  expires_at INTEGER,
  settled_token TEXT,                  -- the last settle: its token, what it was, where it led
  settled_as TEXT,
  settled_state INTEGER,
  failure_group TEXT,                  -- the rest of the failure stands in its own table
  tags TEXT,
  pipeline TEXT,
  history TEXT NOT NULL
);
CREATE UNIQUE INDEX job_jid ON job (namespace, jid);
CREATE INDEX job_order ON job (queue, state, ord, jid);
CREATE INDEX job_worker ON job (namespace, worker) WHERE state = 3;
CREATE INDEX job_group ON job (namespace, failure_group) WHERE state = 5;

CREATE TABLE body (
  job INTEGER PRIMARY KEY,
  klass TEXT NOT NULL,
  data TEXT NOT NULL
);

CREATE TABLE failure (
  job INTEGER PRIMARY KEY,
  message TEXT NOT NULL,
  at INTEGER NOT NULL,
  worker TEXT,
  run INTEGER NOT NULL
);

CREATE TABLE tag (
  namespace INTEGER NOT NULL,
  tag TEXT NOT NULL,
  job INTEGER NOT NULL,
  PRIMARY KEY (namespace, tag, job)
) WITHOUT ROWID;

CREATE TABLE line (
  job INTEGER NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  message TEXT NOT NULL,
  data TEXT,
  PRIMARY KEY (job, number)
) WITHOUT ROWID;

CREATE TABLE event (
  namespace INTEGER NOT NULL,
  entry INTEGER NOT NULL,              -- counts up by one in each namespace
  at INTEGER NOT NULL,
  transitions TEXT NOT NULL,           -- one a line
  PRIMARY KEY (namespace, entry)
) WITHOUT ROWID;

CREATE TABLE worker (
  namespace INTEGER NOT NULL,
  name TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (namespace, name)
) WITHOUT ROWID;
CREATE INDEX worker_seen ON worker (namespace, seen_at);

CREATE TABLE request (
  namespace INTEGER NOT NULL,
  worker TEXT NOT NULL,
  request TEXT NOT NULL,
  until INTEGER NOT NULL,
  leases TEXT NOT NULL,                -- jid and token of each, one a line
  PRIMARY KEY (namespace, worker, request)
) WITHOUT ROWID;
CREATE INDEX request_until ON request (namespace, until);

CREATE TABLE leader (
  namespace INTEGER NOT NULL,
  role TEXT NOT NULL,
  holder TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (namespace, role)
) WITHOUT ROWID;

CREATE TABLE record (
  namespace INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (namespace, name)
) WITHOUT ROWID;

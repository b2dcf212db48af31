-- A file of layout 1 as qless-flask left it: a job in each state.

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
INSERT INTO "body" VALUES(1,'Crawl','{}');
INSERT INTO "body" VALUES(2,'Crawl','{}');
INSERT INTO "body" VALUES(3,'Crawl','{}');
INSERT INTO "body" VALUES(4,'Crawl','{"url":"/"}');
INSERT INTO "body" VALUES(5,'Crawl','{}');
INSERT INTO "body" VALUES(6,'Crawl','{}');
INSERT INTO "event" VALUES(1,1,1800000000000,'configured		fetch');
INSERT INTO "event" VALUES(1,2,1800000000000,'put	failed	fetch	2
put	complete	fetch	2
put	running	fetch	2
put	waiting	fetch	2
put	scheduled	fetch	1
put	canceled	fetch	2');
INSERT INTO "event" VALUES(1,3,1800000000000,'popped	failed	fetch	3		ann
popped	complete	fetch	3		ann
popped	running	fetch	3		ann');
INSERT INTO "event" VALUES(1,4,1800000000000,'failed	failed	fetch	5		ann	broken
completed	complete	fetch	4		ann');
INSERT INTO "event" VALUES(1,5,1800000000000,'canceled	canceled	fetch	6				bob	10.0.0.1');
INSERT INTO "event" VALUES(1,6,1800000000000,'paused		parse');
INSERT INTO "failure" VALUES(1,'no such page',1800000000000,'ann',1);
INSERT INTO "job" VALUES(1,1,'failed',1,5,-1800000000000,0,1,1800000000000,1800000000000,1800000000000,1800000000000,NULL,5,0,1,NULL,NULL,NULL,'uMN7VePSTekGlpoc.0','fail',5,'broken','big','parse','1800000000000 qfetch
1800000000000 pann
1800000000000 fbroken
');
INSERT INTO "job" VALUES(2,1,'complete',1,4,-1800000000000,0,2,1800000000000,1800000000000,1800000000000,1800000000000,NULL,5,0,1,NULL,NULL,NULL,'uMN7VePSTekGlpoc.1','complete',4,NULL,'big',NULL,'1800000000000 qfetch
1800000000000 pann
1800000000000 c
');
INSERT INTO "job" VALUES(3,1,'running',1,3,1800000030000,0,3,1800000000000,1800000000000,1800000000000,NULL,NULL,5,0,1,'ann','uMN7VePSTekGlpoc.2',1800000030000,NULL,NULL,NULL,NULL,'big	red',NULL,'1800000000000 qfetch
1800000000000 pann
');
INSERT INTO "job" VALUES(4,1,'waiting',1,2,52776558133252,-3,4,1800000000000,1800000000000,NULL,NULL,NULL,5,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'parse	index','1800000000000 qfetch
');
INSERT INTO "job" VALUES(5,1,'scheduled',1,1,1800000060000,0,0,1800000000000,1800000060000,NULL,NULL,NULL,5,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'big',NULL,'1800000000000 qfetch
');
INSERT INTO "job" VALUES(6,1,'canceled',1,6,-1800000000000,0,5,1800000000000,1800000000000,NULL,1800000000000,2,2,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'1800000000000 qfetch
1800000000000 x
');
INSERT INTO "line" VALUES(3,1,1800000000000,10,'half of it',NULL);
INSERT INTO "namespace" VALUES(1,'shop',0,0);
INSERT INTO "queue" VALUES(1,1,'fetch',0,'{"heartbeat":30.0}',5,1,1,1,1,1,1);
INSERT INTO "queue" VALUES(2,1,'parse',1,NULL,0,0,0,0,0,0,0);
INSERT INTO "tag" VALUES(1,'big',1);
INSERT INTO "tag" VALUES(1,'big',2);
INSERT INTO "tag" VALUES(1,'big',3);
INSERT INTO "tag" VALUES(1,'big',5);
INSERT INTO "tag" VALUES(1,'red',3);
INSERT INTO "worker" VALUES(1,'ann',1800000000000);
PRAGMA user_version = 1;

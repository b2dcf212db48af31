-- A file of layout 3 as qless-flask left it: a job in each state, and what the whole life of a job takes.

BEGIN TRANSACTION;
CREATE TABLE body (
  job INTEGER PRIMARY KEY,
  klass TEXT NOT NULL,
  data TEXT NOT NULL
);
INSERT INTO "body" VALUES(1,'Crawl','{"page": 1}');
INSERT INTO "body" VALUES(2,'Crawl','{"page": 1}');
INSERT INTO "body" VALUES(3,'Crawl','{"page": 1}');
INSERT INTO "body" VALUES(4,'Crawl','{"page": 1}');
INSERT INTO "body" VALUES(5,'Crawl','{"page": 1}');
INSERT INTO "body" VALUES(6,'Crawl','{"page": 1}');
INSERT INTO "body" VALUES(7,'Crawl','{"page": 1}');
INSERT INTO "body" VALUES(8,'Crawl','{"page": 1}');
CREATE TABLE dependency (
  namespace INTEGER NOT NULL,
  parent TEXT NOT NULL,
  child TEXT NOT NULL,
  PRIMARY KEY (namespace, parent, child)
) WITHOUT ROWID;
INSERT INTO "dependency" VALUES(1,'running','depends');
INSERT INTO "dependency" VALUES(1,'waiting','depends');
CREATE TABLE event (
  namespace INTEGER NOT NULL,
  entry INTEGER NOT NULL,              -- counts up by one in each namespace
  at INTEGER NOT NULL,
  transitions TEXT NOT NULL,           -- one a line
  PRIMARY KEY (namespace, entry)
) WITHOUT ROWID;
INSERT INTO "event" VALUES(1,1,1800000000250,'configured		fetch');
INSERT INTO "event" VALUES(1,2,1800000000250,'put	complete	fetch	2');
INSERT INTO "event" VALUES(1,3,1800000000250,'put	failed	fetch	2						big');
INSERT INTO "event" VALUES(1,4,1800000000250,'put	canceled	fetch	2');
INSERT INTO "event" VALUES(1,5,1800000000250,'put	running	fetch	2						big');
INSERT INTO "event" VALUES(1,6,1800000000250,'popped	complete	fetch	3		ann
popped	failed	fetch	3		ann				big
popped	canceled	fetch	3		ann
popped	running	fetch	3		ann				big');
INSERT INTO "event" VALUES(1,7,1800000000250,'completed	complete	fetch	4		ann
failed	failed	fetch	5		ann	broken			big');
INSERT INTO "event" VALUES(1,8,1800000000250,'canceled	canceled	fetch	6		ann');
INSERT INTO "event" VALUES(1,9,1800000000500,'put	waiting	fetch	2');
INSERT INTO "event" VALUES(1,10,1800000000500,'put	scheduled	fetch	1');
INSERT INTO "event" VALUES(1,11,1800000000500,'put	depends	fetch	7');
INSERT INTO "event" VALUES(1,12,1800000000500,'put	hurry	parse	2');
INSERT INTO "event" VALUES(1,13,1800000000500,'recurrence_changed		fetch									nightly');
INSERT INTO "event" VALUES(1,14,1800000000500,'paused		parse');
INSERT INTO "event" VALUES(1,15,1800000000500,'quieted					ann');
INSERT INTO "event" VALUES(1,16,1800000000500,'tracked									big');
CREATE TABLE failure (
  job INTEGER PRIMARY KEY,
  message TEXT NOT NULL,
  at INTEGER NOT NULL,
  worker TEXT,
  run INTEGER NOT NULL
);
INSERT INTO "failure" VALUES(2,'no',1800000000250,'ann',1);
CREATE TABLE figure (
  namespace INTEGER NOT NULL,
  tag TEXT NOT NULL,
  tracked INTEGER NOT NULL DEFAULT 0,
  scheduled INTEGER NOT NULL DEFAULT 0,
  waiting INTEGER NOT NULL DEFAULT 0,
  running INTEGER NOT NULL DEFAULT 0,
  complete INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  canceled INTEGER NOT NULL DEFAULT 0,
  depends INTEGER NOT NULL DEFAULT 0,
  waits INTEGER NOT NULL DEFAULT 0,
  wait_ms INTEGER NOT NULL DEFAULT 0,
  runs INTEGER NOT NULL DEFAULT 0,
  run_ms INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (namespace, tag)
) WITHOUT ROWID;
INSERT INTO "figure" VALUES(1,'big',1,0,0,1,0,1,0,0,2,0,1,0);
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
, options TEXT, later INTEGER, start_by INTEGER, tracked INTEGER NOT NULL DEFAULT 0, awaited INTEGER NOT NULL DEFAULT 0, progress TEXT);
INSERT INTO "job" VALUES(1,1,'complete',1,4,-1800000000250,0,1,1800000000250,1800000000250,1800000000250,1800000000250,NULL,5,0,1,NULL,NULL,NULL,'Ohsv5H9rtYhYZJ6O.0','complete',4,NULL,NULL,NULL,'1800000000250 qfetch
1800000000250 pann
1800000000250 c
',NULL,NULL,NULL,0,0,NULL);
INSERT INTO "job" VALUES(2,1,'failed',1,5,-1800000000250,0,2,1800000000250,1800000000250,1800000000250,1800000000250,NULL,5,0,1,NULL,NULL,NULL,'Ohsv5H9rtYhYZJ6O.1','fail',5,'broken','big',NULL,'1800000000250 qfetch
1800000000250 pann
1800000000250 fbroken
',NULL,NULL,NULL,0,0,NULL);
INSERT INTO "job" VALUES(3,1,'canceled',1,6,-1800000000250,0,3,1800000000250,1800000000250,1800000000250,1800000000250,NULL,5,0,1,NULL,'Ohsv5H9rtYhYZJ6O.2',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'1800000000250 qfetch
1800000000250 pann
1800000000250 x
',NULL,NULL,NULL,0,0,NULL);
INSERT INTO "job" VALUES(4,1,'running',1,3,1800000030250,0,4,1800000000250,1800000000250,1800000000250,NULL,NULL,5,0,1,'ann','Ohsv5H9rtYhYZJ6O.3',1800000030250,NULL,NULL,NULL,NULL,'big',NULL,'1800000000250 qfetch
1800000000250 pann
',NULL,NULL,NULL,0,1,NULL);
INSERT INTO "job" VALUES(5,1,'waiting',1,2,-52776558133243,3,5,1800000000500,1800000000500,NULL,NULL,NULL,5,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'parse	index','1800000000500 qfetch
','{"unique":{"key":"one","seconds":null}}',NULL,NULL,0,1,NULL);
INSERT INTO "job" VALUES(6,1,'scheduled',1,1,1800000060500,0,0,1800000000500,1800000060500,NULL,NULL,NULL,5,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'1800000000500 qfetch
',NULL,NULL,NULL,0,0,NULL);
INSERT INTO "job" VALUES(7,1,'depends',1,7,1800000000500,0,0,1800000000500,1800000000500,NULL,NULL,NULL,5,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'1800000000500 qfetch
',NULL,0,NULL,0,0,NULL);
INSERT INTO "job" VALUES(8,1,'hurry',2,2,1,0,1,1800000000500,1800000000500,NULL,NULL,NULL,5,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'1800000000500 qparse
','{"max_run":9.0,"expires_in":30.0}',NULL,1800000030500,0,0,NULL);
CREATE TABLE leader (
  namespace INTEGER NOT NULL,
  role TEXT NOT NULL,
  holder TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (namespace, role)
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
INSERT INTO "line" VALUES(4,1,1800000000250,10,'half of it',NULL);
CREATE TABLE namespace (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  turn INTEGER NOT NULL DEFAULT 0,     -- how many round_robin pops found something
  trimmed INTEGER NOT NULL DEFAULT 0   -- the last entry of the event log that was deleted
, untold INTEGER NOT NULL DEFAULT 0, wishes INTEGER NOT NULL DEFAULT 0);
INSERT INTO "namespace" VALUES(1,'shop',0,0,0,1);
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
  canceled INTEGER NOT NULL DEFAULT 0, depends INTEGER NOT NULL DEFAULT 0, expiring INTEGER NOT NULL DEFAULT 0,
  UNIQUE (namespace, name)
);
INSERT INTO "queue" VALUES(1,1,'fetch',0,'{"heartbeat":30.0,"backoff":{"strategy":"exponential","delay":15.0,"factor":2.0,"max":3600.0,"jitter":"full"}}',5,1,1,1,1,1,1,1,0);
INSERT INTO "queue" VALUES(2,1,'parse',1,NULL,1,0,1,0,0,0,0,0,1);
CREATE TABLE record (
  namespace INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (namespace, name)
) WITHOUT ROWID;
CREATE TABLE recurrence (
  namespace INTEGER NOT NULL,
  id TEXT NOT NULL,
  rule TEXT NOT NULL,                  -- JSON
  next_at INTEGER,
  paused INTEGER NOT NULL DEFAULT 0,
  fired INTEGER NOT NULL DEFAULT 0,
  last_at INTEGER,
  last_jid TEXT,
  PRIMARY KEY (namespace, id)
) WITHOUT ROWID;
INSERT INTO "recurrence" VALUES(1,'nightly','{"klass":"Crawl","data":"{}","queue":"fetch","id":"nightly","interval":3600.0,"cron":null,"timezone":"UTC","first_at":null,"overlap":"allow","catchup":"one","count":null,"priority":0,"tags":[],"retries":null,"pipeline":[],"backoff":null,"max_run":null,"expires_in":null}',1800003600500,0,0,NULL,NULL);
CREATE TABLE request (
  namespace INTEGER NOT NULL,
  worker TEXT NOT NULL,
  request TEXT NOT NULL,
  until INTEGER NOT NULL,
  leases TEXT NOT NULL,                -- jid and token of each, one a line
  PRIMARY KEY (namespace, worker, request)
) WITHOUT ROWID;
CREATE TABLE result (
  job INTEGER PRIMARY KEY,
  result TEXT NOT NULL
);
INSERT INTO "result" VALUES(1,'1');
CREATE TABLE tag (
  namespace INTEGER NOT NULL,
  tag TEXT NOT NULL,
  job INTEGER NOT NULL,
  PRIMARY KEY (namespace, tag, job)
) WITHOUT ROWID;
INSERT INTO "tag" VALUES(1,'big',2);
INSERT INTO "tag" VALUES(1,'big',4);
CREATE TABLE touched (
  namespace INTEGER NOT NULL,
  failure_group TEXT NOT NULL,
  kind TEXT NOT NULL,                  -- queue, klass
  name TEXT NOT NULL,
  jobs INTEGER NOT NULL,
  PRIMARY KEY (namespace, failure_group, kind, name)
) WITHOUT ROWID;
INSERT INTO "touched" VALUES(1,'broken','klass','Crawl',1);
INSERT INTO "touched" VALUES(1,'broken','queue','fetch',1);
CREATE TABLE unique_key (
  namespace INTEGER NOT NULL,
  key TEXT NOT NULL,
  jid TEXT NOT NULL,
  until INTEGER,                       -- of one held for a time
  PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
INSERT INTO "unique_key" VALUES(1,'one','waiting',NULL);
CREATE TABLE untold (
  id INTEGER PRIMARY KEY,              -- in the order in which they ended
  namespace INTEGER NOT NULL,
  parent TEXT NOT NULL,
  after TEXT NOT NULL,                 -- the last child that was told
  UNIQUE (namespace, parent)
);
CREATE TABLE worker (
  namespace INTEGER NOT NULL,
  name TEXT NOT NULL,
  seen_at INTEGER NOT NULL, quiet INTEGER NOT NULL DEFAULT 0, stop INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (namespace, name)
) WITHOUT ROWID;
INSERT INTO "worker" VALUES(1,'ann',1800000000250,1,0);
CREATE UNIQUE INDEX job_jid ON job (namespace, jid);
CREATE INDEX job_order ON job (queue, state, ord, jid);
CREATE INDEX job_worker ON job (namespace, worker) WHERE state = 3;
CREATE INDEX worker_seen ON worker (namespace, seen_at);
CREATE INDEX request_until ON request (namespace, until);
CREATE INDEX job_start ON job (queue, start_by, jid) WHERE start_by IS NOT NULL;
CREATE INDEX job_tracked ON job (namespace, jid) WHERE tracked = 1;
CREATE INDEX dependency_child ON dependency (namespace, child, parent);
CREATE INDEX untold_order ON untold (namespace, id);
CREATE INDEX unique_key_until ON unique_key (namespace, until) WHERE until IS NOT NULL;
CREATE INDEX figure_tracked ON figure (namespace, tag) WHERE tracked = 1;
CREATE INDEX job_failed ON job (namespace, failure_group, ord, jid) WHERE state = 5;
CREATE INDEX recurrence_due ON recurrence (namespace, next_at, id) WHERE paused = 0 AND next_at IS NOT NULL;
COMMIT;
PRAGMA user_version = 3;

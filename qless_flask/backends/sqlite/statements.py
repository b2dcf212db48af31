"""Every statement on the tables of the SQLite store, by name."""

# Transactions

BEGIN = "BEGIN"
BEGIN_IMMEDIATE = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"
SAVEPOINT = "SAVEPOINT operation"
RELEASE = "RELEASE operation"
ROLLBACK_TO = "ROLLBACK TO operation"
SAVEPOINT_ITEM = "SAVEPOINT item"
RELEASE_ITEM = "RELEASE item"
ROLLBACK_TO_ITEM = "ROLLBACK TO item"
HAS_TABLES = "SELECT 1 FROM sqlite_schema LIMIT 1"

# Namespaces

NAMESPACE = "SELECT id, untold, wishes, frozen, settings FROM namespace WHERE name = ?"
NEW_NAMESPACE = "INSERT INTO namespace (name) VALUES (?) RETURNING id"
NAMESPACES = "SELECT name FROM namespace ORDER BY name"
TURN = "SELECT turn FROM namespace WHERE id = ?"
NEXT_TURN = "UPDATE namespace SET turn = turn + 1 WHERE id = ?"

# Queues

QUEUE = """
SELECT id, name, paused, settings, place,
  scheduled, waiting, running, complete, failed, canceled, depends, laned, expiring
FROM queue WHERE namespace = ? AND name = ?
"""
QUEUE_BY_ID = """
SELECT id, name, paused, settings, place,
  scheduled, waiting, running, complete, failed, canceled, depends, laned, expiring
FROM queue WHERE id = ?
"""
QUEUES = """
SELECT id, name, paused, settings, place,
  scheduled, waiting, running, complete, failed, canceled, depends, laned, expiring
FROM queue WHERE namespace = ? ORDER BY name
"""
QUEUES_FROM = "SELECT id, name FROM queue WHERE namespace = ? AND name >= ? ORDER BY name"
NEW_QUEUE = "INSERT INTO queue (namespace, name) VALUES (?, ?) RETURNING id"
SAVE_QUEUE = """
UPDATE queue
SET place = ?,
  scheduled = ?, waiting = ?, running = ?, complete = ?, failed = ?, canceled = ?, depends = ?, laned = ?,
  expiring = ?
WHERE id = ?
"""
PACE = "SELECT popped, rate_since, key_rate_since FROM queue WHERE id = ?"
SAVE_POPPED = "UPDATE queue SET popped = ? WHERE id = ?"
SET_SETTINGS = "UPDATE queue SET settings = ? WHERE id = ?"
SET_PAUSED = "UPDATE queue SET paused = ? WHERE id = ?"
DELETE_QUEUE = "DELETE FROM queue WHERE id = ?"
STALLED = "SELECT count(*) FROM job WHERE queue = ? AND state = 3 AND ord <= ?"
NEXT_PRIORITY = """
SELECT ord, priority, available_at FROM job WHERE queue = ? AND state = ? AND ord > ? ORDER BY ord LIMIT 1
"""

# Jobs, as transitions need them

JOB = """
SELECT job.*, (SELECT klass FROM body WHERE body.job = job.id) FROM job WHERE namespace = ? AND jid = ?
"""
KLASS_OF = "SELECT klass FROM body WHERE job = ?"
JOB_ID = "SELECT id FROM job WHERE namespace = ? AND jid = ?"
DUE = "SELECT * FROM job WHERE queue = ? AND state = ? AND ord <= ? ORDER BY ord, jid LIMIT ?"
DUE_TO_START = "SELECT * FROM job WHERE queue = ? AND start_by <= ? ORDER BY start_by, jid LIMIT ?"
FIRST_START_BY = "SELECT start_by FROM job WHERE queue = ? AND start_by IS NOT NULL ORDER BY start_by LIMIT 1"
FIRST_ORD = "SELECT ord FROM job WHERE queue = ? AND state = ? ORDER BY ord LIMIT 1"
NEXT_WAITING = """
SELECT job.*, body.klass, body.data
FROM job CROSS JOIN body ON body.job = job.id
WHERE job.queue = ? AND job.state = 2
ORDER BY job.ord
LIMIT ?
"""
BODY = "SELECT klass, data FROM body WHERE job = ?"
FAILURE = "SELECT message, at, worker, run FROM failure WHERE job = ?"
LAST_JOB_ID = "SELECT max(id) FROM job"
NEW_JOB = """
INSERT INTO job
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
NEW_BODY = "INSERT INTO body (job, klass, data) VALUES (?, ?, ?)"
SAVE_JOB = """
UPDATE job
SET queue = ?, state = ?, ord = ?, priority = ?, place = ?, available_at = ?, started_at = ?, ended_at = ?,
  retries = ?, remaining = ?, losses = ?, runs = ?, worker = ?, token = ?, expires_at = ?,
  settled_token = ?, settled_as = ?, settled_state = ?, failure_group = ?, tags = ?, pipeline = ?, history = ?,
  later = ?, start_by = ?, tracked = ?, awaited = ?, progress = ?
WHERE id = ?
"""
SAVE_DATA = "UPDATE body SET data = ? WHERE job = ?"
SAVE_FAILURE = "INSERT OR REPLACE INTO failure (job, message, at, worker, run) VALUES (?, ?, ?, ?, ?)"
DELETE_FAILURE = "DELETE FROM failure WHERE job = ?"
NEW_TAG = "INSERT OR IGNORE INTO tag (namespace, tag, job) VALUES (?, ?, ?)"
DELETE_TAG = "DELETE FROM tag WHERE namespace = ? AND tag = ? AND job = ?"
DELETE_JOB = "DELETE FROM job WHERE id = ?"
DELETE_BODY = "DELETE FROM body WHERE job = ?"
DELETE_LINES = "DELETE FROM line WHERE job = ?"

# Jobs, as look-ups read them

GET = """
SELECT job.*, queue.name, body.klass, body.data, failure.message, failure.at, failure.worker, failure.run
FROM job CROSS JOIN queue ON queue.id = job.queue CROSS JOIN body ON body.job = job.id
LEFT JOIN failure ON failure.job = job.id
WHERE job.namespace = ? AND job.jid = ?
"""
LISTED = """
SELECT job.*, queue.name, body.klass, NULL, failure.message, failure.at, failure.worker, failure.run
FROM job CROSS JOIN queue ON queue.id = job.queue CROSS JOIN body ON body.job = job.id
LEFT JOIN failure ON failure.job = job.id
WHERE job.namespace = ? AND job.jid = ?
"""
BY_JID = """
SELECT job.*, queue.name, body.klass, NULL, failure.message, failure.at, failure.worker, failure.run
FROM job CROSS JOIN queue ON queue.id = job.queue CROSS JOIN body ON body.job = job.id
LEFT JOIN failure ON failure.job = job.id
WHERE job.namespace = ? AND job.jid > ?
ORDER BY job.jid
"""
BY_ORDER = """
SELECT job.*, queue.name, body.klass, NULL, failure.message, failure.at, failure.worker, failure.run
FROM job CROSS JOIN queue ON queue.id = job.queue CROSS JOIN body ON body.job = job.id
LEFT JOIN failure ON failure.job = job.id
WHERE job.queue = ? AND job.state = ? AND (job.ord, job.jid) > (?, ?)
ORDER BY job.ord, job.jid
"""
BY_TAG = """
SELECT job.*, queue.name, body.klass, NULL, failure.message, failure.at, failure.worker, failure.run
FROM tag CROSS JOIN job ON job.id = tag.job
CROSS JOIN queue ON queue.id = job.queue CROSS JOIN body ON body.job = job.id
LEFT JOIN failure ON failure.job = job.id
WHERE tag.namespace = ? AND tag.tag = ? AND tag.job > ?
ORDER BY tag.job
"""
BY_WORKER = """
SELECT job.*, queue.name, body.klass, NULL, failure.message, failure.at, failure.worker, failure.run
FROM job CROSS JOIN queue ON queue.id = job.queue CROSS JOIN body ON body.job = job.id
LEFT JOIN failure ON failure.job = job.id
WHERE job.namespace = ? AND job.worker = ? AND job.state = 3 AND job.id > ?
ORDER BY job.id
"""
BY_GROUP = """
SELECT job.*, queue.name, body.klass, NULL, failure.message, failure.at, failure.worker, failure.run
FROM job CROSS JOIN queue ON queue.id = job.queue CROSS JOIN body ON body.job = job.id
LEFT JOIN failure ON failure.job = job.id
WHERE job.namespace = ? AND job.failure_group = ? AND job.state = 5 AND (job.ord, job.jid) > (?, ?)
ORDER BY job.ord, job.jid
"""
BY_TRACKED = """
SELECT job.*, queue.name, body.klass, NULL, failure.message, failure.at, failure.worker, failure.run
FROM job CROSS JOIN queue ON queue.id = job.queue CROSS JOIN body ON body.job = job.id
LEFT JOIN failure ON failure.job = job.id
WHERE job.namespace = ? AND job.tracked = 1 AND job.jid > ?
ORDER BY job.jid
"""

# Dependencies

DEPENDS_ON = "SELECT parent FROM dependency WHERE namespace = ? AND child = ? ORDER BY parent"
DEPENDENTS = "SELECT child FROM dependency WHERE namespace = ? AND parent = ? AND child > ? ORDER BY child LIMIT ?"
NEW_DEPENDENCY = "INSERT OR IGNORE INTO dependency (namespace, parent, child) VALUES (?, ?, ?)"
DELETE_DEPENDENCY = "DELETE FROM dependency WHERE namespace = ? AND parent = ? AND child = ?"
DROP_DEPENDENCIES = "DELETE FROM dependency WHERE namespace = ? AND child = ?"
UNTOLD = "SELECT parent, after FROM untold WHERE namespace = ? ORDER BY id LIMIT 1"
NEW_UNTOLD = "INSERT INTO untold (namespace, parent, after) VALUES (?, ?, ?)"
SAVE_UNTOLD = "UPDATE untold SET after = ? WHERE namespace = ? AND parent = ?"
DELETE_UNTOLD = "DELETE FROM untold WHERE namespace = ? AND parent = ?"
SET_UNTOLD = "UPDATE namespace SET untold = ? WHERE id = ?"

# Unique keys

UNIQUE = "SELECT jid, until FROM unique_key WHERE namespace = ? AND key = ?"
SAVE_UNIQUE = "INSERT OR REPLACE INTO unique_key (namespace, key, jid, until) VALUES (?, ?, ?, ?)"
DELETE_UNIQUE = "DELETE FROM unique_key WHERE namespace = ? AND key = ? AND jid = ?"
OVER_UNIQUE = "SELECT key, jid FROM unique_key WHERE namespace = ? AND until <= ? ORDER BY until LIMIT ?"

# Results

RESULT = "SELECT result FROM result WHERE job = ?"
SAVE_RESULT = "INSERT OR REPLACE INTO result (job, result) VALUES (?, ?)"
DELETE_RESULT = "DELETE FROM result WHERE job = ?"

# The log of a job

LINES = "SELECT at, message, data FROM line WHERE job = ? ORDER BY number"
LINE_SIZES = "SELECT number, bytes FROM line WHERE job = ? ORDER BY number DESC"
NEW_LINE = "INSERT INTO line (job, number, at, bytes, message, data) VALUES (?, ?, ?, ?, ?, ?)"
TRIM_LINES = "DELETE FROM line WHERE job = ? AND number < ?"

# Events

NEW_ENTRY = """
INSERT INTO event (namespace, entry, at, transitions)
SELECT id, 1 + max(trimmed, ifnull((SELECT max(entry) FROM event WHERE event.namespace = namespace.id), 0)), ?, ?
FROM namespace WHERE id = ?
"""
ENTRIES = "SELECT entry, at, transitions FROM event WHERE namespace = ? AND entry >= ? ORDER BY entry"
ENTRY_TIMES = "SELECT entry, at FROM event WHERE namespace = ? ORDER BY entry LIMIT ?"
FIRST_ENTRY = """
SELECT ifnull((SELECT min(entry) FROM event WHERE event.namespace = namespace.id), trimmed + 1)
FROM namespace WHERE id = ?
"""
LAST_ENTRY = """
SELECT max(trimmed, ifnull((SELECT max(entry) FROM event WHERE event.namespace = namespace.id), 0))
FROM namespace WHERE id = ?
"""
TRIM_ENTRIES = "DELETE FROM event WHERE namespace = ? AND entry <= ?"
SET_TRIMMED = "UPDATE namespace SET trimmed = ? WHERE id = ?"

# Workers

SEEN = """
INSERT INTO worker (namespace, name, seen_at, capabilities) VALUES (?, ?, ?, ?)
ON CONFLICT (namespace, name) DO UPDATE
SET seen_at = excluded.seen_at, capabilities = ifnull(excluded.capabilities, capabilities)
"""
WORKERS = """
SELECT name, seen_at, quiet, stop, capabilities, (
  SELECT count(*) FROM job WHERE job.namespace = worker.namespace AND job.worker = worker.name AND job.state = 3
)
FROM worker WHERE namespace = ? ORDER BY name
"""
WORKER = """
SELECT name, seen_at, quiet, stop, capabilities, (
  SELECT count(*) FROM job WHERE job.namespace = worker.namespace AND job.worker = worker.name AND job.state = 3
)
FROM worker WHERE namespace = ? AND name = ?
"""
UNSEEN_WORKERS = "SELECT name FROM worker WHERE namespace = ? AND seen_at <= ? ORDER BY seen_at LIMIT ?"
HOLDS_LEASE = "SELECT 1 FROM job WHERE namespace = ? AND worker = ? AND state = 3 LIMIT 1"
DELETE_WORKER = "DELETE FROM worker WHERE namespace = ? AND name = ?"

# Remembered pops

REQUEST = "SELECT until, leases FROM request WHERE namespace = ? AND worker = ? AND request = ?"
SAVE_REQUEST = """
INSERT OR REPLACE INTO request (namespace, worker, request, until, leases) VALUES (?, ?, ?, ?, ?)
"""
OVER_REQUESTS = "SELECT worker, request FROM request WHERE namespace = ? AND until <= ? ORDER BY until LIMIT ?"
DELETE_REQUEST = "DELETE FROM request WHERE namespace = ? AND worker = ? AND request = ?"

# Upkeep, leaders and records

LONGEST_ENDED = "SELECT * FROM job WHERE queue = ? AND state = ? ORDER BY ord DESC, jid DESC"
LEADER = "SELECT holder, until FROM leader WHERE namespace = ? AND role = ?"
SAVE_LEADER = "INSERT OR REPLACE INTO leader (namespace, role, holder, until) VALUES (?, ?, ?, ?)"
DELETE_LEADER = "DELETE FROM leader WHERE namespace = ? AND role = ?"
RECORD = "SELECT value FROM record WHERE namespace = ? AND name = ?"
SAVE_RECORD = "INSERT OR REPLACE INTO record (namespace, name, value) VALUES (?, ?, ?)"
DELETE_RECORD = "DELETE FROM record WHERE namespace = ? AND name = ?"

# What `inspect` reads: whole tables, each through the index that it is to show

ALL_JOBS = """
SELECT job.*, queue.name, body.klass, body.data, failure.message, failure.at, failure.worker, failure.run
FROM job NOT INDEXED JOIN queue ON queue.id = job.queue LEFT JOIN body ON body.job = job.id
LEFT JOIN failure ON failure.job = job.id
WHERE job.namespace = ?
"""
IN_ORDER = "SELECT state, ord, jid FROM job INDEXED BY job_order WHERE queue = ? ORDER BY state, ord, jid"
ALL_TAGS = "SELECT tag.tag, job.jid FROM tag LEFT JOIN job ON job.id = tag.job WHERE tag.namespace = ?"
GROUPS = "SELECT failure_group, jid FROM job INDEXED BY job_failed WHERE namespace = ? AND state = 5"
STRAYS = """
SELECT 'body' FROM body WHERE job NOT IN (SELECT id FROM job)
UNION ALL SELECT 'failure' FROM failure
  WHERE job NOT IN (SELECT id FROM job WHERE failure_group IS NOT NULL)
UNION ALL SELECT 'tag' FROM tag WHERE job NOT IN (SELECT id FROM job)
UNION ALL SELECT 'line' FROM line WHERE job NOT IN (SELECT id FROM job)
UNION ALL SELECT 'job' FROM job WHERE queue NOT IN (SELECT id FROM queue)
"""

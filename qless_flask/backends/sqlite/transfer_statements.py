"""The statements that dumps and loads need, by name."""

# Reading all that a namespace holds, by the keys of the tables

NAMESPACE_TURN = "SELECT turn FROM namespace WHERE id = ?"
QUEUES_AFTER = """
SELECT id, name, paused, settings, place, rate_since, key_rate_since, warned_at
FROM queue WHERE namespace = ? AND name > ? ORDER BY name LIMIT ?
"""
QUEUES_FROM_NAME = "SELECT id, name FROM queue WHERE namespace = ? AND name >= ? ORDER BY name"
KEYS_AFTER = """
SELECT key FROM queue_key WHERE queue = ? AND key > ? AND popped_at IS NOT NULL ORDER BY key LIMIT ?
"""
POPPED = "SELECT at FROM popped WHERE queue = ? AND key = ? ORDER BY number"
WORKERS_AFTER = """
SELECT name, seen_at, quiet, stop, capabilities FROM worker WHERE namespace = ? AND name > ? ORDER BY name LIMIT ?
"""
TAGS_AFTER = """
SELECT tag, tracked, waits, wait_ms, runs, run_ms FROM figure WHERE namespace = ? AND tag > ? ORDER BY tag LIMIT ?
"""
RECURRENCES_AFTER = """
SELECT id, rule, next_at, paused, fired, last_at, last_jid
FROM recurrence WHERE namespace = ? AND id > ? ORDER BY id LIMIT ?
"""
STATISTICS_AFTER = """
SELECT period, subject, name, text
FROM statistic WHERE namespace = ? AND (period, subject, name) > (?, ?, ?) ORDER BY period, subject, name LIMIT ?
"""
RECORDS_AFTER = "SELECT name, value FROM record WHERE namespace = ? AND name > ? ORDER BY name LIMIT ?"
JOBS_AFTER = """
SELECT job.*, queue.name, body.klass, body.data, result.result,
  failure.message, failure.at, failure.worker, failure.run
FROM job CROSS JOIN queue ON queue.id = job.queue CROSS JOIN body ON body.job = job.id
LEFT JOIN failure ON failure.job = job.id LEFT JOIN result ON result.job = job.id
WHERE job.namespace = ? AND job.jid > ? ORDER BY job.jid LIMIT ?
"""
UNTOLD_AFTER = "SELECT id, parent, after FROM untold WHERE namespace = ? AND id > ? ORDER BY id LIMIT ?"
LEAST_ID = -(1 << 63)

# Writing it

SET_TURN = "UPDATE namespace SET turn = ? WHERE id = ?"
LAST_PLACE = "SELECT max(place) FROM job WHERE queue = ? AND state IN (2, 3, 8)"
LOAD_QUEUE = """
UPDATE queue SET paused = ?, settings = ?, rate_since = ?, key_rate_since = ?, warned_at = ? WHERE id = ?
"""
LOAD_WORKER = """
INSERT OR REPLACE INTO worker (namespace, name, seen_at, quiet, stop, capabilities) VALUES (?, ?, ?, ?, ?, ?)
"""
LOAD_TAG = """
INSERT INTO figure (namespace, tag, tracked, waits, wait_ms, runs, run_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (namespace, tag) DO UPDATE
SET tracked = excluded.tracked, waits = excluded.waits, wait_ms = excluded.wait_ms, runs = excluded.runs,
  run_ms = excluded.run_ms
"""
LOAD_UNTOLD = "INSERT OR IGNORE INTO untold (id, namespace, parent, after) VALUES (?, ?, ?, ?)"
IS_AWAITED = "SELECT 1 FROM dependency WHERE namespace = ? AND parent = ? LIMIT 1"

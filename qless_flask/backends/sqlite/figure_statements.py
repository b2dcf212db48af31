"""Every statement on the tables of figures, wishes and recurrences, by name."""

# Tags in figures

COUNT = """
INSERT INTO figure (namespace, tag, scheduled, waiting, running, complete, failed, canceled, depends)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (namespace, tag) DO UPDATE
SET scheduled = scheduled + excluded.scheduled, waiting = waiting + excluded.waiting,
  running = running + excluded.running, complete = complete + excluded.complete, failed = failed + excluded.failed,
  canceled = canceled + excluded.canceled, depends = depends + excluded.depends
"""
WAITED = "UPDATE figure SET waits = waits + 1, wait_ms = wait_ms + ? WHERE namespace = ? AND tag = ?"
RAN = "UPDATE figure SET runs = runs + 1, run_ms = run_ms + ? WHERE namespace = ? AND tag = ?"
SET_TRACKED = """
INSERT INTO figure (namespace, tag, tracked) VALUES (?, ?, ?)
ON CONFLICT (namespace, tag) DO UPDATE SET tracked = excluded.tracked
"""
FORGET_FIGURE = """
DELETE FROM figure
WHERE namespace = ? AND tag = ? AND NOT tracked
  AND scheduled + waiting + running + complete + failed + canceled + depends = 0
"""
BEGIN_FIGURE_ANEW = """
UPDATE figure
SET waits = 0, wait_ms = 0, runs = 0, run_ms = 0
WHERE namespace = ? AND tag = ? AND scheduled + waiting + running + complete + failed + canceled + depends = 0
"""
FIGURE = """
SELECT tag, tracked, scheduled, waiting, running, complete, failed, canceled, depends, waits, wait_ms, runs, run_ms
FROM figure WHERE namespace = ? AND tag = ?
"""
FIGURES = """
SELECT tag, tracked, scheduled, waiting, running, complete, failed, canceled, depends, waits, wait_ms, runs, run_ms
FROM figure WHERE namespace = ? AND tag > ? ORDER BY tag LIMIT ?
"""
TRACKED_FIGURES = """
SELECT tag, tracked, scheduled, waiting, running, complete, failed, canceled, depends, waits, wait_ms, runs, run_ms
FROM figure INDEXED BY figure_tracked WHERE namespace = ? AND tracked = 1 ORDER BY tag LIMIT ?
"""
TRACKED_TAGS = "SELECT tag FROM figure INDEXED BY figure_tracked WHERE namespace = ? AND tracked = 1"

# Failure groups

KLASS = "SELECT klass FROM body WHERE job = ?"
TOUCH = """
INSERT INTO touched (namespace, failure_group, kind, name, jobs) VALUES (?, ?, ?, ?, 1)
ON CONFLICT (namespace, failure_group, kind, name) DO UPDATE SET jobs = jobs + 1
"""
LET_GO = "UPDATE touched SET jobs = jobs - 1 WHERE namespace = ? AND failure_group = ? AND kind = ? AND name = ?"
FORGET_TOUCHED = """
DELETE FROM touched WHERE namespace = ? AND failure_group = ? AND kind = ? AND name = ? AND jobs = 0
"""
NEXT_FAILURE_GROUP = """
SELECT failure_group FROM touched WHERE namespace = ? AND failure_group > ? ORDER BY failure_group LIMIT 1
"""
TOUCHED = "SELECT kind, name, jobs FROM touched WHERE namespace = ? AND failure_group = ? ORDER BY kind, name"
FIRST_FAILED = """
SELECT -ord FROM job WHERE namespace = ? AND failure_group = ? AND state = 5 ORDER BY ord DESC LIMIT 1
"""
LAST_FAILED = "SELECT -ord FROM job WHERE namespace = ? AND failure_group = ? AND state = 5 ORDER BY ord LIMIT 1"

# What workers are asked

WISHES = "SELECT quiet, stop FROM worker WHERE namespace = ? AND name = ?"
SET_WISHES = "UPDATE worker SET quiet = ?, stop = ? WHERE namespace = ? AND name = ?"
COUNT_WISHES = "UPDATE namespace SET wishes = ? WHERE id = ?"

# Recurrences

RECURRENCE = """
SELECT rule, next_at, paused, fired, last_at, last_jid FROM recurrence WHERE namespace = ? AND id = ?
"""
RECURRENCES = """
SELECT rule, next_at, paused, fired, last_at, last_jid
FROM recurrence WHERE namespace = ? AND id > ? ORDER BY id LIMIT ?
"""
DUE_RECURRENCES = """
SELECT rule, next_at, paused, fired, last_at, last_jid
FROM recurrence WHERE namespace = ? AND paused = 0 AND next_at IS NOT NULL AND next_at <= ?
ORDER BY next_at, id LIMIT ?
"""
SAVE_RECURRENCE = """
INSERT OR REPLACE INTO recurrence (namespace, id, rule, next_at, paused, fired, last_at, last_jid)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
DELETE_RECURRENCE = "DELETE FROM recurrence WHERE namespace = ? AND id = ?"

# What `inspect` reads: whole tables, each through the index that it is to show

ALL_DEPENDS = "SELECT child, parent FROM dependency INDEXED BY dependency_child WHERE namespace = ?"
ALL_DEPENDENTS = "SELECT parent, child FROM dependency NOT INDEXED WHERE namespace = ?"
ALL_UNTOLD = "SELECT parent FROM untold WHERE namespace = ?"
ALL_UNIQUE = "SELECT key, jid FROM unique_key WHERE namespace = ?"
ALL_START_BY = """
SELECT job.jid, job.start_by
FROM queue CROSS JOIN job INDEXED BY job_start ON job.queue = queue.id AND job.start_by IS NOT NULL
WHERE queue.namespace = ?
"""
ALL_TRACKED = "SELECT jid FROM job INDEXED BY job_tracked WHERE namespace = ? AND tracked = 1"
ALL_FIGURES = """
SELECT tag, scheduled, waiting, running, complete, failed, canceled, depends FROM figure WHERE namespace = ?
"""
ALL_GROUPS_TOUCHED = "SELECT failure_group, kind, name, jobs FROM touched WHERE namespace = ?"
ALL_RECURRENCES = """
SELECT rule, next_at, paused, fired, last_at, last_jid FROM recurrence NOT INDEXED WHERE namespace = ?
"""
ALL_DUE = """
SELECT id, next_at FROM recurrence INDEXED BY recurrence_due
WHERE namespace = ? AND paused = 0 AND next_at IS NOT NULL
"""
FIGURE_STRAYS = """
SELECT 'figure' FROM figure
  WHERE scheduled + waiting + running + complete + failed + canceled + depends = 0
    AND NOT (tracked AND waits = 0 AND runs = 0)
UNION ALL SELECT 'touched' FROM touched WHERE jobs <= 0
UNION ALL SELECT 'plan' FROM plan WHERE namespace NOT IN (SELECT id FROM namespace)
UNION ALL SELECT 'result' FROM result WHERE job NOT IN (SELECT id FROM job)
UNION ALL SELECT 'queue, which counts wrongly what expires,' FROM queue
  WHERE expiring <> (SELECT count(*) FROM job WHERE job.queue = queue.id AND job.start_by IS NOT NULL)
UNION ALL SELECT 'namespace, which counts its untold parents or wishes wrongly,' FROM namespace
  WHERE untold <> (SELECT count(*) FROM untold WHERE untold.namespace = namespace.id)
    OR wishes <> (SELECT count(*) FROM worker WHERE worker.namespace = namespace.id AND (quiet OR stop))
"""

# Rows of statistics

FOLDED = "SELECT folded FROM namespace WHERE id = ?"
SET_FOLDED = "UPDATE namespace SET folded = ? WHERE id = ?"
STATISTIC = "SELECT text FROM statistic WHERE namespace = ? AND period = ? AND subject = ? AND name = ?"
SAVE_STATISTIC = "INSERT OR REPLACE INTO statistic (namespace, period, subject, name, text) VALUES (?, ?, ?, ?, ?)"
FORGET_STATISTICS = """
DELETE FROM statistic WHERE (namespace, period, subject, name) IN (
  SELECT namespace, period, subject, name FROM statistic
  WHERE namespace = ? AND period < ? AND length(period) = ? LIMIT ?
)
"""

# Settings, freezing

SET_NAMESPACE_SETTINGS = "UPDATE namespace SET settings = ? WHERE id = ?"
PLANS = "SELECT settings FROM plan WHERE namespace = ?"
SET_PLANS = "INSERT OR REPLACE INTO plan (namespace, settings) VALUES (?, ?)"
FORGET_PLANS = "DELETE FROM plan WHERE namespace = ?"
SET_SINCE = "UPDATE queue SET rate_since = ?, key_rate_since = ? WHERE id = ?"
SET_FROZEN = "UPDATE namespace SET frozen = ? WHERE id = ?"
ERASING = "SELECT erasing FROM namespace WHERE id = ?"
SET_ERASING = "UPDATE namespace SET frozen = 1, erasing = 1 WHERE id = ?"

# Retention

WARNED_AT = "SELECT warned_at FROM queue WHERE id = ?"
SET_WARNED_AT = "UPDATE queue SET warned_at = ? WHERE id = ?"
FIRST_ENDED = "SELECT ord FROM job WHERE queue = ? AND state = ? ORDER BY ord DESC LIMIT 1"
READERS = "SELECT value FROM record WHERE namespace = ? AND name >= ? AND name < ?"

# Jobs of a key

BY_KEY = """
SELECT job.*, queue.name, body.klass, NULL, failure.message, failure.at, failure.worker, failure.run
FROM job CROSS JOIN queue ON queue.id = job.queue CROSS JOIN body ON body.job = job.id
LEFT JOIN failure ON failure.job = job.id
WHERE job.namespace = ? AND job.key = ? AND job.jid > ?
ORDER BY job.jid
"""

# What `inspect` reads of limits

ALL_KEYS = "SELECT key, jid FROM job INDEXED BY job_key WHERE namespace = ? AND key IS NOT NULL"
ALL_KEY_ROWS = "SELECT key, running, popped, popped_at, until, limits FROM queue_key WHERE queue = ?"
ALL_SETS = "SELECT requires, jobs FROM requirement_set WHERE queue = ?"
ALL_LANES = "SELECT key, requires, head FROM lane WHERE queue = ?"
ALL_HEADS = """
SELECT ifnull(key, ''), requires, min(ord) FROM job WHERE queue = ? AND state = 8 GROUP BY ifnull(key, ''), requires
"""
LIMIT_STRAYS = """
SELECT 'lane' FROM lane WHERE queue NOT IN (SELECT id FROM queue)
UNION ALL SELECT 'queue_key' FROM queue_key WHERE queue NOT IN (SELECT id FROM queue)
UNION ALL SELECT 'popped' FROM popped WHERE queue NOT IN (SELECT id FROM queue)
UNION ALL SELECT 'requirement_set' FROM requirement_set WHERE queue NOT IN (SELECT id FROM queue)
"""

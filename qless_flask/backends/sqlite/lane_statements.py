"""The statements on lanes, keys, rates and requirements, by name."""

# Lanes

FIRST_IN_LANE = """
SELECT ord FROM job WHERE queue = ? AND requires = ? AND key IS ? AND state = 8 ORDER BY ord LIMIT 1
"""
SAVE_LANE = "INSERT OR REPLACE INTO lane (queue, key, requires, head) VALUES (?, ?, ?, ?)"
DELETE_LANE = "DELETE FROM lane WHERE queue = ? AND key = ? AND requires = ?"
LANES_OF_KEY = "SELECT requires FROM lane WHERE queue = ? AND key = ?"
FIRST_LANE = "SELECT head, key FROM lane WHERE queue = ? AND requires = ? AND head IS NOT NULL ORDER BY head LIMIT 1"
NEXT_LANED = """
SELECT job.*, body.klass, body.data
FROM job CROSS JOIN body ON body.job = job.id
WHERE job.queue = ? AND job.state = 8 AND job.ord = ?
"""
LANES_WITH_HEAD = "SELECT key FROM lane WHERE queue = ? AND requires = ? AND head IS NOT NULL LIMIT ?"
WAITING_IN_LANES = "SELECT key FROM job WHERE queue = ? AND requires = ? AND state = 8 LIMIT ?"

# Keys

QUEUE_KEY = "SELECT running, popped, popped_at, until, limits FROM queue_key WHERE queue = ? AND key = ?"
SAVE_QUEUE_KEY = """
INSERT OR REPLACE INTO queue_key (queue, key, running, popped, popped_at, until, limits) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
DELETE_QUEUE_KEY = "DELETE FROM queue_key WHERE queue = ? AND key = ?"
TO_LOOK_AT = """
SELECT key FROM queue_key WHERE queue = ?1 AND limits < ?2
UNION ALL SELECT key FROM queue_key WHERE queue = ?1 AND limits > ?2
UNION ALL SELECT key FROM queue_key WHERE queue = ?1 AND limits = ?2 AND until <= ?3
LIMIT ?4
"""
FIRST_KEPT_BACK = """
SELECT until FROM queue_key WHERE queue = ? AND limits = ? AND until IS NOT NULL ORDER BY until LIMIT 1
"""
KEYS_POPPED_BEFORE = "SELECT key FROM queue_key WHERE queue = ? AND popped_at < ? ORDER BY popped_at LIMIT ?"
FORGET_KEYS = "DELETE FROM queue_key WHERE queue = ?"

# Rates

POPPED_AT = "SELECT at FROM popped WHERE queue = ? AND key = ? AND number = ?"
NEW_POPPED = "INSERT INTO popped (queue, key, number, at) VALUES (?, ?, ?, ?)"
TRIM_POPPED = "DELETE FROM popped WHERE queue = ? AND key = ? AND number <= ?"
FORGET_POPPED = "DELETE FROM popped WHERE queue = ? AND key = ?"
FORGET_ALL_POPPED = "DELETE FROM popped WHERE queue = ?"

# Sets of requirements

SETS = "SELECT requires FROM requirement_set WHERE queue = ?"
HAS_SET = "SELECT 1 FROM requirement_set WHERE queue = ? AND requires = ?"
COUNT_SETS = "SELECT count(*) FROM requirement_set WHERE queue = ?"
COUNT_SET = """
INSERT INTO requirement_set (queue, requires, jobs) VALUES (?, ?, ?)
ON CONFLICT (queue, requires) DO UPDATE SET jobs = jobs + excluded.jobs
"""
FORGET_SET = "DELETE FROM requirement_set WHERE queue = ? AND requires = ? AND jobs = 0"

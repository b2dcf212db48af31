"""The statements that erase a namespace, by name: each deletes a bounded number of rows."""

HAS_JOBS = "SELECT 1 FROM job WHERE namespace = ? LIMIT 1"
HAS_RECURRENCES = "SELECT 1 FROM recurrence WHERE namespace = ? LIMIT 1"
SOME_JOBS = "SELECT id FROM job WHERE namespace = ? LIMIT ?"
QUEUE_IDS = "SELECT id FROM queue WHERE namespace = ?"
DELETE_NAMESPACE = "DELETE FROM namespace WHERE id = ?"

OF_NAMESPACE = (
    """
    DELETE FROM tag WHERE (namespace, tag, job) IN (SELECT namespace, tag, job FROM tag WHERE namespace = ? LIMIT ?)
    """,
    """
    DELETE FROM dependency WHERE (namespace, parent, child) IN
      (SELECT namespace, parent, child FROM dependency WHERE namespace = ? LIMIT ?)
    """,
    "DELETE FROM untold WHERE id IN (SELECT id FROM untold WHERE namespace = ? LIMIT ?)",
    """
    DELETE FROM unique_key WHERE (namespace, key) IN
      (SELECT namespace, key FROM unique_key WHERE namespace = ? LIMIT ?)
    """,
    "DELETE FROM figure WHERE (namespace, tag) IN (SELECT namespace, tag FROM figure WHERE namespace = ? LIMIT ?)",
    """
    DELETE FROM touched WHERE (namespace, failure_group, kind, name) IN
      (SELECT namespace, failure_group, kind, name FROM touched WHERE namespace = ? LIMIT ?)
    """,
    """
    DELETE FROM recurrence WHERE (namespace, id) IN (SELECT namespace, id FROM recurrence WHERE namespace = ? LIMIT ?)
    """,
    "DELETE FROM worker WHERE (namespace, name) IN (SELECT namespace, name FROM worker WHERE namespace = ? LIMIT ?)",
    """
    DELETE FROM request WHERE (namespace, worker, request) IN
      (SELECT namespace, worker, request FROM request WHERE namespace = ? LIMIT ?)
    """,
    "DELETE FROM leader WHERE (namespace, role) IN (SELECT namespace, role FROM leader WHERE namespace = ? LIMIT ?)",
    "DELETE FROM record WHERE (namespace, name) IN (SELECT namespace, name FROM record WHERE namespace = ? LIMIT ?)",
    """
    DELETE FROM statistic WHERE (namespace, period, subject, name) IN
      (SELECT namespace, period, subject, name FROM statistic WHERE namespace = ? LIMIT ?)
    """,
    "DELETE FROM plan WHERE namespace IN (SELECT namespace FROM plan WHERE namespace = ? LIMIT ?)",
    "DELETE FROM event WHERE (namespace, entry) IN (SELECT namespace, entry FROM event WHERE namespace = ? LIMIT ?)",
)
"""Tables whose rows name their namespace; the log last, in which it stands that all of it is erased."""
OF_QUEUE = (
    "DELETE FROM popped WHERE (queue, key, number) IN (SELECT queue, key, number FROM popped WHERE queue = ? LIMIT ?)",
    "DELETE FROM queue_key WHERE (queue, key) IN (SELECT queue, key FROM queue_key WHERE queue = ? LIMIT ?)",
    """
    DELETE FROM lane WHERE (queue, key, requires) IN (SELECT queue, key, requires FROM lane WHERE queue = ? LIMIT ?)
    """,
    """
    DELETE FROM requirement_set WHERE (queue, requires) IN
      (SELECT queue, requires FROM requirement_set WHERE queue = ? LIMIT ?)
    """,
    "DELETE FROM queue WHERE id IN (SELECT id FROM queue WHERE id = ? LIMIT ?)",
)
"""Tables whose rows name their queue, and the queue itself."""

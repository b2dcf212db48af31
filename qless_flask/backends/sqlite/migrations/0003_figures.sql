-- What sums are read from, what workers are asked, and recurrences.

-- A tag in figures: as long as a job has it, or it is tracked. The means are those of so many samples together.
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
CREATE INDEX figure_tracked ON figure (namespace, tag) WHERE tracked = 1;

INSERT INTO figure (namespace, tag, scheduled, waiting, running, complete, failed, canceled, depends)
SELECT tag.namespace, tag.tag,
  sum(job.state = 1), sum(job.state = 2), sum(job.state = 3), sum(job.state = 4), sum(job.state = 5),
  sum(job.state = 6), sum(job.state = 7)
FROM tag JOIN job ON job.id = tag.job
GROUP BY tag.namespace, tag.tag;

-- The queues and klasses of the failed jobs of each group; those of its queues together are all of its jobs.
CREATE TABLE touched (
  namespace INTEGER NOT NULL,
  failure_group TEXT NOT NULL,
  kind TEXT NOT NULL,                  -- queue, klass
  name TEXT NOT NULL,
  jobs INTEGER NOT NULL,
  PRIMARY KEY (namespace, failure_group, kind, name)
) WITHOUT ROWID;

INSERT INTO touched (namespace, failure_group, kind, name, jobs)
SELECT job.namespace, job.failure_group, 'queue', queue.name, count(*)
FROM job JOIN queue ON queue.id = job.queue
WHERE job.state = 5
GROUP BY job.namespace, job.failure_group, queue.name;

INSERT INTO touched (namespace, failure_group, kind, name, jobs)
SELECT job.namespace, job.failure_group, 'klass', body.klass, count(*)
FROM job JOIN body ON body.job = job.id
WHERE job.state = 5
GROUP BY job.namespace, job.failure_group, body.klass;

-- A group's first and last failure stand at its ends.
DROP INDEX job_group;
CREATE INDEX job_failed ON job (namespace, failure_group, ord, jid) WHERE state = 5;

ALTER TABLE worker ADD COLUMN quiet INTEGER NOT NULL DEFAULT 0;
ALTER TABLE worker ADD COLUMN stop INTEGER NOT NULL DEFAULT 0;

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
CREATE INDEX recurrence_due ON recurrence (namespace, next_at, id) WHERE paused = 0 AND next_at IS NOT NULL;

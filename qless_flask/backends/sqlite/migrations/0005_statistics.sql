-- Rows of statistics, as backends.folding writes them.

CREATE TABLE statistic (
  namespace INTEGER NOT NULL,
  period TEXT NOT NULL,                -- a day (2026-11-24) or an hour (2026-11-24T10)
  subject TEXT NOT NULL,               -- queue, klass, tag
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (namespace, period, subject, name)
) WITHOUT ROWID;


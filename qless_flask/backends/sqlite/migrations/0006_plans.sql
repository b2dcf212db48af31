-- What a namespace alone is told: policies, trackers, the back-off of klasses. Apart from its row, which all read.

CREATE TABLE plan (
  namespace INTEGER PRIMARY KEY,
  settings TEXT NOT NULL               -- JSON
);

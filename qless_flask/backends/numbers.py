"""How much stores keep, and how much they do at once: the numbers of the contract that all of them share."""

from __future__ import annotations

from qless_flask import models
from qless_flask.bounds import MAX_HISTORY, MAX_LOG_BYTES, MAX_LOG_LINES

HISTORY_ENTRIES = MAX_HISTORY
LOG_LINES = MAX_LOG_LINES
LOG_BYTES = MAX_LOG_BYTES

UPKEEP_AT_ONCE = 100
"""How many lost leases, and how many due jobs, a pop sees to in each queue."""
TOLD_AT_ONCE = 100
"""How many dependents of ended jobs one operation tells."""
CANCELED_ALONG = 1_000
"""How many dependents a cancel takes along at most."""
SEARCHED_AT_ONCE = 10_000
"""How many jobs the search for a cycle visits at most."""
DEPENDENTS_SHOWN = 100
PRUNE_SCANNED = 10_000
"""How many jobs a prune looks at, at most, where others wait for the oldest."""
REQUEST_SECONDS = 60.0
"""How long a pop's request is remembered where its queue has no heartbeat."""

_DAY = 86_400.0


EVENT_SECONDS = 3_600.0
"""How long events are kept at least, as long as there are fewer entries than `EVENT_ENTRIES`."""
EVENT_MOST_SECONDS = _DAY
"""How long they are kept at most for a registered reader that has not passed them."""
READER_PREFIX = "reader:"
"""What the names of the records begin with that say up to which event a reader has passed."""
OWN_PREFIXES = models.OWN_PREFIXES
"""What the names of records begin with that belong to this store: set while it is frozen too, and not dumped."""
TRIM_WARNING_SHARE = 0.9
"""At which share of their age, or count, it is told that failed jobs will be trimmed."""
TRIM_WARNING_SECONDS = _DAY
"""How often that is told again."""
EVENT_ENTRIES = 1_000_000
WORKER_SECONDS = _DAY
"""How long a worker is remembered that was not seen and holds no lease."""

"""How much stores keep, and how much they do at once: the numbers of the contract that all of them share."""

from __future__ import annotations

from dataclasses import dataclass

from qless_flask.models import State

HISTORY_ENTRIES = 100
LOG_LINES = 100
LOG_BYTES = 64 << 10

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


@dataclass(frozen=True, slots=True)
class Retention:
    """How long, and how many of them, a queue keeps jobs that have ended."""

    seconds: float
    jobs: int


RETENTION: dict[State, Retention] = {
    "complete": Retention(7 * _DAY, 50_000),
    "canceled": Retention(_DAY, 10_000),
    "failed": Retention(90 * _DAY, 100_000),
}
EVENT_SECONDS = 3_600.0
"""How long events are kept at least, as long as there are fewer entries than `EVENT_ENTRIES`."""
EVENT_ENTRIES = 1_000_000
WORKER_SECONDS = _DAY
"""How long a worker is remembered that was not seen and holds no lease."""

"""What must happen though nobody asks: due jobs made available, recurrences fired, old jobs pruned, events delivered.

Every process may run a scheduler; of those on one store only the leader acts, and two that act at once are harmless.
"""

from qless_flask.scheduler.scheduler import LEAD_SECONDS, ROLE, TICK_SECONDS, Scheduler

__all__ = ["LEAD_SECONDS", "ROLE", "TICK_SECONDS", "Scheduler"]

"""The times when the store cannot be reached, or is frozen: how long to wait, and one line in the log for each."""

from __future__ import annotations

import logging
import random
import threading
import time

from qless_flask.errors import Frozen, QlessError

FIRST_DELAY_SECONDS = 0.05
LONGEST_DELAY_SECONDS = 5.0

logger = logging.getLogger("qless_flask.worker")


class Outage:
    """The present outage of one store, as all threads of a process see it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None

    def met(self, error: QlessError) -> float:
        """Note that a call failed, and tell how many seconds to wait before the next try."""
        now = time.monotonic()
        with self._lock:
            begins = self._since is None
            since = self._since = now if self._since is None else self._since
        if begins:
            trouble = "takes nothing now" if isinstance(error, Frozen) else "does not answer"
            logger.warning("the store %s (%s); work goes on by itself when it does", trouble, error)
        # A quarter of what it has lasted, spread so that not all workers come at once.
        delay = min(LONGEST_DELAY_SECONDS, max(FIRST_DELAY_SECONDS, (now - since) / 4))
        return delay * random.uniform(0.5, 1.0)

    def over(self) -> None:
        """Note that a call was answered."""
        if self._since is None:
            return
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            logger.warning("the store answers again, after %.1f s", time.monotonic() - since)

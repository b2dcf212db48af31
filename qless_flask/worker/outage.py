"""The times when the store does not serve us: how long to wait, one line in the log for each, and when to give up.

A store that is down, or frozen, is waited for as long as it takes. So is a server that lets us in no longer, since a
token may come back; but not for long, for it is a person who must see to that.
"""

from __future__ import annotations

import logging
import random
import threading
import time

from qless_flask.errors import BackendUnavailable, Forbidden, Frozen, QlessError, RateLimited, Unauthenticated

FIRST_DELAY_SECONDS = 0.05
LONGEST_DELAY_SECONDS = 5.0
REFUSED_SECONDS = 60.0
"""How long to go on trying where a server lets us in no longer."""

REFUSALS = (Unauthenticated, Forbidden)
NOT_NOW = (BackendUnavailable, RateLimited, *REFUSALS)
"""What says nothing of the things that were sent: the same may be sent again, later."""

logger = logging.getLogger("qless_flask.worker")


class Outage:
    """The present outage of one store, as all threads of a process see it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._refused_since: float | None = None
        self._refusal: QlessError | None = None

    @property
    def refusal(self) -> QlessError | None:
        """Why we are let in no longer, once that has lasted too long to go on."""
        since = self._refused_since
        if since is None or time.monotonic() - since < REFUSED_SECONDS:
            return None
        return self._refusal

    def met(self, error: QlessError) -> float:
        """Note that a call failed, and tell how many seconds to wait before the next try."""
        now = time.monotonic()
        refused = isinstance(error, REFUSALS)
        with self._lock:
            begins = self._since is None or (refused and self._refused_since is None)
            since = self._since = now if self._since is None else self._since
            self._refusal = error if refused else None
            self._refused_since = (self._refused_since or now) if refused else None
        if begins:
            logger.warning("%s", _told(error))
        # A quarter of what it has lasted, spread so that not all workers come at once.
        delay = min(LONGEST_DELAY_SECONDS, max(FIRST_DELAY_SECONDS, (now - since) / 4))
        return delay * random.uniform(0.5, 1.0)

    def over(self) -> None:
        """Note that a call was answered."""
        if self._since is None:
            return
        with self._lock:
            since, self._since = self._since, None
            self._refused_since = self._refusal = None
        if since is not None:
            logger.warning("the store answers again, after %.1f s", time.monotonic() - since)


def _told(error: QlessError) -> str:
    if isinstance(error, REFUSALS):
        patience = f"this worker pops nothing until it does, and ends if that is not within {REFUSED_SECONDS:g} s"
        return f"the server does not let this worker in ({error}); {patience}"
    if isinstance(error, RateLimited):
        return f"the server takes no more requests now ({error}); work goes on by itself when it does"
    trouble = "takes nothing now" if isinstance(error, Frozen) else "does not answer"
    return f"the store {trouble} ({error}); work goes on by itself when it does"

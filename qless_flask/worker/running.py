"""A job that this worker runs now."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NoReturn

from qless_flask.backends.base import Namespace
from qless_flask.client.leased import LOST, LeasedJob
from qless_flask.client.writing import Writing
from qless_flask.errors import QlessError, WrongState
from qless_flask.models import Lease, Renewed, Settlement

BEATS_PER_LEASE = 3
LAST_BEATS = 10
"""How often, at most, a lease that is no longer made longer is renewed in the time that it had at first."""


class RunningJob(LeasedJob):
    """What a job function is given.

    `complete`, `retry`, `fail` and `release` say how the run ends; the worker tells the store when the function has
    returned, along with the next pop. An exception after that wins over what was said.
    """

    __slots__ = ("_term", "abandoned", "beat_at", "ending", "interrupt", "overdue", "settlement")

    def __init__(self, namespace: Namespace, lease: Lease, writing: Writing | None = None) -> None:
        super().__init__(namespace, lease, writing)
        self.settlement: Settlement | None = None
        self.ending: Exception | None = None
        """With what the worker ends the run before its time, if it does."""
        self.interrupt: Callable[[type[Exception]], object] = _nothing_to_interrupt
        self.abandoned = False
        """The worker has given the lease back though the function still runs: how it ends is of no interest."""
        self.beat_at = math.inf
        """When to renew the lease (monotonic)."""
        self.overdue = False
        """Its time is over, and no heartbeat makes it longer: it runs beyond its `max_run`."""
        self._term = self.ttl or 0.0
        self._plan_beat()

    def renewed(self, renewed: Renewed) -> None:
        before = self.lease.expires_at
        super().renewed(renewed)
        ttl, after = self.ttl, self.lease.expires_at
        self.overdue = None not in (ttl, before, after) and ttl <= 0 and after <= before  # type: ignore[operator]
        self._plan_beat()

    def end(self, error: Exception) -> None:
        """End the run from another thread: with a lost lease, or to give it back."""
        self.ending = error
        if isinstance(error, LOST):
            self.lost = error
        self.interrupt(type(error))

    def check(self) -> None:
        """Raise if the run is to end now; for long loops and for code that catches every exception. Asks nobody."""
        if self.ending is not None:
            raise self.ending
        super().check()

    def _plan_beat(self) -> None:
        left = self.ttl
        if left is None:
            self.beat_at = math.inf
        else:
            # Before the end of its `max_run` a lease gets shorter and shorter, but is not renewed ever more often.
            self.beat_at = time.monotonic() + min(left, max(left / BEATS_PER_LEASE, self._term / LAST_BEATS))

    def _settle(self, settlement: Settlement) -> None:
        self.check()
        if self.settlement is not None:
            raise WrongState(f"job {self.jid}: how this run ends was said already", subject=self.jid)
        self.settlement = settlement

    def _lose(self, error: QlessError) -> NoReturn:
        self.ending = error
        super()._lose(error)


def _nothing_to_interrupt(exception: type[Exception]) -> None:
    pass

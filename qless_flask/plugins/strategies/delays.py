"""Delays that depend on nothing but how often a job has run in its stage; their options are fields of `Backoff`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qless_flask.hookspecs import RetryStrategy
from qless_flask.models import Failure, Job


@dataclass(frozen=True)
class Fixed(RetryStrategy):
    """Always as long."""

    delay: float = 15.0

    def next_delay(self, job: Job, failure: Failure, run: int) -> float:
        return self.delay


@dataclass(frozen=True)
class Linear(RetryStrategy):
    """Each time as much longer, up to `max`."""

    delay: float = 15.0
    max: float = 3600.0

    def next_delay(self, job: Job, failure: Failure, run: int) -> float:
        return min(self.delay * max(1, run), self.max)


@dataclass(frozen=True)
class Exponential(RetryStrategy):
    """Each time as many times longer, up to `max`; with `full` jitter drawn evenly between 0 and that.

    Where there is no delay there is nothing to draw from. See `Backoff` for the source.
    """

    delay: float = 15.0
    factor: float = 2.0
    max: float = 3600.0
    jitter: str = "full"

    def next_delay(self, job: Job, failure: Failure, run: int) -> float:
        try:
            # As a float: a whole number of a million digits would overflow too, but not soon.
            longest = min(self.delay * float(self.factor) ** max(0, run - 1), self.max)
        except OverflowError:
            longest = self.max if self.delay else 0.0
        return longest * self.draw() if longest and self.jitter == "full" else longest


@dataclass(frozen=True)
class Table(RetryStrategy):
    """As long as the table says, and from its end on as its last entry says."""

    delays: Sequence[float]

    def next_delay(self, job: Job, failure: Failure, run: int) -> float:
        return self.delays[min(max(1, run), len(self.delays)) - 1]

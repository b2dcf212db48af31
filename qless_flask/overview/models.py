"""The nouns of an overview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qless_flask.models import Queue, Stats, Throughput
from qless_flask.models.scheduling import SchedulerFigures

Severity = Literal["wrong", "beware"]


@dataclass(frozen=True, slots=True)
class Warning:
    """Something that a person should look at."""

    kind: Literal["idle", "stalled", "lost", "failing", "paused", "scheduler", "store", "frozen"]
    severity: Severity
    text: str
    queue: str | None = None
    """The queue that it is about, where it is about one."""


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue as it is, and how it did lately."""

    queue: Queue
    lately: Throughput | None
    """The last 60 minutes, by the minute; None of those that nobody has figures of."""
    today: Stats | None
    """Waits and runs of the day (UTC)."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A namespace at a glance."""

    namespace: str
    at: float
    """When it was looked at (Unix seconds)."""
    queues: tuple[QueueView, ...]
    """All of them, by name; the busiest have figures."""
    lately: Throughput
    """Of all queues together."""
    scheduler: SchedulerFigures | None
    """None where there never was one, or a server keeps that to itself."""
    warnings: tuple[Warning, ...]
    """The worst first."""

    def total(self, count: str) -> int:
        """Sum one of the counts of all queues up: waiting, running…"""
        return sum(getattr(view.queue, count) for view in self.queues)

"""Looking a namespace over: counters each time, figures now and then, for however many who look."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from qless_flask.backends.base import Backend, Clock, Namespace
from qless_flask.backends.scheduling import scheduler_figures
from qless_flask.errors import QlessError
from qless_flask.models import Queue, Stats, Throughput
from qless_flask.models.scheduling import SchedulerFigures
from qless_flask.overview.models import Overview, QueueView
from qless_flask.overview.warnings import warnings

T = TypeVar("T")

FRESH_SECONDS = 1.0
"""Who looks again sooner sees the same."""
FIGURES_SECONDS = 10.0
"""How old the figures of queues, and what is said of the store, may be."""
MOST_FIGURES = 50
"""Of so many queues there are figures: of those with the most to do."""
PATIENCE_SECONDS = 1.0
"""How long figures are asked for; queues that are not come to have none this time (transitions that no scheduler has
counted yet are counted anew for each)."""
MOST_KEPT = 1_000
"""Of how many namespaces it is kept what was seen."""


@dataclass(slots=True)
class _Figures:
    """What is looked at now and then."""

    until: float
    lately: Throughput
    of_queues: dict[str, tuple[Throughput, Stats]]
    scheduler: SchedulerFigures | None
    risks: Sequence[str]


@dataclass(slots=True)
class _Kept:
    """What was seen of a namespace last, and who looks at it now."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    seen: tuple[float, Overview] | None = None
    figures: _Figures | None = None


class Looker:
    """Looks namespaces of one store over. Those who look within a second share one look."""

    def __init__(self, backend: Backend, *, has_schedulers: bool = True, clock: Clock | None = None) -> None:
        """`has_schedulers` is False for a store that is a server of ours, which keeps to itself what they do."""
        self._backend = backend
        self._has_schedulers = has_schedulers
        self._clock = clock or time.time
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def overview(self, name: str, *, most_age: float = FRESH_SECONDS) -> Overview:
        """Look a namespace over, or answer what was seen at most so many seconds ago. Raise what the store raises."""
        with self._lock:
            if len(self._kept) >= MOST_KEPT and name not in self._kept:
                self._kept.clear()
            kept = self._kept.setdefault(name, _Kept())
        # One looks, and those who came meanwhile see that too.
        with kept.lock:
            now = time.monotonic()
            if kept.seen is None or now - kept.seen[0] >= most_age:
                kept.seen = (now, self._look(self._backend.namespace(name), kept, now))
            return kept.seen[1]

    def _look(self, namespace: Namespace, kept: _Kept, now: float) -> Overview:
        queues = namespace.queues()
        if kept.figures is None or now >= kept.figures.until:
            kept.figures = self._figures(namespace, queues, now)
        figures = kept.figures
        overview = Overview(
            namespace.name,
            self._clock(),
            tuple(QueueView(queue, *figures.of_queues.get(queue.name, (None, None))) for queue in queues),
            figures.lately,
            figures.scheduler,
            (),
        )
        told = warnings(
            overview,
            frozen=namespace.settings().frozen,
            risks=figures.risks,
            has_schedulers=self._has_schedulers,
        )
        return replace(overview, warnings=told)

    def _figures(self, namespace: Namespace, queues: Sequence[Queue], now: float) -> _Figures:
        of_queues: dict[str, tuple[Throughput, Stats]] = {}
        for queue in heapq.nlargest(MOST_FIGURES, queues, key=lambda queue: queue.waiting + queue.running):
            if time.monotonic() - now > PATIENCE_SECONDS:
                break
            of_queues[queue.name] = (namespace.throughput(queue.name), namespace.stats(queue=queue.name))
        return _Figures(
            now + FIGURES_SECONDS,
            namespace.throughput(),
            of_queues,
            _or_none(lambda: scheduler_figures(self._backend)) if self._has_schedulers else None,
            _or_none(self._backend.ping) or (),
        )


def _or_none(ask: Callable[[], T]) -> T | None:
    with suppress(QlessError):
        return ask()
    return None

"""What a crawl came to, told by the queue itself: its summaries, its failed jobs and its log of events."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from statistics import fmean

from qless_flask.backends.base import Namespace
from qless_flask.demo.crawl import STAGES, progress_of
from qless_flask.models import Event, Filter, Job

PAGE_LIMIT = 1000
GET_LIMIT = 500

# A lost run was never settled, so it is no run time.
_SETTLED = ("advanced", "completed", "retried", "failed", "released")


@dataclass(frozen=True, slots=True)
class Times:
    """Durations in seconds, as many as were taken."""

    seconds: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        return fmean(self.seconds) if self.seconds else 0.0

    @property
    def longest(self) -> float:
        return max(self.seconds, default=0.0)


@dataclass(frozen=True, slots=True)
class StageTimes:
    """How long jobs stood before a stage, and how long they ran in it."""

    stage: str
    wait: Times
    run: Times


@dataclass(frozen=True, slots=True)
class Failures:
    """The pages that failed of one cause."""

    group: str
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A crawl in numbers."""

    pages: int
    """Indexed."""
    links: int
    """On all of them, those counted twice that two pages have."""
    failures: tuple[Failures, ...]
    retried: int
    lost: int
    """Runs whose worker fell silent, and that another began anew."""
    stages: tuple[StageTimes, ...]
    seconds: float
    """From the first event to the last."""
    whole: bool
    """False where the log of events no longer reaches back to the beginning."""

    @property
    def failed(self) -> int:
        return sum(len(failure.links) for failure in self.failures)


def summarize(namespace: Namespace) -> Summary:
    """Sum up all that was crawled in a namespace."""
    log = _read(namespace)
    return Summary(
        pages=progress_of(namespace.queues(STAGES)).indexed,
        links=sum(_links(namespace)),
        failures=_failures(namespace),
        retried=log.events["retried"],
        lost=log.events["lost"],
        stages=tuple(
            StageTimes(stage, Times(tuple(log.waits[stage])), Times(tuple(log.runs[stage]))) for stage in STAGES
        ),
        seconds=log.last - log.first,
        whole=not log.events["gap"],
    )


@dataclass(slots=True)
class _Log:
    """What the events so far have told."""

    events: Counter[str] = field(default_factory=Counter)
    waits: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})
    runs: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})
    first: float = 0.0
    last: float = 0.0
    _available: dict[str, float] = field(default_factory=dict)
    _begun: dict[str, float] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        self.events[event.event] += 1
        if event.jid is None or event.queue not in STAGES:
            return
        self.first = self.first or event.at
        self.last = event.at
        if event.event == "popped":
            self._took(self.waits[event.queue], self._available.pop(event.jid, None), event.at)
            self._begun[event.jid] = event.at
        elif event.event in _SETTLED:
            self._took(self.runs[event.queue], self._begun.pop(event.jid, None), event.at)
        if event.state == "waiting":
            self._available[event.jid] = event.at

    @staticmethod
    def _took(durations: list[float], since: float | None, until: float) -> None:
        if since is not None:
            durations.append(until - since)


def _read(namespace: Namespace) -> _Log:
    log, cursor = _Log(), None
    while True:
        page = namespace.events(cursor, PAGE_LIMIT)
        for event in page.events:
            log.take(event)
        if not page.events:
            return log
        cursor = page.next


def _select(namespace: Namespace, wanted: Filter) -> Iterator[Job]:
    cursor = None
    while True:
        page = namespace.select(wanted, cursor, PAGE_LIMIT)
        yield from page.jobs
        cursor = page.next
        if cursor is None:
            return


def _links(namespace: Namespace) -> Iterator[int]:
    complete = _select(namespace, Filter(state="complete", queue=STAGES[-1]))
    while jids := [job.jid for job in islice(complete, GET_LIMIT)]:
        for job in namespace.get(jids):
            if job is not None and job.data is not None:
                yield json.loads(job.data).get("links", 0)


def _failures(namespace: Namespace) -> tuple[Failures, ...]:
    groups: dict[str, list[str]] = {}
    for job in _select(namespace, Filter(state="failed")):
        if job.failure and job.queue in STAGES:
            groups.setdefault(job.failure.group, []).append(job.jid)
    found = (Failures(group, tuple(sorted(links))) for group, links in groups.items())
    return tuple(sorted(found, key=lambda each: (-len(each.links), each.group)))

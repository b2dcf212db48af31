"""The life of a job as spans of waiting and running, drawn to scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from qless_flask.models import ENDED, HistoryEntry, Job

Kind = Literal["scheduled", "depends", "waiting", "running"]

WIDTH = 1_000.0
"""Of the whole drawing, in its own units."""
NARROWEST = 2.0
"""How wide a span is at least, so that the shortest can be seen, and pointed at."""

_ENDS_RUN = frozenset(
    ("completed", "advanced", "retried", "failed", "released", "lost", "timed_out", "canceled", "moved", "finished")
)
_ENDED_BY = {"promoted": "scheduled", "unblocked": "depends"}
"""What ends only one kind of span: so it was of that kind."""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when (Unix seconds) a job was in a state, in which queue, with which worker, and what ended it."""

    kind: Kind
    start: float
    end: float
    queue: str | None
    worker: str | None
    ended_by: str | None
    """The event; None of the span that goes on."""
    x: float
    width: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start


def spans(job: Job, now: float) -> list[Span]:
    """Cut a job's life, as far as its history tells it, into spans."""
    raw = list(_raw(job, now))
    if not raw:
        return []
    begin, end = raw[0].start, max(span.end for span in raw)
    scale = WIDTH / (end - begin) if end > begin else 0.0
    return [_placed(span, begin, scale) for span in raw]


def _raw(job: Job, now: float) -> Iterator[Span]:
    queue, worker, kind, since = job.queue, None, None, 0.0
    turns = [entry for entry in job.history if _turns(entry)]
    if turns:
        queue = turns[0].queue or job.queue
    for entry in turns:
        if kind is not None and entry.at >= since:
            known = _ENDED_BY.get(entry.event, kind)
            yield Span(known, since, entry.at, queue, worker, entry.event, 0.0, 0.0)  # type: ignore[arg-type]
        if entry.event == "popped":
            kind, worker = "running", entry.worker
        else:
            kind, worker, queue = "waiting", None, entry.queue or queue
        since = entry.at
    if kind is not None and job.state not in ENDED:
        yield Span(job.state, since, max(now, since), queue, job.worker, None, 0.0, 0.0)  # type: ignore[arg-type]


def _turns(entry: HistoryEntry) -> bool:
    """Tell whether something changed a job's state, rather than its priority or tags."""
    return entry.event in ("put", "popped", "promoted", "unblocked", "expired") or entry.event in _ENDS_RUN


def _placed(span: Span, begin: float, scale: float) -> Span:
    x, width = (span.start - begin) * scale, (span.end - span.start) * scale
    width = max(width, NARROWEST)
    x = min(x, WIDTH - width)
    return Span(span.kind, span.start, span.end, span.queue, span.worker, span.ended_by, round(x, 2), round(width, 2))

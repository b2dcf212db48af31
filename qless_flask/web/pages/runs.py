"""The runs of a job: where, by whom, how long, how they ended, and what their worker had to say meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qless_flask.models import Failure, HistoryEntry, Job, LogLine
from qless_flask.web.pages.timeline import Span


@dataclass(frozen=True, slots=True)
class Run:
    """One run, and the lines of its log."""

    number: int
    """Counted from 1 over those that the history still knows."""
    span: Span
    group: str | None
    """Under which group it failed, or was retried."""
    message: str | None
    """Why; kept of the latest alone."""
    lines: tuple[LogLine, ...]


def runs(job: Job, spans: Sequence[Span], lines: Sequence[LogLine]) -> tuple[list[Run], list[LogLine]]:
    """Tell the runs, latest first, and those lines that belong to none that the history still knows."""
    left = list(lines)
    found: list[Run] = []
    for number, span in enumerate((span for span in spans if span.kind == "running"), 1):
        own = [line for line in left if span.start <= line.at <= span.end]
        left = [line for line in left if line not in own]
        ended = _entry(job.history, span)
        failure = job.failure if _is_of(job.failure, span) else None
        group = ended.group if ended is not None and ended.group else failure.group if failure else None
        found.append(Run(number, span, group, failure.message if failure else None, tuple(own)))
    return found[::-1], left


def _entry(history: Sequence[HistoryEntry], span: Span) -> HistoryEntry | None:
    return next((entry for entry in history if entry.at == span.end and entry.event == span.ended_by), None)


def _is_of(failure: Failure | None, span: Span) -> bool:
    return failure is not None and span.ended_by is not None and span.start <= failure.at <= span.end

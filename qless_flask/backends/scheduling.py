"""The record in which the schedulers of a store write down what they do."""

from __future__ import annotations

from qless_flask.backends.base import Backend
from qless_flask.models.scheduling import SchedulerFigures, Upkept

OURS = "_"
"""The namespace that is ours: unlisted, and closed to clients."""
RECORD = "scheduler"
TRIES = 5


def scheduler_figures(backend: Backend) -> SchedulerFigures | None:
    """Read what the schedulers of a store have done; None where there was never one."""
    text = backend.namespace(OURS).recall(RECORD)
    return None if text is None else SchedulerFigures.of_text(text)


def add_figures(backend: Backend, leader: str, since: float, at: float, done: Upkept) -> bool:
    """Add what a leader has done; tell whether that was possible, or too many others did so at the same time."""
    record = backend.namespace(OURS)
    for _ in range(TRIES):
        text = record.recall(RECORD)
        before = Upkept() if text is None else SchedulerFigures.of_text(text).done
        if record.remember(RECORD, SchedulerFigures(leader, since, at, before + done).as_text(), text):
            return True
    return False

"""Tags and failure groups in figures: counters kept with each transition, so that sums read no jobs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qless_flask.backends.sqlite.figure_statements import (
    BEGIN_FIGURE_ANEW,
    COUNT,
    FORGET_FIGURE,
    FORGET_TOUCHED,
    KLASS,
    LET_GO,
    RAN,
    TOUCH,
    WAITED,
)
from qless_flask.backends.sqlite.record import STATE_NAMES, Record, shown, split

if TYPE_CHECKING:
    from qless_flask.backends.sqlite.step import Step


def state_changed(step: Step, record: Record, old: int, new: int) -> None:
    """Count a job with tags out of a state and into another; 0 stands for not being there at all."""
    if old != new:
        tags = split(record.tags)
        _count(step, record, tags, old, new)
        if not new:
            step.left_tags.update(tags)


def tags_changed(step: Step, record: Record, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Count a job, in the state that it is in, out of tags and into others."""
    gone = [tag for tag in before if tag not in after]
    _count(step, record, gone, shown(record.state), 0)
    _count(step, record, [tag for tag in after if tag not in before], 0, shown(record.state))
    step.left_tags.update(gone)


def waited(step: Step, record: Record) -> None:
    """Note how long a job has waited that is being popped; before it is leased."""
    _sample(step, record, WAITED, record.available_at)


def ran(step: Step, record: Record) -> None:
    """Note how long a job has run whose lease ends; before anything of it changes."""
    if record.started_at is not None:
        _sample(step, record, RAN, record.started_at)


def failed_in(step: Step, record: Record) -> None:
    """Count a job into its failure group; when it is in its queue and has its group."""
    step.connection.executemany(TOUCH, _touched(step, record))


def failed_out(step: Step, record: Record) -> None:
    """Count a failed job out of its failure group; before its queue or its group changes."""
    touched = _touched(step, record)
    step.connection.executemany(LET_GO, touched)
    step.connection.executemany(FORGET_TOUCHED, touched)


def sweep(step: Step) -> None:
    """Forget the figures of those of `step.left_tags` that no job has any more; at the end of the step."""
    left = [(step.namespace, tag) for tag in step.left_tags]
    step.connection.executemany(FORGET_FIGURE, left)
    # Of those that stay because they are tracked.
    step.connection.executemany(BEGIN_FIGURE_ANEW, left)


def _count(step: Step, record: Record, tags: Iterable[str], old: int, new: int) -> None:
    differences = [(number == new) - (number == old) for number in STATE_NAMES]
    step.connection.executemany(COUNT, [(record.namespace, tag, *differences) for tag in tags])


def _sample(step: Step, record: Record, statement: str, since: int) -> None:
    if record.tags:
        took = max(0, step.now - since)
        step.connection.executemany(statement, [(took, record.namespace, tag) for tag in split(record.tags)])


def _touched(step: Step, record: Record) -> list[tuple[int, str | None, str, str]]:
    [klass] = step.connection.execute(KLASS, (record.id,)).fetchone()
    group, queue = record.failure_group, step.queue_of(record).name
    return [(record.namespace, group, "queue", queue), (record.namespace, group, "klass", klass)]

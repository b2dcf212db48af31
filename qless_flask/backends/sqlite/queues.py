"""Queues summed up, and told what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from qless_flask.backends.sqlite import settings
from qless_flask.backends.sqlite.lanes import forget_queue
from qless_flask.backends.sqlite.look import Look, QueueRow
from qless_flask.backends.sqlite.record import LANED, NEVER, PRIORITY_STEP, RUNNING, STATE_NAMES, WAITING
from qless_flask.backends.sqlite.statements import (
    DELETE_QUEUE,
    NEXT_PRIORITY,
    QUEUE,
    QUEUES,
    SET_PAUSED,
    STALLED,
)
from qless_flask.backends.sqlite.step import Step, waiting_ord
from qless_flask.errors import NotEmpty, QueueNotFound
from qless_flask.models import Actor, Queue, Setting


def queues(look: Look, names: Sequence[str] | None) -> list[Queue]:
    """Sum up all queues, by name, or those named. Raise QueueNotFound."""
    if names is None:
        rows = look.connection.execute(QUEUES, (look.namespace,)).fetchall()
        return [_summary(look, QueueRow.of(row)) for row in rows]
    return [_summary(look, _found(look, name)) for name in names]


def configure(
    step: Step, name: str, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None
) -> Queue:
    """Set the settings named; the others stay, or are the namespace's again."""
    queue = step.known_queue(name)
    settings.configure(step, queue, changes, inherit)
    step.tell("configured", None, name, actor=actor)
    return _summary(step, queue)


def pause(step: Step, name: str, actor: Actor | None) -> Queue:
    """Let nothing be popped from a queue."""
    return _set_paused(step, step.known_queue(name), True, actor)


def resume(step: Step, name: str, actor: Actor | None) -> Queue:
    """Let a queue be popped from again. Raise QueueNotFound."""
    queue = step.queue(name)
    if queue is None:
        raise QueueNotFound.about(name)
    step.wakes[name] = queue.waiting
    return _set_paused(step, queue, False, actor)


def forget(step: Step, name: str, actor: Actor | None) -> None:
    """Delete an empty queue. Raise QueueNotFound or NotEmpty."""
    queue = step.queue(name)
    if queue is None:
        raise QueueNotFound.about(name)
    if any(queue.counts):
        raise NotEmpty.about(name)
    forget_queue(step, queue)
    step.connection.execute(DELETE_QUEUE, (queue.id,))
    step.drop_queue(queue)
    step.tell("forgotten", None, name, actor=actor)


def _set_paused(step: Step, queue: QueueRow, paused: bool, actor: Actor | None) -> Queue:
    queue.paused = paused
    step.connection.execute(SET_PAUSED, (paused, queue.id))
    step.tell("paused" if paused else "resumed", None, queue.name, actor=actor)
    return _summary(step, queue)


def _found(look: Look, name: str) -> QueueRow:
    row = look.connection.execute(QUEUE, (look.namespace, name)).fetchone()
    if row is None:
        raise QueueNotFound.about(name)
    return QueueRow.of(row)


def _summary(look: Look, queue: QueueRow) -> Queue:
    counts = {name: queue.counts[number] for number, name in STATE_NAMES.items()}
    stalled = look.connection.execute(STALLED, (queue.id, look.now)).fetchone()[0] if queue.counts[RUNNING] else 0
    waits = [max(0, look.now - available_at) / 1000 for available_at in _heads(look, queue)]
    return Queue(
        queue.name,
        queue.paused,
        stalled=stalled,
        oldest_wait=max(waits, default=None),
        settings=look.settings_of(queue),
        own=settings.own_names(queue.settings_text),
        **{**counts, "waiting": queue.waiting},
    )


def _heads(look: Look, queue: QueueRow) -> Iterator[int]:
    """When the next job of each priority became available; two seeks each, however many wait."""
    behind = -NEVER
    while queue.waiting:
        found = [
            row
            for state in (WAITING, LANED)
            if queue.counts[state]
            and (row := look.connection.execute(NEXT_PRIORITY, (queue.id, state, behind)).fetchone())
        ]
        if not found:
            return
        _, priority, available_at = min(found)
        yield available_at
        behind = waiting_ord(priority, PRIORITY_STEP - 1)

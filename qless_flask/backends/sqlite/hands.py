"""What a person does with jobs: cancel, move, update, timeout."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qless_flask.backends.sqlite.leases import fail
from qless_flask.backends.sqlite.record import (
    CANCELED,
    COMPLETE,
    RUNNING,
    WAITING,
    Record,
    join,
    read_job,
    split,
)
from qless_flask.backends.sqlite.statements import DELETE_TAG, LISTED, NEW_TAG, SAVE_DATA
from qless_flask.backends.sqlite.step import Step, waiting_ord
from qless_flask.backends.store import to_milliseconds
from qless_flask.bounds import MAX_TAGS
from qless_flask.errors import Invalid, QlessError, WrongState
from qless_flask.models import Actor, Changes, Job


def cancel(step: Step, jids: Sequence[str], actor: Actor | None) -> list[Job | QlessError]:
    """Stop jobs for good."""

    def one(record: Record) -> None:
        if record.state == COMPLETE:
            raise WrongState.about(record.jid)
        if record.state != CANCELED:
            holder = record.worker
            step.end(record, CANCELED)
            step.happened(record, "canceled", step.queue_of(record), worker=holder, actor=actor)

    return _each(step, jids, one)


def move(step: Step, jids: Sequence[str], queue: str, delay: float, actor: Actor | None) -> list[Job | QlessError]:
    """Put jobs into a queue, at a new place."""

    def one(record: Record) -> None:
        holder, source, target = record.worker, step.queue_of(record), step.known_queue(queue)
        step.forgive(record)
        step.enter(record, target)
        step.make_available(record, target, step.now + to_milliseconds(delay))
        step.happened(record, "moved", source, to=target.name, worker=holder, actor=actor)

    return _each(step, jids, one)


def update(step: Step, jids: Sequence[str], changes: Changes, actor: Actor | None) -> list[Job | QlessError]:
    """Change jobs where they are."""

    def one(record: Record) -> None:
        _tag(step, record, changes)
        if changes.data is not None:
            step.connection.execute(SAVE_DATA, (changes.data, record.id))
        if changes.retries is not None:
            record.retries = changes.retries
            record.remaining = min(record.remaining, changes.retries)
        if changes.priority is not None:
            record.priority = changes.priority
            if record.state == WAITING:
                record.ord = waiting_ord(record.priority, record.place)
        step.happened(record, "updated", step.queue_of(record), actor=actor)

    return _each(step, jids, one)


def timeout(step: Step, jids: Sequence[str], actor: Actor | None) -> list[Job | QlessError]:
    """Take leases away, at the cost of a retry."""

    def one(record: Record) -> None:
        if record.state != RUNNING:
            raise WrongState.about(record.jid)
        holder, queue = record.worker, step.queue_of(record)
        if not record.remaining:
            fail(step, record, queue, "timeout", "", actor=actor)
            return
        record.remaining -= 1
        step.blame(record, "timeout", "", holder)
        step.make_waiting(record, queue, new_place=True)
        step.happened(record, "timed_out", queue, worker=holder, actor=actor)

    return _each(step, jids, one)


def _each(step: Step, jids: Sequence[str], one: Callable[[Record], None]) -> list[Job | QlessError]:
    """Do it to one job after the other, each either wholly or not at all."""
    answers: list[Job | QlessError] = []
    for jid in jids:
        try:
            one(step.record(jid))
        except QlessError as refused:
            answers.append(refused)
            continue
        step.save()
        answers.append(read_job(step.connection.execute(LISTED, (step.namespace, jid)).fetchone()))
    return answers


def _tag(step: Step, record: Record, changes: Changes) -> None:
    before = split(record.tags)
    kept = [tag for tag in before if tag not in changes.remove_tags]
    after = tuple(dict.fromkeys([*kept, *changes.add_tags]))
    if len(after) > MAX_TAGS:
        raise Invalid.of({"tags": [f"a job may have {MAX_TAGS} tags"]})
    gone = [(record.namespace, tag, record.id) for tag in before if tag not in after]
    new = [(record.namespace, tag, record.id) for tag in after if tag not in before]
    step.connection.executemany(DELETE_TAG, gone)
    step.connection.executemany(NEW_TAG, new)
    record.tags = join(after)

"""What a person does with jobs: cancel, move, finish, update, timeout, depend."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qless_flask.backends.numbers import CANCELED_ALONG
from qless_flask.backends.refusals import too_many_open, too_many_tags
from qless_flask.backends.sqlite import depends, figures, unique
from qless_flask.backends.sqlite.ended import end, forget_untold, unblock
from qless_flask.backends.sqlite.leases import time_out
from qless_flask.backends.sqlite.options import read_options
from qless_flask.backends.sqlite.record import (
    CANCELED,
    COMPLETE,
    DEPENDS,
    FAILED,
    LANED,
    RUNNING,
    SCHEDULED,
    STATE_NUMBERS,
    WAITING,
    Record,
    join,
    split,
)
from qless_flask.backends.sqlite.shown import listed_by_jid
from qless_flask.backends.sqlite.statements import (
    DELETE_DEPENDENCY,
    DELETE_RESULT,
    DELETE_TAG,
    NEW_TAG,
    SAVE_DATA,
    SAVE_RESULT,
)
from qless_flask.backends.sqlite.step import Step, waiting_ord
from qless_flask.backends.store import to_milliseconds
from qless_flask.bounds import MAX_OPEN_DEPENDS, MAX_TAGS
from qless_flask.errors import HasDependents, QlessError, WrongState
from qless_flask.models import Actor, Changes, Dependents, Finish, Job, Missing

ON_THEIR_WAY = (SCHEDULED, DEPENDS, WAITING, LANED)


def cancel(step: Step, jids: Sequence[str], dependents: Dependents, actor: Actor | None) -> list[Job | QlessError]:
    """Stop jobs for good."""

    def one(record: Record) -> None:
        if record.state == COMPLETE:
            raise WrongState.about(record.jid)
        if record.state == CANCELED:
            return
        along = [] if dependents == "choice" or not record.awaited else _descendants(step, record.jid, dependents)
        for each in [record, *map(step.record, along)]:
            end(step, each, CANCELED, "canceled", telling=dependents == "choice")

    return _each(step, jids, one, actor)


def move(step: Step, jids: Sequence[str], queue: str, delay: float, actor: Actor | None) -> list[Job | QlessError]:
    """Put jobs into a queue, at a new place."""

    def one(record: Record) -> None:
        holder, source, target = record.worker, step.queue_of(record), step.known_queue(queue)
        had_ended, delay_ms = record.ended_at is not None, to_milliseconds(delay)
        step.enter(record, target)
        if record.state == DEPENDS:
            record.later = -delay_ms
            step.make_depend(record, target)
        else:
            step.make_available(record, target, step.now + delay_ms)
        step.forgive(record)
        record.progress = None
        step.connection.execute(DELETE_RESULT, (record.id,))
        if had_ended:
            unique.take(step, record)
            forget_untold(step, record.jid)
        step.happened(record, "moved", source, to=target.name, worker=holder)

    return _each(step, jids, one, actor)


def finish(step: Step, jids: Sequence[str], asked: Finish, actor: Actor | None) -> list[Job | QlessError]:
    """End jobs, complete or failed."""
    state = STATE_NUMBERS[asked.state]

    def one(record: Record) -> None:
        if record.state == state:
            return
        if state == FAILED:
            step.blame(record, asked.group, asked.message, None)
        if asked.result is not None:
            step.connection.execute(SAVE_RESULT, (record.id, asked.result))
        end(step, record, state, "finished", group=asked.group if state == FAILED else None)
        if state == COMPLETE:
            step.forgive(record)

    return _each(step, jids, one, actor)


def update(step: Step, jids: Sequence[str], changes: Changes, actor: Actor | None) -> list[Job | QlessError]:
    """Change jobs where they are."""
    only_tracks = changes.tracked is not None and changes == Changes(tracked=changes.tracked)

    def one(record: Record) -> None:
        queue = step.queue_of(record)
        if not only_tracks:
            _update(step, record, changes)
            step.happened(record, "updated", queue)
        if changes.tracked is not None and changes.tracked != bool(record.tracked):
            record.tracked = int(changes.tracked)
            step.happened(record, "tracked" if record.tracked else "untracked", queue)

    return _each(step, jids, one, actor)


def timeout(step: Step, jids: Sequence[str], actor: Actor | None) -> list[Job | QlessError]:
    """Take leases away, at the cost of a retry."""

    def one(record: Record) -> None:
        if record.state != RUNNING:
            raise WrongState.about(record.jid)
        time_out(step, record, step.queue_of(record))

    return _each(step, jids, one, actor)


def depend(step: Step, jid: str, on: Sequence[str], off: Sequence[str], missing: Missing, actor: Actor | None) -> Job:
    """Change what a job waits for. Raise JobNotFound, WrongState, UnknownDependency, DependencyCycle or Invalid."""
    step.actor, record = actor, step.record(jid)
    if record.state not in ON_THEIR_WAY:
        raise WrongState.about(jid)
    before = depends.open_of(step, jid) if record.state == DEPENDS else []
    gone = set(before).intersection(off)
    kept = set(before) - gone
    choice = read_options(record.options).on_parent_end
    more, canceled = depends.resolve(step, jid, [name for name in on if name not in kept], missing, choice)
    if len(kept) + len(more) > MAX_OPEN_DEPENDS:
        raise too_many_open()
    depends.search(step, jid, more)

    step.connection.executemany(DELETE_DEPENDENCY, [(step.namespace, name, jid) for name in gone])
    depends.hold(step, jid, more)
    if more and record.state != DEPENDS:
        record.later = record.available_at if record.state == SCHEDULED else None
        step.make_depend(record, step.queue_of(record))
    step.happened(record, "updated", step.queue_of(record))
    if canceled:
        end(step, record, CANCELED, "canceled")
    elif record.state == DEPENDS and not (kept or more):
        unblock(step, record)
    step.save()
    return listed_by_jid(step, jid)


def _each(
    step: Step, jids: Sequence[str], one: Callable[[Record], None], actor: Actor | None
) -> list[Job | QlessError]:
    """Do it to one job after the other, each either wholly or not at all."""
    step.actor = actor
    answers: list[Job | QlessError] = []
    for jid in jids:
        try:
            one(step.record(jid))
        except QlessError as refused:
            answers.append(refused)
            continue
        step.save()
        answers.append(listed_by_jid(step, jid))
    return answers


def _descendants(step: Step, jid: str, dependents: Dependents) -> list[str]:
    """Find those to be canceled along, level by level. Raise HasDependents where none may be, or so many may not."""
    if dependents == "refuse":
        named = depends.dependents(step, jid, 11)
        if named:
            raise HasDependents.of(jid, named)
        return []
    found: set[str] = set()
    order: list[str] = []
    level = [jid]
    while level:
        following: set[str] = set()
        for parent in level:
            following.update(depends.dependents(step, parent, CANCELED_ALONG + 1))
            if len(following | found) > CANCELED_ALONG:
                raise HasDependents.too_many(jid, CANCELED_ALONG)
        level = sorted(following - found)
        found.update(level)
        order += level
    return order


def _update(step: Step, record: Record, changes: Changes) -> None:
    _tag(step, record, changes)
    if changes.data is not None:
        step.connection.execute(SAVE_DATA, (changes.data, record.id))
    if changes.retries is not None:
        record.retries = changes.retries
        record.remaining = min(record.remaining, changes.retries)
    if changes.priority is not None:
        record.priority = changes.priority
        if record.state in (WAITING, LANED):
            record.ord = waiting_ord(record.priority, record.place)
        if record.state == LANED:
            step.lanes.touch(step.queue_of(record), record.key or "", record.requires)


def _tag(step: Step, record: Record, changes: Changes) -> None:
    before = split(record.tags)
    kept = [tag for tag in before if tag not in changes.remove_tags]
    after = tuple(dict.fromkeys([*kept, *changes.add_tags]))
    if after == before:
        return
    if len(after) > MAX_TAGS:
        raise too_many_tags()
    gone = [(record.namespace, tag, record.id) for tag in before if tag not in after]
    new = [(record.namespace, tag, record.id) for tag in after if tag not in before]
    step.connection.executemany(DELETE_TAG, gone)
    step.connection.executemany(NEW_TAG, new)
    record.tags = join(after)
    figures.tags_changed(step, record, before, after)

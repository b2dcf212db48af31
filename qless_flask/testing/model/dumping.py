"""How the model writes itself down as records, page by page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from qless_flask.backends.store import to_milliseconds
from qless_flask.errors import Invalid
from qless_flask.models import (
    OWN_PREFIXES,
    AnyRecord,
    Dumped,
    FiguresRecord,
    HistoryEntry,
    KeyRecord,
    MemoRecord,
    NamespaceRecord,
    QueueRecord,
    RecurrenceRecord,
    Recurring,
    Setting,
    TagRecord,
    UntoldRecord,
    WorkerRecord,
    rule_message,
    setting_message,
)
from qless_flask.models import JobRecord as DumpedJob
from qless_flask.testing.model.records import JobRecord
from qless_flask.testing.model.world import World

Key = tuple[str, ...]


def dump(world: World, cursor: str | None, limit: int) -> Dumped:
    """Write a page of records."""
    position = None if cursor is None else _position(cursor)
    keyed = ((number, key, record) for number, kind in enumerate(_KINDS) for key, record in kind(world))
    left = (each for each in keyed if position is None or each[:2] > position)
    page = list(islice(left, limit))
    more = next(left, None) is not None
    return Dumped(tuple(record for *_, record in page), json.dumps(page[-1][:2]) if more else None)


def job_record(world: World, job: JobRecord) -> DumpedJob:
    """Write down all of a job."""
    depends, runs = job.state == "depends", job.state == "running"
    failure, settled = job.failure, job.settled
    return DumpedJob(
        jid=job.jid,
        klass=job.klass,
        queue=job.queue,
        state=job.state,
        priority=job.priority,
        place=job.place if runs or job.state == "waiting" else 0,
        created_at=job.created,
        available_at=job.available,
        started_at=job.started,
        ended_at=job.ended,
        remaining=job.remaining,
        losses=job.losses,
        runs=job.runs,
        worker=job.worker,
        token=job.canceled_token if job.state == "canceled" else job.token,
        expires_at=job.expires,
        settled=(settled[0], settled[1].lower(), settled[2]) if settled else None,  # type: ignore[arg-type]
        failure=(failure.group, failure.message, to_milliseconds(failure.at), failure.worker, failure.run)
        if failure
        else None,
        history=[(to_milliseconds(entry.at), entry.event, _word(entry)) for entry in job.history],
        log=[(to_milliseconds(line.at), line.message, line.data) for line in job.lines],
        tags=job.tags,
        retries=job.retries,
        pipeline=job.pipeline,
        depends=sorted(job.needs),
        due_in=(job.delay or None) if depends else None,
        due_at_unblock=job.at if depends else None,
        on_parent_end=job.on_parent_end,
        backoff=job.backoff.as_message() if job.backoff else None,
        max_run=job.max_run,
        expires_in=job.expires_in,
        start_by=job.start_by,
        unique=(job.unique.key, _milliseconds(job.unique.seconds)) if job.unique else None,
        holds_unique=job.unique is not None and world.holders.get(job.unique.key) == job.jid,
        requires=list(job.requires),
        key=job.key,
        tracked=job.tracked,
        recurrence=job.recurrence,
        due_at=job.due,
        progress=job.progress,
        data=job.data,
        result=job.result,
    )


def _namespace(world: World) -> Iterator[tuple[Key, AnyRecord]]:
    if world.begun:
        yield (), NamespaceRecord(settings=_messages(world.own), turn=world.turns)


def _queues(world: World) -> Iterator[tuple[Key, AnyRecord]]:
    for name, queue in sorted(world.queues.items(), key=_name):
        settings = world.settings_of(name)
        yield (
            (name,),
            QueueRecord(
                name=name,
                settings=_messages(queue.own),
                paused=queue.paused,
                place=queue.place,
                popped=queue.popped,
                rate_since=queue.rate_since if settings.rate else None,
                key_rate_since=queue.key_rate_since if settings.key_rate else None,
                warned_at=queue.warned_at,
            ),
        )


def _keys(world: World) -> Iterator[tuple[Key, AnyRecord]]:
    for name, queue in sorted(world.queues.items(), key=_name):
        for key, popped in sorted(queue.key_popped.items()):
            yield (name, key), KeyRecord(queue=name, key=key, popped=popped)


def _workers(world: World) -> Iterator[tuple[Key, AnyRecord]]:
    for name, seen in sorted(world.workers.items()):
        wishes, offered = world.wishes.get(name, ()), world.capabilities.get(name, ())
        yield (
            (name,),
            WorkerRecord(
                name=name,
                seen_at=seen,
                quiet="quiet" in wishes,
                stop="stop" in wishes,
                capabilities=list(offered),
            ),
        )


def _tags(world: World) -> Iterator[tuple[Key, AnyRecord]]:
    for name in sorted(world.tracked_tags | world.times.keys()):
        yield from _tag(world, name)


def _tag(world: World, name: str) -> Iterator[tuple[Key, AnyRecord]]:
    times = world.times.get(name)
    record = TagRecord(
        name=name,
        tracked=name in world.tracked_tags,
        waits=times.pops if times else 0,
        waited=times.waited if times else 0,
        runs=times.runs if times else 0,
        ran=times.ran if times else 0,
    )
    if record != TagRecord(name=name):
        yield (name,), record


def _recurrences(world: World) -> Iterator[tuple[Key, AnyRecord]]:
    for id, each in sorted(world.recurrences.items(), key=_name):
        yield (id,), _recurrence(each)


def _recurrence(each: Recurring) -> RecurrenceRecord:
    return RecurrenceRecord(
        rule=rule_message(each.rule),
        next_at=_milliseconds(each.next_at),
        paused=each.paused,
        fired=each.fired,
        last_at=_milliseconds(each.last_at),
        last_jid=each.last_jid,
    )


def _figures(world: World) -> Iterator[tuple[Key, AnyRecord]]:
    for row in sorted(world.figures.rows):
        yield row, FiguresRecord(period=row.period, of=row.of, name=row.name, text=world.figures.text(row))


def _memos(world: World) -> Iterator[tuple[Key, AnyRecord]]:
    for name, value in sorted(world.records.items()):
        if not name.startswith(OWN_PREFIXES):
            yield (name,), MemoRecord(name=name, value=value)


def _jobs(world: World) -> Iterator[tuple[Key, AnyRecord]]:
    for jid, job in sorted(world.jobs.items(), key=_name):
        yield (jid,), job_record(world, job)


def _untold(world: World) -> Iterator[tuple[Key, AnyRecord]]:
    for number, (jid, after) in enumerate(world.untold.items(), 1):
        yield (f"{number:09}",), UntoldRecord(number=number, jid=jid, after=after)


_KINDS: tuple[Callable[[World], Iterable[tuple[Key, AnyRecord]]], ...] = (
    _namespace,
    _queues,
    _keys,
    _workers,
    _tags,
    _recurrences,
    _figures,
    _memos,
    _jobs,
    _untold,
)


def _position(cursor: str) -> tuple[int, Key]:
    try:
        number, key = json.loads(cursor)
        position = int(number), tuple(str(part) for part in key)
    except (ValueError, TypeError):
        raise Invalid.of({"cursor": ["is none that a page of a dump gave as its next"]}) from None
    return position


def _messages(settings: dict[str, Setting]) -> dict[str, object]:
    return {name: setting_message(value) for name, value in settings.items()}


def _word(entry: HistoryEntry) -> str | None:
    return entry.queue or entry.worker or entry.group


def _name(item: tuple[str, object]) -> str:
    return item[0]


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else to_milliseconds(seconds)

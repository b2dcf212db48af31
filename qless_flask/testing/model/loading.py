"""How the model takes over what a dump says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from qless_flask.backends.folding import Row
from qless_flask.backends.store import to_seconds
from qless_flask.models import (
    AnyRecord,
    Backoff,
    Failure,
    FiguresRecord,
    HistoryEntry,
    KeyRecord,
    LogLine,
    MemoRecord,
    NamespaceRecord,
    QueueRecord,
    RecurrenceRecord,
    Recurring,
    TagRecord,
    Unique,
    UntoldRecord,
    WorkerRecord,
    checked_settings,
    read_rule,
)
from qless_flask.models import JobRecord as DumpedJob
from qless_flask.testing.model.records import JobRecord, Times, seconds
from qless_flask.testing.model.world import World

KINDS = {"complete": "Complete", "retry": "Retry", "fail": "Fail", "release": "Release"}
"""What each kind of settlement is called in the records of the model."""


def load(world: World, records: Iterable[AnyRecord]) -> None:
    """Put records in place of what is there."""
    for record in records:
        _LOADERS[type(record)](world, record)


def _namespace(world: World, record: NamespaceRecord) -> None:
    world.own, world.turns = checked_settings(record.settings, namespace=True), record.turn


def _queue(world: World, record: QueueRecord) -> None:
    queue = world.know(record.name)
    queue.own, queue.paused = checked_settings(record.settings), record.paused
    queue.place, queue.popped = record.place, record.popped
    queue.rate_since, queue.key_rate_since = record.rate_since, record.key_rate_since
    queue.warned_at = record.warned_at
    _raise_place(world, record.name)


def _raise_place(world: World, name: str) -> None:
    """See that no place is given again."""
    placed = [job.place for job in world.jobs.values() if job.queue == name and job.state in ("waiting", "running")]
    queue = world.know(name)
    queue.place = max([queue.place, *placed])


def _key(world: World, record: KeyRecord) -> None:
    queue = world.know(record.queue)
    queue.key_popped = {**queue.key_popped, record.key: record.popped}


def _job(world: World, record: DumpedJob) -> None:
    canceled = record.state == "canceled"
    world.let_go_of(record.jid)
    world.jobs[record.jid] = job = JobRecord(
        jid=record.jid,
        klass=record.klass,
        data=record.data,
        priority=record.priority,
        tags=record.tags,
        retries=record.retries,
        pipeline=record.pipeline,
        created=record.created_at,
        on_parent_end=record.on_parent_end,
        backoff=Backoff.of(record.backoff) if record.backoff else None,
        max_run=record.max_run,
        expires_in=record.expires_in,
        unique=Unique(record.unique[0], seconds(record.unique[1])) if record.unique else None,
        requires=tuple(record.requires),
        key=record.key,
        recurrence=record.recurrence,
        due=record.due_at,
        queue=record.queue,
        state=record.state,
        place=record.place,
        available=record.available_at,
        remaining=record.remaining,
        losses=record.losses,
        runs=record.runs,
        started=record.started_at,
        start_by=record.start_by,
        ended=record.ended_at,
        needs=frozenset(record.depends),
        delay=record.due_in or 0,
        at=record.due_at_unblock,
        failure=_failure(record),
        worker=record.worker,
        token=None if canceled else record.token,
        expires=record.expires_at,
        settled=(record.settled[0], KINDS[record.settled[1]], record.settled[2]) if record.settled else None,
        canceled_token=record.token if canceled else None,
        tracked=record.tracked,
        progress=record.progress,
        result=record.result,
        history=[_entry(*entry) for entry in record.history],
        lines=[LogLine(to_seconds(at), message, data) for at, message, data in record.log],
    )
    if job.unique and record.holds_unique:
        world.holders[job.unique.key] = job.jid
    _raise_place(world, record.queue)


def _failure(record: DumpedJob) -> Failure | None:
    if record.failure is None:
        return None
    group, message, at, worker, run = record.failure
    return Failure(group, message, to_seconds(at), worker, run)


def _entry(at: int, event: str, word: str | None) -> HistoryEntry:
    return HistoryEntry(
        to_seconds(at),
        event,
        queue=word if event in ("put", "advanced", "moved") else None,
        worker=word if event in ("popped", "lost") else None,
        group=word if event in ("retried", "failed", "expired", "finished") else None,
    )


def _untold(world: World, record: UntoldRecord) -> None:
    world.untold[record.jid] = record.after
    numbers = world.loaded_numbers = {**world.loaded_numbers, record.jid: record.number}
    world.untold = dict(sorted(world.untold.items(), key=lambda each: numbers.get(each[0], 0)))


def _worker(world: World, record: WorkerRecord) -> None:
    world.workers[record.name] = record.seen_at
    asked = {"quiet": record.quiet, "stop": record.stop}
    world.wishes[record.name] = frozenset(wish for wish, on in asked.items() if on)
    world.capabilities[record.name] = tuple(record.capabilities)


def _tag(world: World, record: TagRecord) -> None:
    rest = world.tracked_tags - {record.name}
    world.tracked_tags = rest | {record.name} if record.tracked else rest
    world.times[record.name] = Times(record.waits, record.waited, record.runs, record.ran)


def _recurrence(world: World, record: RecurrenceRecord) -> None:
    rule = read_rule(record.rule)
    assert rule.id
    world.recurrences[rule.id] = Recurring(
        rule, seconds(record.next_at), record.paused, record.fired, seconds(record.last_at), record.last_jid
    )


def _figures(world: World, record: FiguresRecord) -> None:
    world.figures.load(Row(record.period, record.of, record.name), record.text)


def _memo(world: World, record: MemoRecord) -> None:
    world.records[record.name] = record.value


_LOADERS: Mapping[type, Callable[[World, Any], None]] = {
    NamespaceRecord: _namespace,
    QueueRecord: _queue,
    KeyRecord: _key,
    DumpedJob: _job,
    UntoldRecord: _untold,
    WorkerRecord: _worker,
    TagRecord: _tag,
    RecurrenceRecord: _recurrence,
    FiguresRecord: _figures,
    MemoRecord: _memo,
}

"""Writing what was dumped: each record in place of what is there of the same name, with all that is derived from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from qless_flask.backends.sqlite import figures, settings, wishes
from qless_flask.backends.sqlite.deletion import delete
from qless_flask.backends.sqlite.figure_statements import SAVE_RECURRENCE, SAVE_STATISTIC
from qless_flask.backends.sqlite.lanes import load_pops
from qless_flask.backends.sqlite.look import QueueRow
from qless_flask.backends.sqlite.options import write_options
from qless_flask.backends.sqlite.record import (
    FAILED,
    LANED,
    NEVER,
    SET_END,
    STATE_NUMBERS,
    Record,
    join,
    shown,
)
from qless_flask.backends.sqlite.statements import (
    DELETE_UNTOLD,
    NEW_BODY,
    NEW_DEPENDENCY,
    NEW_LINE,
    NEW_TAG,
    NEW_UNTOLD,
    SAVE_FAILURE,
    SAVE_RECORD,
    SAVE_RESULT,
    SAVE_UNIQUE,
)
from qless_flask.backends.sqlite.step import Step, waiting_ord
from qless_flask.backends.sqlite.transfer_statements import (
    IS_AWAITED,
    LAST_PLACE,
    LOAD_QUEUE,
    LOAD_TAG,
    LOAD_UNTOLD,
    LOAD_WORKER,
    SET_TURN,
)
from qless_flask.backends.store import to_seconds
from qless_flask.backends.waiting import offers
from qless_flask.errors import NotFrozen
from qless_flask.models import (
    ENDED,
    AnyRecord,
    Backoff,
    FiguresRecord,
    JobRecord,
    KeyRecord,
    MemoRecord,
    NamespaceRecord,
    NewJob,
    QueueRecord,
    RecurrenceRecord,
    TagRecord,
    Unique,
    UntoldRecord,
    WorkerRecord,
    read_rule,
)


def load(step: Step, records: Sequence[AnyRecord]) -> None:
    """Write records that have been checked, no two of the same thing. Raise NotFrozen."""
    if not step.frozen:
        raise NotFrozen.about(step.name)
    for record in records:
        _LOADS[type(record)](step, record)
    # Those who come last are told last.
    for untold in sorted((each for each in records if isinstance(each, UntoldRecord)), key=lambda each: each.number):
        _load_untold(step, untold)


def _load_namespace(step: Step, record: NamespaceRecord) -> None:
    settings.set_namespace(step, record.settings)
    step.connection.execute(SET_TURN, (record.turn, step.namespace))


def _load_queue(step: Step, record: QueueRecord) -> None:
    queue = step.known_queue(record.name)
    step.save()
    [placed] = step.connection.execute(LAST_PLACE, (queue.id,)).fetchone()
    queue.place, queue.changed = max(record.place, placed or 0), True
    queue.paused, queue.settings_text = record.paused, settings.write_own(record.settings)
    pace = step.pace_of(queue)
    pace.rate_since, pace.key_rate_since = record.rate_since, record.key_rate_since
    step.connection.execute(
        LOAD_QUEUE,
        (
            record.paused,
            queue.settings_text,
            record.rate_since,
            record.key_rate_since,
            record.warned_at,
            queue.id,
        ),
    )
    load_pops(step, queue, "", record.popped)


def _load_key(step: Step, record: KeyRecord) -> None:
    load_pops(step, step.known_queue(record.queue), record.key, record.popped)


def _load_worker(step: Step, record: WorkerRecord) -> None:
    wishes.forget_worker(step, record.name)
    wishes.count(step, int(record.quiet or record.stop))
    step.workers_replaced = True
    offered = SET_END.join(record.capabilities) or None
    step.connection.execute(
        LOAD_WORKER, (step.namespace, record.name, record.seen_at, record.quiet, record.stop, offered)
    )


def _load_tag(step: Step, record: TagRecord) -> None:
    figured = record.tracked, record.waits, record.waited, record.runs, record.ran
    step.connection.execute(LOAD_TAG, (step.namespace, record.name, *figured))


def _load_recurrence(step: Step, record: RecurrenceRecord) -> None:
    rule = read_rule(record.rule)
    stands = record.next_at, record.paused, record.fired, record.last_at, record.last_jid
    text = msgspec.json.encode(rule).decode()
    step.connection.execute(SAVE_RECURRENCE, (step.namespace, rule.id, text, *stands))


def _load_figures(step: Step, record: FiguresRecord) -> None:
    row = record.period, record.of, record.name, record.text
    step.connection.execute(SAVE_STATISTIC, (step.namespace, *row))


def _load_memo(step: Step, record: MemoRecord) -> None:
    step.connection.execute(SAVE_RECORD, (step.namespace, record.name, record.value))


def _load_untold(step: Step, record: UntoldRecord) -> None:
    step.untold -= step.connection.execute(DELETE_UNTOLD, (step.namespace, record.jid)).rowcount
    # Below 0, where no row is numbered by itself, each namespace has a range of its own.
    number = record.number - (step.namespace << 30)
    told = step.namespace, record.jid, record.after
    if not step.connection.execute(LOAD_UNTOLD, (number, *told)).rowcount:
        step.connection.execute(NEW_UNTOLD, told)
    step.untold += 1


def _load_job(step: Step, job: JobRecord) -> None:
    queue = step.known_queue(job.queue)
    found = step.find(job.jid)
    number = found.id if found else step.new_id()
    if found:
        if job.state in ENDED:
            # Whom it has not told yet may have been loaded before it.
            found.awaited = 0
        delete(step, [found])
    record = _record(step, job, queue)
    record.id = number
    record.awaited = int(step.connection.execute(IS_AWAITED, (step.namespace, job.jid)).fetchone() is not None)
    step.create(record)
    _write_around(step, job, record)
    _enter(step, record, queue, job)
    if job.state == "depends":
        _hold(step, job)
    if job.holds_unique and job.unique:
        key, held_for = job.unique
        until = None if held_for is None else job.created_at + held_for
        step.connection.execute(SAVE_UNIQUE, (step.namespace, key, job.jid, until))


def _write_around(step: Step, job: JobRecord, record: Record) -> None:
    """Write what stands in tables of its own."""
    connection, number = step.connection, record.id
    connection.execute(NEW_BODY, (number, job.klass, job.data))
    if job.failure is not None:
        connection.execute(SAVE_FAILURE, (number, *job.failure[1:]))
    if job.result is not None:
        connection.execute(SAVE_RESULT, (number, job.result))
    connection.executemany(NEW_TAG, [(step.namespace, tag, number) for tag in job.tags])
    sizes = [len((message + (data or "")).encode()) for _, message, data in job.log]
    lines = [
        (number, index, at, size, message, data)
        for index, ((at, message, data), size) in enumerate(zip(job.log, sizes, strict=True), 1)
    ]
    connection.executemany(NEW_LINE, lines)


def _enter(step: Step, record: Record, queue: QueueRow, job: JobRecord) -> None:
    """Count a job into its state and queue, which it has not come into now."""
    state = LANED if job.state == "waiting" and record.requires is not None else STATE_NUMBERS[job.state]
    queue.count(state, 1)
    queue.place = max(queue.place, job.place)
    if record.start_by is not None:
        queue.count_expiring(1)
    if record.tags:
        figures.state_changed(step, record, 0, shown(state))
    if record.requires is not None:
        step.lanes.transfer(record, queue, queue, state)
    record.state, record.ord = state, _ord(job)
    if state == FAILED:
        figures.failed_in(step, record)


def _ord(job: JobRecord) -> int:
    match job.state:
        case "waiting":
            return waiting_ord(job.priority, job.place)
        case "running":
            return NEVER if job.expires_at is None else job.expires_at
        case "scheduled" | "depends":
            return job.available_at
    return -(job.ended_at or 0)


def _hold(step: Step, job: JobRecord) -> None:
    step.connection.executemany(NEW_DEPENDENCY, [(step.namespace, name, job.jid) for name in job.depends])
    for name in job.depends:
        parent = step.find(name)
        if parent and not parent.awaited:
            parent.awaited = 1
            step.touch(parent)


def _record(step: Step, job: JobRecord, queue: QueueRow) -> Record:
    settled = job.settled or (None, None, None)
    later = -job.due_in if job.due_in is not None else job.due_at_unblock
    record = Record(
        id=0,
        namespace=step.namespace,
        jid=job.jid,
        queue=queue.id,
        state=0,
        ord=0,
        priority=job.priority,
        place=job.place,
        created_at=job.created_at,
        available_at=job.available_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        retries=job.retries,
        remaining=job.remaining,
        losses=job.losses,
        runs=job.runs,
        worker=job.worker,
        token=job.token,
        expires_at=job.expires_at,
        settled_token=settled[0],
        settled_as=settled[1],
        settled_state=None if settled[2] is None else STATE_NUMBERS[settled[2]],
        failure_group=job.failure[0] if job.failure else None,
        tags=join(job.tags),
        pipeline=join(job.pipeline),
        history="",
        options=_options(job),
        later=later if job.state == "depends" else None,
        start_by=job.start_by,
        tracked=int(job.tracked),
        awaited=0,
        progress=job.progress,
        requires=offers(job.requires) if job.requires or job.key is not None else None,
        key=job.key,
        klass=job.klass,
    )
    for at, event, word in job.history:
        record.note(at, event, word)
    return record


def _options(job: JobRecord) -> str | None:
    said = NewJob(
        job.klass,
        queue=job.queue,
        on_parent_end=job.on_parent_end,
        backoff=None if job.backoff is None else Backoff.of(job.backoff),
        max_run=_seconds(job.max_run),
        expires_in=_seconds(job.expires_in),
        unique=None if job.unique is None else Unique(job.unique[0], _seconds(job.unique[1])),
    )
    return write_options(said, job.recurrence, _seconds(job.due_at))


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else to_seconds(milliseconds)


def _pass_over(step: Step, record: UntoldRecord) -> None:
    """Leave it for the end."""


_LOADS: Mapping[type, Callable[[Step, Any], None]] = {
    NamespaceRecord: _load_namespace,
    QueueRecord: _load_queue,
    KeyRecord: _load_key,
    JobRecord: _load_job,
    UntoldRecord: _pass_over,
    WorkerRecord: _load_worker,
    TagRecord: _load_tag,
    RecurrenceRecord: _load_recurrence,
    FiguresRecord: _load_figures,
    MemoRecord: _load_memo,
}

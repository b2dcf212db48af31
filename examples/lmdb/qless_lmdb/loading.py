"""Writing what was dumped: each record in place of what is there of the same name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qless_flask.errors import NotFrozen
from qless_flask.models import (
    AnyRecord,
    FiguresRecord,
    JobRecord,
    KeyRecord,
    MemoRecord,
    NamespaceRecord,
    QueueRecord,
    RecurrenceRecord,
    Recurring,
    TagRecord,
    UntoldRecord,
    WorkerRecord,
    read_rule,
)
from qless_lmdb import recurrences
from qless_lmdb.ends import forget_untold, remember_untold
from qless_lmdb.records import JobState, TagTimes, Untold, WorkerState, encode, seconds
from qless_lmdb.standing import STATE_NUMBERS
from qless_lmdb.step import Step


def load(step: Step, records: Sequence[AnyRecord]) -> None:
    """Write records that have been checked, no two of the same thing. Raise NotFrozen."""
    if not step.itself.frozen:
        raise NotFrozen.about(step.name)
    for record in records:
        _LOADERS[type(record)](step, record)


def _namespace(step: Step, record: NamespaceRecord) -> None:
    step.itself.turn = record.turn
    step.set_own(record.settings)


def _queue(step: Step, record: QueueRecord) -> None:
    queue = step.know(record.name)
    queue.settings, queue.paused, queue.warned_at = record.settings, record.paused, record.warned_at
    queue.rate_since, queue.key_rate_since = record.rate_since, record.key_rate_since
    # No place may be given again that a job has which came before its queue.
    queue.place = max([record.place, *_places(step, record.name)])
    step.save_queue(queue)
    if record.popped:
        step.set(encode(record.popped), "popped", record.name, "")
    else:
        step.unset("popped", record.name, "")


def _places(step: Step, queue: str) -> list[int]:
    walks = [step.walk("state", queue, STATE_NUMBERS[state]) for state in ("waiting", "running")]
    return [step.job(jid.decode()).place for walk in walks for _, jid in walk]


def _key(step: Step, record: KeyRecord) -> None:
    step.know(record.queue)
    step.set(encode(record.popped), "popped", record.queue, record.key)


def _worker(step: Step, record: WorkerRecord) -> None:
    worker = WorkerState(seen_at=record.seen_at, quiet=record.quiet, stop=record.stop)
    worker.capabilities = record.capabilities
    step.set(worker.encoded(), "worker", record.name)


def _tag(step: Step, record: TagRecord) -> None:
    times = TagTimes(waits=record.waits, waited=record.waited, runs=record.runs, ran=record.ran)
    for value, kind in (
        (times.encoded() if times != TagTimes() else None, "times"),
        (b"" if record.tracked else None, "tracked tag"),
    ):
        if value is None:
            step.unset(kind, record.name)
        else:
            step.set(value, kind, record.name)


def _recurrence(step: Step, record: RecurrenceRecord) -> None:
    rule, last_at = read_rule(record.rule), seconds(record.last_at)
    recurring = Recurring(rule, seconds(record.next_at), record.paused, record.fired, last_at, record.last_jid)
    recurrences.save(step, recurring)


def _figures(step: Step, record: FiguresRecord) -> None:
    step.keep_text(record.text, "figures", record.period, record.of, record.name)


def _memo(step: Step, record: MemoRecord) -> None:
    step.keep_text(record.value, "memo", record.name)


def _job(step: Step, record: JobRecord) -> None:
    old = step.find(record.jid)
    if old:
        step.delete(old)
    # What a job is made of has the same names here and there.
    job = JobState(**{name: getattr(record, name) for name in JobState.__struct_fields__})
    step.save(job)
    queue = step.know(job.queue)
    if queue.place < job.place:
        queue.place = job.place
        step.save_queue(queue)
    step.keep_text(record.data, "data", job.jid)
    step.keep_text(record.result, "result", job.jid)
    if record.log:
        step.set(encode(record.log), "lines", job.jid)
    if job.unique and record.holds_unique:
        step.hold(job, job.unique[0])


def _untold(step: Step, record: UntoldRecord) -> None:
    forget_untold(step, record.jid)
    # They are told in the order of their numbers, whichever came first; behind all others, where one is taken.
    taken = step.value("untold", record.number) is not None
    remember_untold(step, Untold(jid=record.jid, after=record.after), None if taken else record.number)


_LOADERS: Mapping[type, Callable[[Step, Any], None]] = {
    NamespaceRecord: _namespace,
    QueueRecord: _queue,
    KeyRecord: _key,
    JobRecord: _job,
    UntoldRecord: _untold,
    WorkerRecord: _worker,
    TagRecord: _tag,
    RecurrenceRecord: _recurrence,
    FiguresRecord: _figures,
    MemoRecord: _memo,
}

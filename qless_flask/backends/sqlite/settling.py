"""Leases renewed and ended."""

from __future__ import annotations

from collections.abc import Sequence

from qless_flask.backends.sqlite.leases import fail, held, holds, refusal
from qless_flask.backends.sqlite.look import QueueRow
from qless_flask.backends.sqlite.record import COMPLETE, NEVER, STATE_NAMES, Record, join, split
from qless_flask.backends.sqlite.statements import SAVE_DATA
from qless_flask.backends.sqlite.step import Step
from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.errors import JobNotFound, QlessError
from qless_flask.models import Complete, Fail, Lease, Release, Retry, Settled, Settlement


def heartbeat(step: Step, leases: Sequence[Lease]) -> list[Lease | QlessError]:
    """Renew each lease from now."""
    return [_renewed(step, lease) for lease in leases]


def settle(step: Step, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
    """End each lease as its settlement says, one after the other."""
    return [_settled(step, settlement) for settlement in settlements]


def _renewed(step: Step, lease: Lease) -> Lease | QlessError:
    try:
        record = held(step, lease)
    except QlessError as refused:
        return refused
    assert record.worker is not None
    seconds = step.queue_of(record).settings.heartbeat
    record.expires_at = None if seconds is None else step.now + to_milliseconds(seconds)
    record.ord = NEVER if record.expires_at is None else record.expires_at
    step.touch(record)
    step.see(record.worker)
    return Lease(lease.jid, lease.token, None if record.expires_at is None else to_seconds(record.expires_at))


def _settled(step: Step, settlement: Settlement) -> Settled | QlessError:
    jid, token, kind = settlement.lease.jid, settlement.lease.token, type(settlement).__name__.lower()
    record = step.find(jid)
    if record is None:
        return JobNotFound.about(jid)
    if holds(record, token):
        _end(step, record, settlement)
        record.settled_token, record.settled_as, record.settled_state = token, kind, record.state
        return Settled(jid, STATE_NAMES[record.state])
    if (record.settled_token, record.settled_as) == (token, kind):
        assert record.settled_state is not None
        return Settled(jid, STATE_NAMES[record.settled_state])
    return refusal(record, token)


def _end(step: Step, record: Record, settlement: Settlement) -> None:
    queue = step.queue_of(record)
    if isinstance(settlement, Complete):
        _complete(step, record, queue, settlement)
    elif isinstance(settlement, Retry):
        _retry(step, record, queue, settlement)
    elif isinstance(settlement, Fail):
        _replace_data(step, record, settlement.data)
        fail(step, record, queue, settlement.group, settlement.message)
    else:
        _release(step, record, queue, settlement)


def _complete(step: Step, record: Record, queue: QueueRow, settlement: Complete) -> None:
    holder, pipeline = record.worker, split(record.pipeline)
    _replace_data(step, record, settlement.data)
    step.forgive(record)
    if not settlement.next and not pipeline:
        step.end(record, COMPLETE)
        step.happened(record, "completed", queue, worker=holder)
        return
    if not settlement.next:
        record.pipeline = join(pipeline[1:])
    target = step.known_queue(settlement.next or pipeline[0])
    step.enter(record, target)
    step.make_available(record, target, step.now + to_milliseconds(settlement.delay))
    step.happened(record, "advanced", queue, to=target.name, worker=holder)


def _retry(step: Step, record: Record, queue: QueueRow, settlement: Retry) -> None:
    if not record.remaining:
        fail(step, record, queue, settlement.group, settlement.message)
        return
    holder = record.worker
    record.remaining -= 1
    step.blame(record, settlement.group, settlement.message, holder)
    step.make_available(record, queue, step.now + to_milliseconds(settlement.delay or 0))
    step.happened(record, "retried", queue, worker=holder, group=settlement.group)


def _release(step: Step, record: Record, queue: QueueRow, settlement: Release) -> None:
    holder, due = record.worker, step.now + to_milliseconds(settlement.delay)
    if due > step.now:
        step.make_available(record, queue, due)
    else:
        step.make_waiting(record, queue, new_place=False)
    step.happened(record, "released", queue, worker=holder)


def _replace_data(step: Step, record: Record, data: str | None) -> None:
    if data is not None:
        step.connection.execute(SAVE_DATA, (data, record.id))

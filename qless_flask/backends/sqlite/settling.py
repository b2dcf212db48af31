"""Leases renewed and ended."""

from __future__ import annotations

from collections.abc import Sequence

from qless_flask.backends.refusals import nothing_follows
from qless_flask.backends.sqlite import depends, wishes
from qless_flask.backends.sqlite.ended import end
from qless_flask.backends.sqlite.leases import fail, held, holds, refusal
from qless_flask.backends.sqlite.look import QueueRow
from qless_flask.backends.sqlite.options import read_options
from qless_flask.backends.sqlite.puts import put
from qless_flask.backends.sqlite.record import CANCELED, COMPLETE, NEVER, Record, join, shown, split, state_name
from qless_flask.backends.sqlite.statements import SAVE_DATA, SAVE_RESULT
from qless_flask.backends.sqlite.step import Step
from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.errors import JobNotFound, QlessError
from qless_flask.models import Beat, Complete, Fail, Release, Renewed, Retry, Settled, Settlement


def heartbeat(step: Step, beats: Sequence[Beat]) -> list[Renewed | QlessError]:
    """Renew each lease from now, and take down what its worker has to say."""
    return [_renewed(step, beat) for beat in beats]


def settle(step: Step, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
    """End each lease as its settlement says, one after the other."""
    return [_settled(step, settlement) for settlement in settlements]


def _renewed(step: Step, beat: Beat) -> Renewed | QlessError:
    try:
        record = held(step, beat.lease)
    except QlessError as refused:
        return refused
    assert record.worker is not None
    record.expires_at = step.expiry(record, step.queue_of(record))
    record.ord = NEVER if record.expires_at is None else record.expires_at
    if beat.progress is not None:
        record.progress = beat.progress
    _replace_data(step, record, beat.data)
    step.touch(record)
    step.see(record.worker)
    quiet, stop = wishes.wished(step, record.worker) if step.wishes else (False, False)
    expires_at = None if record.expires_at is None else to_seconds(record.expires_at)
    return Renewed(record.jid, expires_at, quiet, stop)


def _settled(step: Step, settlement: Settlement) -> Settled | QlessError:
    jid, token, kind = settlement.lease.jid, settlement.lease.token, type(settlement).__name__.lower()
    record = step.find(jid)
    if record is None:
        return JobNotFound.about(jid)
    if holds(record, token):
        try:
            _end(step, record, settlement)
        except QlessError as refused:
            return refused
        record.settled_token, record.settled_as, record.settled_state = token, kind, shown(record.state)
        step.touch(record)
        return Settled(jid, state_name(record.state))
    if (record.settled_token, record.settled_as) == (token, kind):
        assert record.settled_state is not None
        return Settled(jid, state_name(record.settled_state))
    return refusal(record, token)


def _end(step: Step, record: Record, settlement: Settlement) -> None:
    queue = step.queue_of(record)
    if isinstance(settlement, Complete):
        _follow_up(step, record, queue, settlement)
    elif isinstance(settlement, Retry):
        _retry(step, record, queue, settlement)
    elif isinstance(settlement, Fail):
        _replace_data(step, record, settlement.data)
        fail(step, record, settlement.group, settlement.message)
    else:
        _release(step, record, queue, settlement)


def _follow_up(step: Step, record: Record, queue: QueueRow, settlement: Complete) -> None:
    if settlement.depends and not (settlement.next or record.pipeline):
        raise nothing_follows()
    if not settlement.puts:
        _complete(step, record, queue, settlement)
        return
    with step.attempt():
        put(step, settlement.puts)
        _complete(step, record, queue, settlement)


def _complete(step: Step, record: Record, queue: QueueRow, settlement: Complete) -> None:
    pipeline = split(record.pipeline)
    following = settlement.next or (pipeline[0] if pipeline else None)
    parents, canceled = _parents(step, record, settlement)
    _replace_data(step, record, settlement.data)
    if settlement.result is not None:
        step.connection.execute(SAVE_RESULT, (record.id, settlement.result))
    step.forgive(record)
    if following is None:
        end(step, record, COMPLETE, "completed")
        return
    if not settlement.next:
        record.pipeline = join(pipeline[1:])
    holder, target, delay = record.worker, step.known_queue(following), to_milliseconds(settlement.delay)
    record.progress = None
    step.enter(record, target)
    if parents:
        record.later = -delay
        step.make_depend(record, target)
        depends.hold(step, record.jid, parents)
    else:
        step.make_available(record, target, step.now + delay)
    step.happened(record, "advanced", queue, to=target.name, worker=holder)
    if canceled:
        end(step, record, CANCELED, "canceled")


def _parents(step: Step, record: Record, settlement: Complete) -> tuple[list[str], bool]:
    """Find what the next stage has to wait for, and whether the end of one of them cancels the job."""
    if not settlement.depends:
        return [], False
    choice = read_options(record.options).on_parent_end
    parents, canceled = depends.resolve(step, record.jid, settlement.depends, settlement.missing, choice)
    depends.search(step, record.jid, parents)
    return parents, canceled


def _retry(step: Step, record: Record, queue: QueueRow, settlement: Retry) -> None:
    if not record.remaining:
        fail(step, record, settlement.group, settlement.message)
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

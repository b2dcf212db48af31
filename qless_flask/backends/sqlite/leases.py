"""Who may do something with a job: the checks of heartbeat, settle and log; and leases that end by themselves."""

from __future__ import annotations

from qless_flask.backends.sqlite.ended import end
from qless_flask.backends.sqlite.look import QueueRow
from qless_flask.backends.sqlite.record import CANCELED, FAILED, RUNNING, Record
from qless_flask.backends.sqlite.step import Step
from qless_flask.errors import JobCanceled, LeaseLost, QlessError
from qless_flask.models import Lease


def holds(record: Record, token: str) -> bool:
    """Tell whether a token is that of the live lease on a job."""
    return record.state == RUNNING and record.token == token


def refusal(record: Record, token: str) -> QlessError:
    """Tell a token that is not the current one why."""
    canceled = record.state == CANCELED and record.token == token
    return JobCanceled.about(record.jid) if canceled else LeaseLost.about(record.jid)


def held(step: Step, lease: Lease) -> Record:
    """Find the job of a live lease. Raise JobNotFound, JobCanceled or LeaseLost."""
    record = step.record(lease.jid)
    if not holds(record, lease.token):
        raise refusal(record, lease.token)
    return record


def take_back(step: Step, record: Record, queue: QueueRow) -> None:
    """Take back a lease that is over: the job waits at its old place, or fails when it was lost too often.

    A run that has taken as long as it may is timed out.
    """
    over_at = step.over_at(record, queue)
    if over_at is not None and step.now >= over_at:
        time_out(step, record, queue)
        return
    holder = record.worker
    record.losses += 1
    if record.losses > step.settings_of(queue).max_losses:
        fail(step, record, "lost", "")
    else:
        step.make_waiting(record, queue, new_place=False)
        step.happened(record, "lost", queue, worker=holder)


def time_out(step: Step, record: Record, queue: QueueRow) -> None:
    """Take a lease away at the cost of a retry; where none remains, the job fails."""
    if not record.remaining:
        fail(step, record, "timeout", "")
        return
    holder = record.worker
    record.remaining -= 1
    step.blame(record, "timeout", "", holder)
    step.make_waiting(record, queue, new_place=True)
    step.happened(record, "timed_out", queue, worker=holder)


def fail(step: Step, record: Record, group: str, message: str) -> None:
    """End a running job as failed, under a group."""
    step.blame(record, group, message, record.worker)
    end(step, record, FAILED, "failed", group=group)

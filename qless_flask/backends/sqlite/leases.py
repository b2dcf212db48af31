"""Who may do something with a job: the checks of heartbeat, settle and log; and leases that end by themselves."""

from __future__ import annotations

from qless_flask.backends.sqlite.look import QueueRow
from qless_flask.backends.sqlite.record import CANCELED, FAILED, RUNNING, Record
from qless_flask.backends.sqlite.step import Step
from qless_flask.errors import JobCanceled, LeaseLost, QlessError
from qless_flask.models import Actor, Lease


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
    """Take back a lost lease: the job waits at its old place, or fails when it was lost too often."""
    holder = record.worker
    record.losses += 1
    if record.losses > queue.settings.max_losses:
        fail(step, record, queue, "lost", "")
    else:
        step.make_waiting(record, queue, new_place=False)
        step.happened(record, "lost", queue, worker=holder)


def fail(step: Step, record: Record, queue: QueueRow, group: str, message: str, *, actor: Actor | None = None) -> None:
    """End a running job as failed, under a group."""
    holder = record.worker
    step.blame(record, group, message, holder)
    step.end(record, FAILED)
    step.happened(record, "failed", queue, worker=holder, group=group, actor=actor)

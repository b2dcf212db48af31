"""Leases: given, renewed, held, and taken back."""

from __future__ import annotations

from secrets import token_hex

from qless_flask.backends.store import to_milliseconds
from qless_flask.errors import JobCanceled, JobNotFound, LeaseLost, QlessError
from qless_flask.models import Actor, Lease
from qless_lmdb import limits
from qless_lmdb.ends import fail, failure
from qless_lmdb.records import JobState
from qless_lmdb.stages import end_lease, stand, stand_again
from qless_lmdb.step import Step


def lease(step: Step, job: JobState, worker: str) -> None:
    """Give a job to a worker under a new token."""
    step.note_wait(job, max(0, step.now - job.available_at))
    limits.remember_pop(step, job)
    job.state, job.worker, job.token = "running", worker, token_hex(8)
    job.started_at, job.start_by = step.now, None
    job.runs += 1
    renew(step, job)
    step.tell(job, "popped", worker=worker)


def renew(step: Step, job: JobState) -> None:
    """Let a lease live for a heartbeat from now, but no longer than the run may take."""
    heartbeat, most = step.settings_of(job.queue).heartbeat, max_run(step, job)
    ends = [] if heartbeat is None else [step.now + to_milliseconds(heartbeat)]
    ends += [] if most is None else [(job.started_at or 0) + most]
    job.expires_at = min(ends, default=None)


def max_run(step: Step, job: JobState) -> int | None:
    """Tell how long a run of a job may take now."""
    if job.max_run is not None:
        return job.max_run
    most = step.settings_of(job.queue).max_run
    return None if most is None else to_milliseconds(most)


def held(step: Step, lease: Lease) -> JobState | QlessError:
    """Find the job that a lease is on, or tell why it is on none."""
    job = step.find(lease.jid)
    if job is None:
        return JobNotFound.about(lease.jid)
    if job.token == lease.token and job.state == "running":
        return job
    if job.token == lease.token and job.state == "canceled":
        return JobCanceled.about(lease.jid)
    return LeaseLost.about(lease.jid)


def take_back(step: Step, job: JobState) -> None:
    """Take a lost lease back: a retry the less when the run took too long; else to the old place, or failed."""
    most = max_run(step, job)
    if most is not None and step.now >= (job.started_at or 0) + most:
        time_out(step, job)
        return
    holder = end_lease(step, job)
    job.losses += 1
    if job.losses > step.settings_of(job.queue).max_losses:
        fail(step, job, failure(step, job, "lost", "", holder))
    else:
        stand_again(step, job)
        step.tell(job, "lost", worker=holder)


def time_out(step: Step, job: JobState, actor: Actor | None = None) -> None:
    """Take a lease away at the cost of a retry; where none remains, the job fails."""
    holder = end_lease(step, job)
    found = failure(step, job, "timeout", "", holder)
    if job.remaining == 0:
        fail(step, job, found, actor=actor)
    else:
        job.remaining, job.failure = job.remaining - 1, found
        stand(step, job, step.now)
        step.tell(job, "timed_out", worker=holder, actor=actor)

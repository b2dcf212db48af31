"""What workers say of the jobs that they hold: how far they are, and how it ended."""

from __future__ import annotations

from qless_flask.backends.numbers import LOG_BYTES, LOG_LINES
from qless_flask.backends.refusals import nothing_follows
from qless_flask.backends.store import to_milliseconds
from qless_flask.errors import QlessError
from qless_flask.models import Beat, Complete, Fail, Lease, Release, Renewed, Retry, Settled, Settlement
from qless_lmdb.ends import cancel, end, fail, failure
from qless_lmdb.leases import held, renew
from qless_lmdb.puts import put, search, wait_for
from qless_lmdb.records import JobState, Line, encode, seconds
from qless_lmdb.stages import end_lease, enter, stand, stand_again
from qless_lmdb.step import Step


def heartbeat(step: Step, beat: Beat) -> Renewed | QlessError:
    """Renew a lease from now, and take what its worker says."""
    job = held(step, beat.lease)
    if isinstance(job, QlessError):
        return job
    job.progress = job.progress if beat.progress is None else beat.progress
    step.keep_text(beat.data, "data", job.jid)
    renew(step, job)
    step.save(job)
    worker = step.see(job.worker or "")
    return Renewed(job.jid, seconds(job.expires_at), worker.quiet, worker.stop)


def log(step: Step, lease: Lease, message: str, data: str | None) -> None:
    """Add a line to a job's log, and drop the oldest that are over the limits. Raise what `held` answers."""
    job = held(step, lease)
    if isinstance(job, QlessError):
        raise job
    lines = [*step.lines(job.jid), (step.now, message, data)][-LOG_LINES:]
    while sum(map(_size, lines)) > LOG_BYTES:
        del lines[0]
    step.set(encode(lines), "lines", job.jid)


def settle(step: Step, settlement: Settlement) -> Settled | QlessError:
    """End a lease as its settlement says, or answer as the first time."""
    lease, kind = settlement.lease, type(settlement).__name__.lower()
    job = held(step, lease)
    if isinstance(job, QlessError):
        last = step.find(lease.jid)
        if last and last.settled and last.settled[:2] == (lease.token, kind):
            return Settled(lease.jid, last.settled[2])
        return job
    if isinstance(settlement, Complete):
        try:
            _complete(step, job, settlement)
        except QlessError as error:
            return error
    elif isinstance(settlement, Retry):
        _retry(step, job, settlement)
    elif isinstance(settlement, Fail):
        step.keep_text(settlement.data, "data", job.jid)
        fail(step, job, failure(step, job, settlement.group, settlement.message, end_lease(step, job)))
    else:
        _release(step, job, settlement)
    job.settled = lease.token, kind, job.state
    step.save(job)
    return Settled(job.jid, job.state)


def _complete(step: Step, job: JobState, settlement: Complete) -> None:
    following = settlement.next or (job.pipeline[0] if job.pipeline else None)
    if settlement.depends and following is None:
        raise nothing_follows()
    needs, canceled = _put_and_wait(step, job, settlement) if settlement.puts or settlement.depends else ([], False)

    left, worker = job.queue, end_lease(step, job)
    step.keep_text(settlement.data, "data", job.jid)
    step.keep_text(settlement.result, "result", job.jid)
    if following is None:
        job.failure = None
        end(step, job, "complete", "completed", worker=worker)
        return
    job.pipeline = job.pipeline if settlement.next else job.pipeline[1:]
    job.depends = sorted(needs)
    enter(step, job, following, delay=to_milliseconds(settlement.delay))
    step.tell(job, "advanced", queue=left, worker=worker)
    if canceled:
        cancel(step, job)


def _put_and_wait(step: Step, job: JobState, settlement: Complete) -> tuple[list[str], bool]:
    """Put what is to be put, all or nothing; then find out what the next stage waits for."""
    with step.whole():
        for new in settlement.puts:
            put(step, new)
        needs, canceled = wait_for(step, job.jid, settlement.depends, settlement.missing, job.on_parent_end)
        search(step, job.jid, needs)
    return needs, canceled


def _retry(step: Step, job: JobState, settlement: Retry) -> None:
    worker = end_lease(step, job)
    found = failure(step, job, settlement.group, settlement.message, worker)
    if job.remaining == 0:
        fail(step, job, found)
    else:
        job.remaining, job.failure = job.remaining - 1, found
        stand(step, job, step.now + to_milliseconds(settlement.delay or 0))
        step.tell(job, "retried", worker=worker, group=settlement.group)


def _release(step: Step, job: JobState, settlement: Release) -> None:
    worker = end_lease(step, job)
    if settlement.delay:
        stand(step, job, step.now + to_milliseconds(settlement.delay))
    else:
        stand_again(step, job)
    step.tell(job, "released", worker=worker)


def _size(line: Line) -> int:
    _, message, data = line
    return len(message.encode()) + len((data or "").encode())

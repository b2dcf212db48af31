"""How the model renews and ends leases."""

from __future__ import annotations

from qless_flask.backends.refusals import nothing_follows
from qless_flask.backends.store import to_milliseconds
from qless_flask.errors import JobCanceled, JobNotFound, LeaseLost, QlessError
from qless_flask.models import Beat, Complete, Fail, Lease, Release, Renewed, Retry, Settled, Settlement
from qless_flask.testing.model.puts import put, search, wait_for
from qless_flask.testing.model.records import JobRecord, seconds
from qless_flask.testing.model.world import World


def renew(world: World, beat: Beat) -> Renewed | QlessError:
    """Renew a lease from now, and take what its worker says."""
    job = held(world, beat.lease)
    if isinstance(job, QlessError):
        return job
    assert job.worker
    job.progress = job.progress if beat.progress is None else beat.progress
    job.data = job.data if beat.data is None else beat.data
    world.renew(job)
    world.touched.append(job.queue)
    world.see(job.worker)
    wishes = world.wishes.get(job.worker, frozenset())
    return Renewed(job.jid, seconds(job.expires), "quiet" in wishes, "stop" in wishes)


def settle(world: World, settlement: Settlement) -> Settled | QlessError:
    """End a lease as its settlement says, or answer as the first time."""
    job, lease, kind = world.jobs.get(settlement.lease.jid), settlement.lease, type(settlement).__name__
    found = held(world, lease)
    if isinstance(found, QlessError):
        if job and job.settled and job.settled[:2] == (lease.token, kind):
            return Settled(job.jid, job.settled[2])
        return found
    if isinstance(settlement, Complete):
        try:
            _complete(world, found, settlement)
        except QlessError as error:
            return error
    elif isinstance(settlement, Retry):
        _retry(world, found, settlement)
    elif isinstance(settlement, Fail):
        found.data = found.data if settlement.data is None else settlement.data
        world.fail(found, world.failure(found, settlement.group, settlement.message, world.end_lease(found)))
    else:
        _release(world, found, settlement)
    found.settled = lease.token, kind, found.state
    return Settled(found.jid, found.state)


def held(world: World, lease: Lease) -> JobRecord | QlessError:
    """Find the job that a lease is on, or tell why it is on none."""
    job = world.jobs.get(lease.jid)
    if job is None:
        return JobNotFound.about(lease.jid)
    if job.token == lease.token:
        return job
    if job.state == "canceled" and job.canceled_token == lease.token:
        return JobCanceled.about(lease.jid)
    return LeaseLost.about(lease.jid)


def _complete(world: World, job: JobRecord, settlement: Complete) -> None:
    following = settlement.next or (job.pipeline[0] if job.pipeline else None)
    if settlement.depends and following is None:
        raise nothing_follows()
    needs, canceled = _put_and_wait(world, job, settlement) if settlement.puts or settlement.depends else ([], False)

    left, worker = job.queue, world.end_lease(job)
    job.data = job.data if settlement.data is None else settlement.data
    job.result = job.result if settlement.result is None else settlement.result
    if following is None:
        job.failure = None
        world.end(job, "complete", "completed", worker=worker)
        return
    job.pipeline = job.pipeline if settlement.next else job.pipeline[1:]
    job.needs = frozenset(needs)
    world.enter(job, following, delay=to_milliseconds(settlement.delay))
    world.tell(job, "advanced", queue=left, worker=worker)
    if canceled:
        world.cancel(job)


def _put_and_wait(world: World, job: JobRecord, settlement: Complete) -> tuple[list[str], bool]:
    with world.whole():
        for new in settlement.puts:
            put(world, new)
        needs, canceled = wait_for(world, job.jid, settlement.depends, settlement.missing, job.on_parent_end)
        search(world, job.jid, needs)
    return needs, canceled


def _retry(world: World, job: JobRecord, settlement: Retry) -> None:
    worker = world.end_lease(job)
    failure = world.failure(job, settlement.group, settlement.message, worker)
    if job.remaining == 0:
        world.fail(job, failure)
    else:
        job.remaining, job.failure = job.remaining - 1, failure
        world.stand(job, world.now + to_milliseconds(settlement.delay or 0))
        world.tell(job, "retried", worker=worker, group=settlement.group)


def _release(world: World, job: JobRecord, settlement: Release) -> None:
    worker = world.end_lease(job)
    if settlement.delay:
        world.stand(job, world.now + to_milliseconds(settlement.delay))
    else:
        world.stand_again(job)
    world.tell(job, "released", worker=worker)

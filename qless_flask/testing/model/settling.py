"""How the model renews and ends leases."""

from __future__ import annotations

from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.errors import JobCanceled, JobNotFound, LeaseLost, QlessError
from qless_flask.models import Complete, Fail, Lease, Release, Retry, Settled, Settlement
from qless_flask.testing.model.records import JobRecord
from qless_flask.testing.model.world import World


def renew(world: World, lease: Lease) -> Lease | QlessError:
    """Renew a lease from now."""
    job = held(world, lease)
    if isinstance(job, QlessError):
        return job
    heartbeat = world.queues[job.queue].settings.heartbeat
    job.expires = None if heartbeat is None else world.now + to_milliseconds(heartbeat)
    world.touched.append(job.queue)
    if job.worker:
        world.see(job.worker)
    return Lease(job.jid, lease.token, None if job.expires is None else to_seconds(job.expires))


def settle(world: World, settlement: Settlement) -> Settled | QlessError:
    """End a lease as its settlement says, or answer as the first time."""
    job, lease, kind = world.jobs.get(settlement.lease.jid), settlement.lease, type(settlement).__name__
    found = held(world, lease)
    if isinstance(found, QlessError):
        if job and job.settled and job.settled[:2] == (lease.token, kind):
            return Settled(job.jid, job.settled[2])
        return found
    worker = found.end_lease()
    assert worker
    if isinstance(settlement, Complete):
        _complete(world, found, settlement, worker)
    elif isinstance(settlement, Retry):
        _retry(world, found, settlement, worker)
    elif isinstance(settlement, Fail):
        found.data = found.data if settlement.data is None else settlement.data
        world.fail(found, world.failure(found, settlement.group, settlement.message, worker))
    else:
        _release(world, found, settlement, worker)
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


def _complete(world: World, job: JobRecord, settlement: Complete, worker: str) -> None:
    left = job.queue
    job.data = job.data if settlement.data is None else settlement.data
    following = settlement.next or (job.pipeline.pop(0) if job.pipeline else None)
    if following:
        world.enter(job, following, world.now + to_milliseconds(settlement.delay))
        world.tell(job, "advanced", queue=left, worker=worker)
    else:
        job.state, job.ended, job.failure = "complete", world.now, None
        world.tell(job, "completed", worker=worker)


def _retry(world: World, job: JobRecord, settlement: Retry, worker: str) -> None:
    failure = world.failure(job, settlement.group, settlement.message, worker)
    if job.remaining == 0:
        world.fail(job, failure)
    else:
        job.remaining, job.failure = job.remaining - 1, failure
        world.stand(job, world.now + to_milliseconds(settlement.delay or 0))
        world.tell(job, "retried", worker=worker, group=settlement.group)


def _release(world: World, job: JobRecord, settlement: Release, worker: str) -> None:
    if settlement.delay:
        world.stand(job, world.now + to_milliseconds(settlement.delay))
    else:
        world.stand_again(job)
    world.tell(job, "released", worker=worker)

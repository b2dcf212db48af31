"""Which jobs may run now, in the model: each limit worked out from what runs and what was popped."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from qless_flask.backends.refusals import too_many_sets
from qless_flask.backends.store import to_milliseconds
from qless_flask.bounds import MAX_REQUIREMENT_SETS
from qless_flask.errors import QuotaExceeded
from qless_flask.models import NewJob, QueueSettings, Rate, State
from qless_flask.testing.model.holdings import Holdings
from qless_flask.testing.model.records import JobRecord

TO_RUN: tuple[State, ...] = ("scheduled", "depends", "waiting")


def may_run(world: Holdings, job: JobRecord, capabilities: Collection[str]) -> bool:
    """Tell whether a job may be given to a worker that offers these."""
    settings = world.settings_of(job.queue)
    return (
        set(job.requires) <= set(capabilities)
        and _has_room(world, job.queue, settings)
        and _free_at(world, job.queue, settings) is None
        and _key_has_room(world, job, settings)
        and _key_free_at(world, job, settings) is None
    )


def free_times(world: Holdings, queue: str) -> list[int]:
    """List when the rates of a queue, and of the keys in it, let the next job through that they keep back now."""
    settings, waiting = world.settings_of(queue), world.waiting(queue)
    times = [_free_at(world, queue, settings)] if waiting else []
    times += [_key_free_at(world, job, settings) for job in waiting if _key_has_room(world, job, settings)]
    return [at for at in times if at is not None]


def remember_pop(world: Holdings, job: JobRecord) -> None:
    """Note when a job was popped, where a rate counts that."""
    record, settings = world.know(job.queue), world.settings_of(job.queue)
    if settings.rate:
        record.popped = [*record.popped, world.now][-settings.rate.limit :]
    if settings.key_rate and job.key is not None:
        times = [*record.key_popped.get(job.key, ()), world.now][-settings.key_rate.limit :]
        record.key_popped = {**record.key_popped, job.key: times}


def settings_changed(world: Holdings, queue: str, before: QueueSettings) -> None:
    """Let rates that are new, or over a longer time, count from now; and let those look who wait."""
    record, after = world.know(queue), world.settings_of(queue)
    if _counts_anew(before.rate, after.rate):
        record.rate_since = world.now
    if _counts_anew(before.key_rate, after.key_rate):
        record.key_rate_since = world.now
    world.touched += [queue] * len(world.waiting(queue))


def forget_pops(world: Holdings, queue: str) -> None:
    """Forget the pops of keys of which none counts any more."""
    record, rate = world.know(queue), world.settings_of(queue).key_rate
    record.key_popped = {
        key: times
        for key, times in record.key_popped.items()
        if rate and _counted(world, times[-1:], rate, record.key_rate_since)
    }


def check_room(world: Holdings, new: NewJob, old: JobRecord | None) -> None:
    """Raise Invalid or QuotaExceeded unless a queue has room for one more job, in place of an old one."""
    most = world.settings_of(new.queue).max_size
    # Most puts go into queues without bounds, and some of those are long.
    if not new.requires and most is None:
        return
    there = [job for job in world.jobs.values() if job is not old and job.queue == new.queue]
    sets = {job.requires for job in there if job.requires and job.state in (*TO_RUN, "running")}
    if new.requires and new.requires not in sets and len(sets) >= MAX_REQUIREMENT_SETS:
        raise too_many_sets()
    if most is not None and sum(job.state in TO_RUN for job in there) >= most:
        raise QuotaExceeded.about(new.queue)


def _has_room(world: Holdings, queue: str, settings: QueueSettings) -> bool:
    most = settings.max_concurrency
    return most is None or len(world.jobs_of(queue, "running")) < most


def _free_at(world: Holdings, queue: str, settings: QueueSettings) -> int | None:
    record = world.know(queue)
    return _full_until(world, record.popped, settings.rate, record.rate_since)


def _key_has_room(world: Holdings, job: JobRecord, settings: QueueSettings) -> bool:
    most = settings.key_concurrency
    if most is None or job.key is None:
        return True
    return sum(other.key == job.key for other in world.jobs_of(job.queue, "running")) < most


def _key_free_at(world: Holdings, job: JobRecord, settings: QueueSettings) -> int | None:
    if job.key is None:
        return None
    record = world.know(job.queue)
    return _full_until(world, record.key_popped.get(job.key, ()), settings.key_rate, record.key_rate_since)


def _full_until(world: Holdings, times: Sequence[int], rate: Rate | None, since: int | None) -> int | None:
    """Tell when a rate lets the next pop through, if it keeps it back now."""
    if rate is None:
        return None
    counted = sorted(_counted(world, times, rate, since))
    return counted[-rate.limit] + to_milliseconds(rate.per) if len(counted) >= rate.limit else None


def _counted(world: Holdings, times: Sequence[int], rate: Rate, since: int | None) -> list[int]:
    per = to_milliseconds(rate.per)
    return [at for at in times if at >= (since or 0) and world.now < at + per]


def _counts_anew(before: Rate | None, after: Rate | None) -> bool:
    return after is not None and (before is None or after.per > before.per)

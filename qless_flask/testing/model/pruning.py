"""What the model forgets: jobs that ended long ago, pops, events, workers, statistics."""

from __future__ import annotations

from qless_flask.backends.numbers import (
    EVENT_ENTRIES,
    EVENT_MOST_SECONDS,
    EVENT_SECONDS,
    READER_PREFIX,
    TRIM_WARNING_SECONDS,
    WORKER_SECONDS,
)
from qless_flask.backends.store import to_milliseconds
from qless_flask.models import Event, Keep, Pruned, State
from qless_flask.testing.model.limits import forget_pops
from qless_flask.testing.model.puts import delete
from qless_flask.testing.model.records import JobRecord
from qless_flask.testing.model.world import World

IN_TURN: tuple[State, ...] = ("complete", "canceled", "failed")


def prune(world: World, limit: int) -> Pruned:
    """Warn, then delete what is past its retention: jobs up to a limit, events, workers."""
    if world.frozen:
        return Pruned(0, more=False)
    queues = sorted(world.queues)
    for queue in queues:
        _warn(world, queue)
    past = [job for queue in queues for state in IN_TURN for job in _past(world, queue, state)]
    for job in past[:limit]:
        delete(world, job)
        world.log("pruned", job.queue, job=job)
    for queue in queues:
        forget_pops(world, queue)
    _trim(world)
    world.holders = {key: jid for key, jid in world.holders.items() if world.holder(key)}
    _forget_workers(world)
    return Pruned(len(past[:limit]), more=len(past) > limit)


def _warn(world: World, queue: str) -> None:
    record, keep = world.know(queue), world.settings_of(queue).retention.failed
    failed = world.jobs_of(queue, "failed")
    oldest = min((job.ended or 0 for job in failed), default=world.now)
    many = len(failed) * 10 > keep.count * 9
    old = (world.now - oldest) * 10 >= to_milliseconds(keep.age) * 9
    if not failed or not (many or old):
        record.warned_at = None
    elif record.warned_at is None or world.now >= record.warned_at + to_milliseconds(TRIM_WARNING_SECONDS):
        record.warned_at = world.now
        world.log("trim_warning", queue)


def _past(world: World, queue: str, state: State) -> list[JobRecord]:
    keep: Keep = getattr(world.settings_of(queue).retention, state)
    ended = world.jobs_of(queue, state)
    surplus = max(0, len(ended) - keep.count)
    waited_for = {name for job in world.jobs.values() for name in job.needs}
    # By two sorts: the longest ended first, and of equals those first whose jids come last.
    ended = sorted((job for job in ended if job.jid not in waited_for), key=lambda job: job.jid, reverse=True)
    ended.sort(key=lambda job: job.ended or 0)
    since = world.now - to_milliseconds(keep.age)
    return ended[:surplus] + [job for job in ended[surplus:] if (job.ended or 0) <= since]


def _trim(world: World) -> None:
    readers = [text for name, text in world.records.items() if name.startswith(READER_PREFIX)]
    passed = min((int(text) for text in readers if text.isascii() and text.isdigit()), default=world.event_count)
    kept = [event for event in world.events if not _is_over(world, event, passed)]
    if len(kept) < len(world.events):
        world.trimmed = world.event_count - len(kept)
        world.events = kept


def _is_over(world: World, event: Event, passed: int) -> bool:
    number, age = int(event.cursor), world.now - to_milliseconds(event.at)
    return (
        (age >= to_milliseconds(EVENT_SECONDS) and number <= passed)
        or age >= to_milliseconds(EVENT_MOST_SECONDS)
        or number <= world.event_count - EVENT_ENTRIES
    )


def _forget_workers(world: World) -> None:
    running = {job.worker for job in world.jobs.values()}
    since = world.now - to_milliseconds(WORKER_SECONDS)
    for name, seen in [*world.workers.items()]:
        if seen <= since and name not in running:
            world.forget_worker(name)

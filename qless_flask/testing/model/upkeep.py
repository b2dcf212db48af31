"""What the model does in the background: promote and prune."""

from __future__ import annotations

from qless_flask.models import ENDED, Promoted, Pruned, State
from qless_flask.testing.model.puts import delete
from qless_flask.testing.model.records import JobRecord
from qless_flask.testing.model.world import World

DAY = 86_400_000
HOUR = 3_600_000
RETENTION: dict[State, tuple[int, int]] = {
    "complete": (7 * DAY, 50_000),
    "canceled": (DAY, 10_000),
    "failed": (90 * DAY, 100_000),
}
"""How long, in milliseconds, and how many a queue keeps of each."""


def promote(world: World, limit: int) -> Promoted:
    """Attend to all queues, in steps of one job, up to a limit; then tell dependents that are left."""
    expired = lost = promoted = 0
    for queue in sorted(world.queues):
        for job in world.expired(queue)[: limit - expired - lost - promoted]:
            world.expire(job)
            expired += 1
        for job in world.lost(queue)[: limit - expired - lost - promoted]:
            world.take_back(job)
            lost += 1
        for job in world.due(queue)[: limit - expired - lost - promoted]:
            world.promote(job)
            promoted += 1
    told = world.tell_dependents(world.untold, limit - expired - lost - promoted)
    more = any(world.expired(queue) or world.lost(queue) or world.due(queue) for queue in world.queues)
    return Promoted(promoted, lost, more or bool(world.untold), expired, told)


def prune(world: World, limit: int) -> Pruned:
    """Delete what is past its retention: jobs up to a limit, events, workers."""
    past = [job for queue in sorted(world.queues) for state in ENDED for job in _past(world, queue, state)]
    for job in past[:limit]:
        delete(world, job)
        world.log("pruned", job.queue, job=job)
    _trim(world)
    world.holders = {key: jid for key, jid in world.holders.items() if world.holder(key)}
    running = {job.worker for job in world.jobs.values()}
    world.workers = {name: seen for name, seen in world.workers.items() if seen + DAY > world.now or name in running}
    world.wishes = {name: wishes for name, wishes in world.wishes.items() if name in world.workers}
    return Pruned(len(past[:limit]), more=len(past) > limit)


def _past(world: World, queue: str, state: State) -> list[JobRecord]:
    age, count = RETENTION[state]
    ended = sorted(world.jobs_of(queue, state), key=lambda job: (job.ended or 0, job.jid))
    surplus = max(0, len(ended) - count)
    waited_for = {name for job in world.jobs.values() for name in job.needs}
    ended = [job for job in ended if job.jid not in waited_for]
    return ended[:surplus] + [job for job in ended[surplus:] if (job.ended or 0) + age <= world.now]


def _trim(world: World) -> None:
    kept = [event for event in world.events if round(event.at * 1000) + HOUR > world.now]
    if len(kept) < len(world.events):
        world.trimmed = world.event_count - len(kept)
        world.events = kept

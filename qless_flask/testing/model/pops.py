"""How the model pops: what was given before, or by queue, priority and place."""

from __future__ import annotations

from collections.abc import Sequence

from qless_flask.backends.store import to_milliseconds
from qless_flask.models import Lease, Pop, Popped
from qless_flask.testing.model import limits, lookups
from qless_flask.testing.model.records import JobRecord, seconds
from qless_flask.testing.model.world import World

REQUEST_SECONDS = 60.0


def pop(world: World, asked: Pop) -> Popped:
    """Lease what is asked for, or what was given to the same request before."""
    world.see(asked.worker)
    world.capabilities[asked.worker] = asked.capabilities
    wishes = world.wishes.get(asked.worker, frozenset())
    again = _leases_again(world, asked)
    if again or wishes:
        return Popped(tuple(again), None, "quiet" in wishes, "stop" in wishes)
    known = [name for name in asked.queues if name in world.queues]
    open_queues = [name for name in known if not world.queues[name].paused]
    take = _take_listed if asked.order == "listed" else _take_in_turn
    taken = take(world, asked, known)
    if not taken:
        return Popped((), lookups.next_due(world, open_queues))
    if asked.request is not None:
        heartbeat = world.settings_of(taken[0].queue).heartbeat
        until = world.now + to_milliseconds(REQUEST_SECONDS if heartbeat is None else heartbeat)
        world.requests[asked.worker, asked.request] = until, [(job.jid, job.token or "") for job in taken]
    return Popped(tuple(_lease(job) for job in taken))


def _leases_again(world: World, pop: Pop) -> list[Lease]:
    until, leases = world.requests.get((pop.worker, pop.request or ""), (0, []))
    if world.now >= until:
        return []
    held = [(world.jobs.get(jid), token) for jid, token in leases]
    return [_lease(job) for job, token in held if job and job.token == token]


def _take_listed(world: World, pop: Pop, queues: Sequence[str]) -> list[JobRecord]:
    taken: list[JobRecord] = []
    for queue in queues:
        if len(taken) == pop.limit:
            break
        world.attend(queue)
        if world.queues[queue].paused:
            continue
        while len(taken) < pop.limit and (job := _first(world, queue, pop)):
            world.lease(job, pop.worker)
            taken.append(job)
    return taken


def _take_in_turn(world: World, pop: Pop, queues: Sequence[str]) -> list[JobRecord]:
    for queue in queues:
        world.attend(queue)
    first = world.turns % len(pop.queues)
    in_turn = pop.queues[first:] + pop.queues[:first]
    turn = [queue for queue in in_turn if queue in queues and not world.queues[queue].paused]
    taken: list[JobRecord] = []
    before = -1
    while before < len(taken) < pop.limit:
        before = len(taken)
        for queue in turn:
            if len(taken) < pop.limit and (job := _first(world, queue, pop)):
                world.lease(job, pop.worker)
                taken.append(job)
    if taken:
        world.turns += 1
    return taken


def _first(world: World, queue: str, pop: Pop) -> JobRecord | None:
    return next((job for job in world.ready(queue) if limits.may_run(world, job, pop.capabilities)), None)


def _lease(job: JobRecord) -> Lease:
    return Lease(job.jid, job.token or "", seconds(job.expires), job.job(data=True))

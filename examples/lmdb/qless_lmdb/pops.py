"""Jobs go out: what was given before, or by queue, priority and place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from qless_flask.backends.numbers import REQUEST_SECONDS
from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.models import Exchanged, Lease, Pop, Popped, Settlement
from qless_lmdb import gate, shown
from qless_lmdb.leases import held, lease
from qless_lmdb.records import REQUESTED, JobState, Requested
from qless_lmdb.settling import settle
from qless_lmdb.step import Step
from qless_lmdb.upkeep import attend, next_change

FORGOTTEN_AT_ONCE = 10


def pop(step: Step, asked: Pop) -> Popped:
    """Lease what is asked for, or what was given to the same request before."""
    worker = step.see(asked.worker, asked.capabilities)
    again = _leases_again(step, asked)
    if again or worker.quiet or worker.stop:
        return Popped(again, None, worker.quiet, worker.stop)
    known = [name for name in asked.queues if step.queue(name)]
    taken = _take_listed(step, asked, known) if asked.order == "listed" else _take_in_turn(step, asked, known)
    if not taken:
        times = [next_change(step, name) for name in known if not _is_paused(step, name)]
        return Popped((), min((to_seconds(at) for at in times if at is not None), default=None))
    _remember(step, asked, taken)
    return Popped(tuple(shown.lease(step, job) for job in taken))


def exchange(step: Step, settlements: Sequence[Settlement], asked: Pop) -> Exchanged:
    """Settle, then pop."""
    results = tuple(settle(step, settlement) for settlement in settlements)
    return Exchanged(results, pop(step, asked))


def _take_listed(step: Step, asked: Pop, queues: Sequence[str]) -> list[JobState]:
    taken: list[JobState] = []
    for queue in queues:
        if len(taken) == asked.limit:
            break
        attend(step, queue)
        if not _is_paused(step, queue):
            for jid in islice(gate.jobs(step, queue, asked.capabilities), asked.limit - len(taken)):
                taken.append(_give(step, jid, asked))
    return taken


def _take_in_turn(step: Step, asked: Pop, queues: Sequence[str]) -> list[JobState]:
    for queue in queues:
        attend(step, queue)
    first = step.itself.turn % len(asked.queues)
    in_turn = asked.queues[first:] + asked.queues[:first]
    ring = [
        gate.jobs(step, queue, asked.capabilities)
        for queue in in_turn
        if queue in queues and not _is_paused(step, queue)
    ]
    taken: list[JobState] = []
    while ring and len(taken) < asked.limit:
        jobs = ring.pop(0)
        jid = next(jobs, None)
        if jid is not None:
            taken.append(_give(step, jid, asked))
            ring.append(jobs)
    if taken:
        step.itself.turn += 1
        step.save_itself()
    return taken


def _give(step: Step, jid: str, asked: Pop) -> JobState:
    job = step.job(jid)
    lease(step, job, asked.worker)
    return job


def _is_paused(step: Step, queue: str) -> bool:
    found = step.queue(queue)
    return found is not None and found.paused


# Requests, so that a lost answer costs nothing


def _leases_again(step: Step, asked: Pop) -> tuple[Lease, ...]:
    found = step.record(REQUESTED, "request", asked.worker, asked.request) if asked.request is not None else None
    if found is None or step.now >= found.until:
        return ()
    jobs = (held(step, Lease(jid, token)) for jid, token in found.leases)
    return tuple(shown.lease(step, job) for job in jobs if isinstance(job, JobState))


def _remember(step: Step, asked: Pop, taken: Sequence[JobState]) -> None:
    if asked.request is None:
        return
    for (until, worker, request), _ in step.walk("request until", most=FORGOTTEN_AT_ONCE):
        if int(until) <= step.now:
            step.unset("request until", until, worker, request)
            found = step.record(REQUESTED, "request", worker, request)
            if found and found.until == until:
                step.unset("request", worker, request)
    heartbeat = step.settings_of(taken[0].queue).heartbeat
    until = step.now + to_milliseconds(REQUEST_SECONDS if heartbeat is None else heartbeat)
    leases = [(job.jid, job.token or "") for job in taken]
    step.set(Requested(until=until, leases=leases).encoded(), "request", asked.worker, asked.request)
    step.set(b"", "request until", until, asked.worker, asked.request)

"""The model as a backend, and its view for the checker."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from qless_flask.backends.base import Backend, Clock
from qless_flask.backends.inspection import StoreView
from qless_flask.backends.store import to_seconds
from qless_flask.backends.waiting import Waiters
from qless_flask.models import ENDED, STATES, State
from qless_flask.testing.model.lookups import order_key
from qless_flask.testing.model.namespace import ModelNamespace
from qless_flask.testing.model.records import JobRecord
from qless_flask.testing.model.world import World


@dataclass(slots=True)
class Memory:
    """What the connections to one store of the model share."""

    worlds: dict[str, World] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=lambda: threading.Condition(threading.RLock()))
    waiters: list[Waiters] = field(default_factory=list)

    def wake(self, namespace: str, queue: str) -> None:
        """Let those look again that wait for a queue, on every connection."""
        for waiters in self.waiters:
            waiters.wake_all(namespace, queue)


class ModelBackend(Backend):
    """A store in plain Python, in this process's memory; gone with it."""

    def __init__(self, *, clock: Clock | None = None, memory: Memory | None = None) -> None:
        self._clock = clock or time.time
        self._memory = memory or Memory()
        self._waiters = Waiters()
        self._memory.waiters.append(self._waiters)

    def again(self) -> ModelBackend:
        """Open the same memory once more."""
        return ModelBackend(clock=self._clock, memory=self._memory)

    def namespace(self, name: str) -> ModelNamespace:
        memory = self._memory
        with memory.changed:
            world = memory.worlds.setdefault(name, World(changed=memory.changed, wake=partial(memory.wake, name)))
        return ModelNamespace(name, world, clock=self._clock, waiters=self._waiters)

    def namespaces(self) -> list[str]:
        with self._memory.changed:
            worlds = self._memory.worlds.items()
            return sorted(name for name, world in worlds if world.begun and not name.startswith("_"))

    def ping(self) -> list[str]:
        return ["everything is in memory and gone with this process"]

    def close(self) -> None:
        self._waiters.close()
        with self._memory.changed:
            self._memory.changed.notify_all()


def inspect(namespace: ModelNamespace) -> StoreView:
    """Show what a namespace of the model holds; it has records alone, so its indexes are made here."""
    world = namespace.world
    jobs = list(world.jobs.values())
    tags = {tag for job in jobs for tag in job.tags}
    groups = _groups(jobs)
    return StoreView(
        jobs={job.jid: job.job(whole=True) for job in jobs},
        places={job.jid: job.place for job in jobs},
        tokens={job.jid: job.token for job in jobs if job.token is not None},
        expiries={job.jid: to_seconds(job.expires) for job in jobs if job.expires is not None},
        indexes=_indexes(jobs),
        counts={key: len(jids) for key, jids in _indexes(jobs).items()},
        tags={tag: frozenset(job.jid for job in jobs if tag in job.tags) for tag in tags},
        groups={group: frozenset(job.jid for job in failed) for group, failed in groups.items()},
        workers={name: sum(job.worker == name for job in jobs) for name in world.workers},
        depends={job.jid: job.needs for job in jobs if job.needs},
        dependents={jid: frozenset(waiting) for jid, waiting in _dependents(jobs).items()},
        untold=frozenset(world.untold),
        unique=dict(world.holders),
        keys={key: frozenset(job.jid for job in jobs if job.key == key) for key in {job.key for job in jobs} if key},
        key_running=Counter((job.queue, job.key) for job in jobs if job.key and job.state == "running"),
        requirement_sets=Counter((job.queue, job.requires) for job in jobs if job.requires and job.state not in ENDED),
        start_by={job.jid: to_seconds(job.start_by) for job in jobs if job.start_by is not None},
        tracked=frozenset(job.jid for job in jobs if job.tracked),
        tracked_tags=world.tracked_tags,
        figures={tag: Counter(job.state for job in jobs if tag in job.tags) for tag in tags},
        touched={
            group: Counter(pair for job in failed for pair in (("queue", job.queue), ("klass", job.klass)))
            for group, failed in groups.items()
        },
        recurrences=dict(world.recurrences),
        due={
            id: each.next_at for id, each in world.recurrences.items() if each.next_at is not None and not each.paused
        },
        queues=frozenset(world.queues),
        strays=(),
    )


def _indexes(jobs: list[JobRecord]) -> dict[tuple[str, State], tuple[str, ...]]:
    indexes: dict[tuple[str, State], tuple[str, ...]] = {}
    for queue in {job.queue for job in jobs}:
        for state in STATES:
            there = [job for job in jobs if (job.queue, job.state) == (queue, state)]
            there.sort(key=lambda job: order_key(job, True))
            indexes[queue, state] = tuple(job.jid for job in there)
    return indexes


def _dependents(jobs: list[JobRecord]) -> dict[str, set[str]]:
    dependents: dict[str, set[str]] = {}
    for job in jobs:
        for jid in job.needs:
            dependents.setdefault(jid, set()).add(job.jid)
    return dependents


def _groups(jobs: list[JobRecord]) -> dict[str, list[JobRecord]]:
    groups: dict[str, list[JobRecord]] = {}
    for job in jobs:
        if job.state == "failed" and job.failure:
            groups.setdefault(job.failure.group, []).append(job)
    return groups

"""The operations of the model, each as plainly as the contract says it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from qless_flask.backends.base import Clock
from qless_flask.backends.store import StoreNamespace, to_milliseconds, to_seconds
from qless_flask.backends.waiting import Waiters
from qless_flask.bounds import MAX_TAGS
from qless_flask.errors import (
    Invalid,
    JobExists,
    JobNotFound,
    NotEmpty,
    QlessError,
    QueueNotFound,
    WrongState,
)
from qless_flask.models import (
    Actor,
    Changes,
    EventPage,
    Exchanged,
    Filter,
    Job,
    Lease,
    LogLine,
    NewJob,
    Page,
    Pop,
    Popped,
    Promoted,
    Pruned,
    Put,
    Queue,
    Setting,
    Settled,
    Settlement,
    Worker,
)
from qless_flask.testing.model import lookups, pops, settling, upkeep
from qless_flask.testing.model.records import JobRecord
from qless_flask.testing.model.world import World


class ModelNamespace(StoreNamespace):
    """A namespace in this process's memory."""

    def __init__(self, name: str, world: World, *, clock: Clock, waiters: Waiters) -> None:
        super().__init__(name, waiters)
        self.world = world
        self._clock = clock

    @contextmanager
    def _step(self) -> Iterator[World]:
        """Hold the lock for one operation, and wake those who wait for what it did."""
        with self.world.changed:
            self.world.now = to_milliseconds(self._clock())
            told = self.world.event_count
            yield self.world
            touched, self.world.touched = self.world.touched, []
            if self.world.event_count > told:
                self.world.changed.notify_all()
        for queue in touched:
            self.world.wake(queue)

    def _now(self) -> float:
        return self._clock()

    # Jobs go in, are worked, and end

    def _put(self, jobs: Sequence[NewJob]) -> list[Put]:
        with self._step() as world:
            there = set(world.jobs)
            for job in jobs:
                assert job.jid
                if job.jid in there and job.if_exists == "reject":
                    raise JobExists.about(job.jid)
                there.add(job.jid)
            return [self._put_one(world, job) for job in jobs]

    def _put_one(self, world: World, new: NewJob) -> Put:
        assert new.jid
        old = world.jobs.get(new.jid)
        if old and new.if_exists == "keep":
            return Put(old.jid, old.state, created=False)
        job = JobRecord.of(new, new.jid, world.now)
        world.jobs[job.jid] = job
        world.enter(
            job, new.queue, world.now + to_milliseconds(new.delay) if new.at is None else to_milliseconds(new.at)
        )
        world.tell(job, "put", worker=old.worker if old else None)
        return Put(job.jid, job.state, created=True)

    def _pop(self, pop: Pop, wait_left: float) -> Popped:
        with self._step() as world:
            return pops.pop(world, pop)

    def _heartbeat(self, leases: Sequence[Lease]) -> list[Lease | QlessError]:
        with self._step() as world:
            return [settling.renew(world, lease) for lease in leases]

    def _settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        with self._step() as world:
            return [settling.settle(world, settlement) for settlement in settlements]

    def _exchange(self, settlements: Sequence[Settlement], pop: Pop, wait_left: float) -> Exchanged:
        with self._step() as world:
            results = tuple(settling.settle(world, settlement) for settlement in settlements)
            return Exchanged(results, pops.pop(world, pop))

    def _log(self, lease: Lease, message: str, data: str | None) -> None:
        with self._step() as world:
            job = settling.held(world, lease)
            if isinstance(job, QlessError):
                raise job
            world.write(job, LogLine(to_seconds(world.now), message, data))

    # By hand

    def _cancel(self, jids: Sequence[str], actor: Actor | None) -> list[Job | QlessError]:
        def cancel(world: World, job: JobRecord) -> QlessError | None:
            if job.state == "complete":
                return WrongState.about(job.jid)
            if job.state != "canceled":
                job.canceled_token = job.token
                holder = job.end_lease()
                job.state, job.ended = "canceled", world.now
                world.tell(job, "canceled", worker=holder, actor=actor)
            return None

        return self._each(jids, cancel)

    def _move(self, jids: Sequence[str], queue: str, delay: float, actor: Actor | None) -> list[Job | QlessError]:
        def move(world: World, job: JobRecord) -> None:
            left, holder = job.queue, job.end_lease()
            world.enter(job, queue, world.now + to_milliseconds(delay))
            world.tell(job, "moved", queue=left, worker=holder, actor=actor)

        return self._each(jids, move)

    def _update(self, jids: Sequence[str], changes: Changes, actor: Actor | None) -> list[Job | QlessError]:
        def update(world: World, job: JobRecord) -> QlessError | None:
            tags = [tag for tag in job.tags if tag not in changes.remove_tags]
            tags += [tag for tag in changes.add_tags if tag not in tags]
            if len(tags) > MAX_TAGS:
                return Invalid.of({"tags": [f"a job may have {MAX_TAGS} tags"]})
            job.tags = tags
            job.priority = job.priority if changes.priority is None else changes.priority
            job.data = job.data if changes.data is None else changes.data
            if changes.retries is not None:
                job.retries, job.remaining = changes.retries, min(job.remaining, changes.retries)
            world.tell(job, "updated", actor=actor)
            return None

        return self._each(jids, update)

    def _timeout(self, jids: Sequence[str], actor: Actor | None) -> list[Job | QlessError]:
        def timeout(world: World, job: JobRecord) -> QlessError | None:
            if job.state != "running":
                return WrongState.about(job.jid)
            holder = job.end_lease()
            failure = world.failure(job, "timeout", "", holder)
            if job.remaining == 0:
                world.fail(job, failure, actor=actor)
            else:
                job.remaining, job.failure = job.remaining - 1, failure
                world.stand(job, world.now)
                world.tell(job, "timed_out", worker=holder, actor=actor)
            return None

        return self._each(jids, timeout)

    def _each(
        self, jids: Sequence[str], act: Callable[[World, JobRecord], QlessError | None]
    ) -> list[Job | QlessError]:
        answers: list[Job | QlessError] = []
        with self._step() as world:
            for jid in jids:
                job = world.jobs.get(jid)
                answers.append((act(world, job) or job.job()) if job else JobNotFound.about(jid))
        return answers

    # Look-ups

    def _get(self, jids: Sequence[str]) -> list[Job | None]:
        with self._step() as world:
            found = [world.jobs.get(jid) for jid in jids]
            return [job.job(data=True, history=True) if job else None for job in found]

    def _lines(self, jid: str) -> list[LogLine]:
        with self._step() as world:
            if jid not in world.jobs:
                raise JobNotFound.about(jid)
            return world.jobs[jid].lines

    def _select(self, filter: Filter, cursor: str | None, limit: int) -> Page:
        with self._step() as world:
            return lookups.select(world, filter, cursor, limit)

    def _queues(self, names: Sequence[str] | None) -> list[Queue]:
        with self._step() as world:
            return lookups.queues(world, names)

    def _workers(self, names: Sequence[str] | None) -> list[Worker]:
        with self._step() as world:
            return lookups.workers(world, names)

    def _events(self, after: str | None, limit: int, wait: float) -> EventPage:
        with self._step() as world:
            start = lookups.event_number(after)
            self.world.changed.wait_for(lambda: world.event_count > start or self._waiters.closed, wait)
            return lookups.events(world, start, limit)

    # Queues, live

    def _configure(self, queue: str, changes: Mapping[str, Setting], actor: Actor | None) -> Queue:
        with self._step() as world:
            record = world.know(queue)
            record.settings = replace(record.settings, **changes)  # type: ignore[arg-type]
            world.log("configured", queue, actor=actor)
            return lookups.queue(world, queue)

    def _pause(self, queue: str, actor: Actor | None) -> Queue:
        with self._step() as world:
            world.know(queue).paused = True
            world.log("paused", queue, actor=actor)
            return lookups.queue(world, queue)

    def _resume(self, queue: str, actor: Actor | None) -> Queue:
        with self._step() as world:
            if queue not in world.queues:
                raise QueueNotFound.about(queue)
            world.queues[queue].paused = False
            world.touched += [queue] * len(world.waiting(queue))
            world.log("resumed", queue, actor=actor)
            return lookups.queue(world, queue)

    def _forget(self, queue: str, actor: Actor | None) -> None:
        with self._step() as world:
            if queue not in world.queues:
                raise QueueNotFound.about(queue)
            if any(job.queue == queue for job in world.jobs.values()):
                raise NotEmpty.about(queue)
            del world.queues[queue]
            world.log("forgotten", queue, actor=actor)

    # Upkeep and records

    def _promote(self, limit: int) -> Promoted:
        with self._step() as world:
            return upkeep.promote(world, limit)

    def _prune(self, limit: int) -> Pruned:
        with self._step() as world:
            return upkeep.prune(world, limit)

    def _lead(self, role: str, holder: str, seconds: float) -> bool:
        with self._step() as world:
            leader, until = world.leaders.get(role, (holder, 0))
            if leader != holder and until > world.now:
                return False
            if seconds:
                world.begun = True
                world.leaders[role] = holder, world.now + to_milliseconds(seconds)
            elif leader == holder:
                world.leaders.pop(role, None)
            return seconds > 0

    def _remember(self, name: str, value: str | None, expected: str | None) -> bool:
        with self._step() as world:
            if world.records.get(name) != expected:
                return False
            if value is None:
                world.records.pop(name, None)
            else:
                world.begun = True
                world.records[name] = value
            return True

    def _recall(self, name: str) -> str | None:
        with self._step() as world:
            return world.records.get(name)

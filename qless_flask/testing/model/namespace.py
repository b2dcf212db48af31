"""The operations of the model, each as plainly as the contract says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from qless_flask.backends.base import Clock
from qless_flask.backends.folding import Row
from qless_flask.backends.numbers import DEPENDENTS_SHOWN, OWN_PREFIXES, TOLD_AT_ONCE
from qless_flask.backends.steps import Wish
from qless_flask.backends.store import StoreNamespace, to_milliseconds, to_seconds
from qless_flask.backends.waiting import Waiters
from qless_flask.errors import Frozen, JobNotFound, NotEmpty, NotFrozen, QlessError, QueueNotFound, WorkerNotFound
from qless_flask.models import (
    Action,
    Actor,
    AnyRecord,
    Beat,
    Cancel,
    Changed,
    Changes,
    Dependents,
    Dumped,
    Erased,
    EventPage,
    Exchanged,
    FailureGroup,
    Filter,
    Finish,
    Job,
    Lease,
    LogLine,
    Missing,
    Move,
    NamespaceSettings,
    NewJob,
    Page,
    Pop,
    Popped,
    Promoted,
    Pruned,
    Put,
    Queue,
    Recurrence,
    Recurring,
    Renewed,
    Setting,
    Settled,
    Settlement,
    Tag,
    Timeout,
    Tracked,
    Update,
    Worker,
)
from qless_flask.testing.model import (
    dumping,
    hands,
    loading,
    lookups,
    pops,
    pruning,
    recurrences,
    settings,
    settling,
    upkeep,
)
from qless_flask.testing.model.puts import put
from qless_flask.testing.model.world import World


class ModelNamespace(StoreNamespace):
    """A namespace in this process's memory."""

    def __init__(self, name: str, world: World, *, clock: Clock, waiters: Waiters) -> None:
        super().__init__(name, waiters)
        self.world = world
        self._clock = clock

    @contextmanager
    def _step(self, *, while_frozen: bool = False) -> Iterator[World]:
        """Hold the lock for one operation, and wake those who wait for what it did."""
        with self.world.changed:
            if self.world.frozen and not while_frozen:
                raise Frozen.about(self.name)
            self.world.now = to_milliseconds(self._clock())
            self.world.tellings = TOLD_AT_ONCE
            told, tags = self.world.event_count, self.world.tags()
            yield self.world
            self.world.forget_times(tags)
            touched, self.world.touched = self.world.touched, []
            if self.world.event_count > told:
                self.world.changed.notify_all()
        for queue in touched:
            self.world.wake(queue)

    def _now(self) -> float:
        return self._clock()

    # Jobs go in, are worked, and end

    def _put(self, jobs: Sequence[NewJob]) -> list[Put]:
        with self._step() as world, world.whole():
            return [put(world, job) for job in jobs]

    def _pop(self, pop: Pop, wait_left: float) -> Popped:
        with self._step() as world:
            return pops.pop(world, pop)

    def _heartbeat(self, beats: Sequence[Beat]) -> list[Renewed | QlessError]:
        with self._step() as world:
            return [settling.renew(world, beat) for beat in beats]

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

    def _cancel(self, jids: Sequence[str], dependents: Dependents, actor: Actor | None) -> list[Job | QlessError]:
        with self._step() as world:
            return hands.each(world, jids, Cancel(dependents), actor)

    def _move(self, jids: Sequence[str], queue: str, delay: float, actor: Actor | None) -> list[Job | QlessError]:
        with self._step() as world:
            return hands.each(world, jids, Move(queue, delay), actor)

    def _update(self, jids: Sequence[str], changes: Changes, actor: Actor | None) -> list[Job | QlessError]:
        with self._step() as world:
            return hands.each(world, jids, Update(changes), actor)

    def _timeout(self, jids: Sequence[str], actor: Actor | None) -> list[Job | QlessError]:
        with self._step() as world:
            return hands.each(world, jids, Timeout(), actor)

    def _finish(self, jids: Sequence[str], end: Finish, actor: Actor | None) -> list[Job | QlessError]:
        with self._step() as world:
            return hands.each(world, jids, end, actor)

    def _depend(self, jid: str, on: Sequence[str], off: Sequence[str], missing: Missing, actor: Actor | None) -> Job:
        with self._step() as world:
            if jid not in world.jobs:
                raise JobNotFound.about(jid)
            hands.depend(world, world.jobs[jid], on, off, missing, actor)
            return world.jobs[jid].job()

    def _change(self, filter: Filter, action: Action, limit: int, cursor: str | None, actor: Actor | None) -> Changed:
        with self._step() as world:
            return hands.change(world, filter, action, limit, cursor, actor)

    # Look-ups

    def _get(self, jids: Sequence[str]) -> list[Job | None]:
        with self._step(while_frozen=True) as world:
            return [self._whole(world, jid) for jid in jids]

    def _whole(self, world: World, jid: str) -> Job | None:
        if jid not in world.jobs:
            return None
        return world.jobs[jid].job(whole=True, dependents=tuple(world.dependents(jid)[:DEPENDENTS_SHOWN]))

    def _lines(self, jid: str) -> list[LogLine]:
        with self._step(while_frozen=True) as world:
            if jid not in world.jobs:
                raise JobNotFound.about(jid)
            return world.jobs[jid].lines

    def _select(self, filter: Filter, cursor: str | None, limit: int) -> Page:
        with self._step(while_frozen=True) as world:
            return lookups.select(world, filter, cursor, limit)

    def _queues(self, names: Sequence[str] | None) -> list[Queue]:
        with self._step(while_frozen=True) as world:
            return lookups.queues(world, names)

    def _workers(self, names: Sequence[str] | None) -> list[Worker]:
        with self._step(while_frozen=True) as world:
            return lookups.workers(world, names)

    def _failures(self, groups: Sequence[str] | None, after: str | None, limit: int) -> list[FailureGroup]:
        with self._step(while_frozen=True) as world:
            return lookups.failures(world, groups, after, limit)

    def _tags(self, names: Sequence[str] | None, after: str | None, limit: int) -> list[Tag]:
        with self._step(while_frozen=True) as world:
            return lookups.tags(world, names, after, limit)

    def _tracked(self, limit: int) -> Tracked:
        with self._step(while_frozen=True) as world:
            return lookups.tracked(world, limit)

    def _tracked_tags(self) -> frozenset[str]:
        with self._step(while_frozen=True) as world:
            return world.tracked_tags

    def _events(self, after: str | None, limit: int, wait: float) -> EventPage:
        with self._step(while_frozen=True) as world:
            start = lookups.event_number(after)
            self.world.changed.wait_for(lambda: world.event_count > start or self._waiters.closed, wait)
            return lookups.events(world, start, limit)

    def _log_end(self) -> str:
        with self._step(while_frozen=True) as world:
            return str(world.event_count)

    # Queues, live

    def _configure(
        self, queue: str, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None
    ) -> Queue:
        with self._step() as world:
            settings.configure_queue(world, queue, changes, inherit, actor)
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

    # The namespace itself

    def _settings(self) -> NamespaceSettings:
        with self._step(while_frozen=True) as world:
            return settings.show(world)

    def _configure_namespace(
        self, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None
    ) -> NamespaceSettings:
        with self._step() as world:
            settings.configure(world, changes, inherit, actor)
            return settings.show(world)

    def _freeze(self, on: bool, actor: Actor | None) -> NamespaceSettings:
        with self._step(while_frozen=True) as world:
            settings.freeze(world, self.name, on, actor)
            return settings.show(world)

    def _dump(self, cursor: str | None, limit: int) -> Dumped:
        with self._step(while_frozen=True) as world:
            return dumping.dump(world, cursor, limit)

    def _load(self, records: Sequence[AnyRecord]) -> None:
        with self._step(while_frozen=True) as world:
            if not world.frozen:
                raise NotFrozen.about(self.name)
            loading.load(world, records)

    def _erase(self, confirmed: bool, cursor: str | None, limit: int, actor: Actor | None) -> Erased:
        with self._step(while_frozen=True) as world:
            return settings.erase(world, self.name, confirmed, limit, actor)

    # Statistics, which are gathered as things happen, not folded from events

    def _look_up(self, rows: Sequence[Row]) -> dict[Row, dict[str, Any]]:
        with self._step(while_frozen=True) as world:
            return {row: world.figures.rows.get(row, {}) for row in rows}

    def _fold_some(self) -> bool:
        return False

    def _figures(self, rows: Sequence[Row]) -> tuple[str | None, list[str | None]]:
        raise NotImplementedError

    def _fold(self, seen: str | None, cursor: str, rows: Mapping[Row, str]) -> bool:
        raise NotImplementedError

    def _forget_figures(self, day: str, hour: str) -> None:
        with self._step() as world:
            world.figures.forget(day, hour)

    # Workers and tags, live

    def _ask(self, worker: str, wish: Wish, on: bool, actor: Actor | None) -> Worker:
        with self._step() as world:
            if worker not in world.workers:
                raise WorkerNotFound.about(worker)
            before = world.wishes.get(worker, frozenset())
            world.wishes[worker] = before | {wish} if on else before - {wish}
            if on != (wish in before):
                event = "resumed" if not on else "quieted" if wish == "quiet" else "stopped"
                world.log(event, None, worker=worker, actor=actor)
            return lookups.worker(world, worker)

    def _track(self, tag: str, on: bool, actor: Actor | None) -> Tag:
        with self._step() as world:
            if on != (tag in world.tracked_tags):
                world.begun = True
                world.tracked_tags = world.tracked_tags ^ {tag}
                world.log("tracked" if on else "untracked", None, tags=(tag,), actor=actor)
            return lookups.tag(world, tag)

    # Recurrences

    def _recur(self, rule: Recurrence, next_at: float | None, actor: Actor | None) -> Recurring:
        with self._step() as world:
            return recurrences.recur(world, rule, next_at, actor)

    def _recurrences(self, ids: Sequence[str] | None, due: bool, after: str | None, limit: int) -> list[Recurring]:
        with self._step(while_frozen=True) as world:
            return lookups.recurrences(world, ids, due, after, limit)

    def _unrecur(self, id: str, actor: Actor | None) -> None:
        with self._step() as world:
            recurrences.delete(world, id, actor)

    def _pause_recurrence(self, id: str, actor: Actor | None) -> Recurring:
        with self._step() as world:
            return recurrences.pause(world, id, actor)

    def _resume_recurrence(self, seen: Recurring, next_at: float | None, actor: Actor | None) -> Recurring | None:
        with self._step() as world:
            return recurrences.resume(world, seen, next_at, actor)

    def _run_recurrence(self, seen: Recurring, job: NewJob, due_at: float, actor: Actor | None) -> Put | None:
        with self._step() as world:
            return recurrences.run(world, seen, job, due_at, actor)

    def _fire(self, seen: Recurring, jobs: Sequence[NewJob], due: Sequence[float], next_at: float | None) -> list[Put]:
        with self._step() as world:
            return recurrences.fire(world, seen, jobs, due, next_at)

    # Upkeep and records

    def _promote(self, limit: int) -> Promoted:
        with self._step(while_frozen=True) as world:
            return upkeep.promote(world, limit)

    def _prune(self, limit: int) -> Pruned:
        with self._step(while_frozen=True) as world:
            return pruning.prune(world, limit)

    def _lead(self, role: str, holder: str, seconds: float) -> bool:
        with self._step(while_frozen=True) as world:
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
        with self._step(while_frozen=name.startswith(OWN_PREFIXES)) as world:
            if world.records.get(name) != expected:
                return False
            if value is None:
                world.records.pop(name, None)
            else:
                world.begun = True
                world.records[name] = value
            return True

    def _recall(self, name: str) -> str | None:
        with self._step(while_frozen=True) as world:
            return world.records.get(name)

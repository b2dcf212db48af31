"""A namespace that is looked over after every operation, so that the operation that broke a rule is the one told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from qless_flask.backends.base import Namespace
from qless_flask.errors import QlessError
from qless_flask.models import (
    Action,
    Actor,
    Beat,
    Changed,
    Changes,
    Dependents,
    EventFilter,
    EventPage,
    Exchanged,
    FailureGroup,
    Filter,
    Finish,
    Job,
    Lease,
    LogLine,
    Missing,
    NewJob,
    Order,
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
    Tracked,
    Worker,
)


class Checked(Namespace):
    """Pass every operation on, and check afterwards, whether it succeeded or not."""

    def __init__(self, inner: Namespace, check: Callable[[], object]) -> None:
        self.inner = inner
        self.name = inner.name
        self._check = check

    @contextmanager
    def _checked(self) -> Iterator[Namespace]:
        try:
            yield self.inner
        finally:
            self._check()

    def put(self, jobs: Sequence[NewJob]) -> list[Put]:
        with self._checked() as inner:
            return inner.put(jobs)

    def pop(
        self,
        queues: Sequence[str],
        worker: str,
        limit: int = 1,
        *,
        wait: float = 0.0,
        order: Order = "listed",
        request: str | None = None,
    ) -> Popped:
        with self._checked() as inner:
            return inner.pop(queues, worker, limit, wait=wait, order=order, request=request)

    def heartbeat(self, beats: Sequence[Beat]) -> list[Renewed | QlessError]:
        with self._checked() as inner:
            return inner.heartbeat(beats)

    def settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        with self._checked() as inner:
            return inner.settle(settlements)

    def exchange(self, settlements: Sequence[Settlement], pop: Pop, *, wait: float = 0.0) -> Exchanged:
        with self._checked() as inner:
            return inner.exchange(settlements, pop, wait=wait)

    def log(self, lease: Lease, message: str, data: str | None = None) -> None:
        with self._checked() as inner:
            inner.log(lease, message, data)

    def cancel(
        self,
        jids: Sequence[str],
        *,
        dependents: Dependents = "refuse",
        actor: Actor | None = None,
    ) -> list[Job | QlessError]:
        with self._checked() as inner:
            return inner.cancel(jids, dependents=dependents, actor=actor)

    def move(
        self,
        jids: Sequence[str],
        queue: str,
        *,
        delay: float = 0.0,
        actor: Actor | None = None,
    ) -> list[Job | QlessError]:
        with self._checked() as inner:
            return inner.move(jids, queue, delay=delay, actor=actor)

    def finish(self, jids: Sequence[str], end: Finish, *, actor: Actor | None = None) -> list[Job | QlessError]:
        with self._checked() as inner:
            return inner.finish(jids, end, actor=actor)

    def update(self, jids: Sequence[str], changes: Changes, *, actor: Actor | None = None) -> list[Job | QlessError]:
        with self._checked() as inner:
            return inner.update(jids, changes, actor=actor)

    def timeout(self, jids: Sequence[str], *, actor: Actor | None = None) -> list[Job | QlessError]:
        with self._checked() as inner:
            return inner.timeout(jids, actor=actor)

    def depend(
        self,
        jid: str,
        on: Sequence[str] = (),
        off: Sequence[str] = (),
        *,
        missing: Missing = "refuse",
        actor: Actor | None = None,
    ) -> Job:
        with self._checked() as inner:
            return inner.depend(jid, on, off, missing=missing, actor=actor)

    def change(
        self,
        filter: Filter,
        action: Action,
        limit: int = 500,
        cursor: str | None = None,
        *,
        dry_run: bool = False,
        actor: Actor | None = None,
    ) -> Changed:
        with self._checked() as inner:
            return inner.change(filter, action, limit, cursor, dry_run=dry_run, actor=actor)

    def get(self, jids: Sequence[str], *, wait: float = 0.0) -> list[Job | None]:
        with self._checked() as inner:
            return inner.get(jids, wait=wait)

    def lines(self, jid: str) -> list[LogLine]:
        with self._checked() as inner:
            return inner.lines(jid)

    def select(self, filter: Filter, cursor: str | None = None, limit: int = 50) -> Page:
        with self._checked() as inner:
            return inner.select(filter, cursor, limit)

    def queues(self, names: Sequence[str] | None = None) -> list[Queue]:
        with self._checked() as inner:
            return inner.queues(names)

    def workers(self, names: Sequence[str] | None = None) -> list[Worker]:
        with self._checked() as inner:
            return inner.workers(names)

    def failures(
        self, groups: Sequence[str] | None = None, *, after: str | None = None, limit: int = 1000
    ) -> list[FailureGroup]:
        with self._checked() as inner:
            return inner.failures(groups, after=after, limit=limit)

    def tags(self, names: Sequence[str] | None = None, *, after: str | None = None, limit: int = 1000) -> list[Tag]:
        with self._checked() as inner:
            return inner.tags(names, after=after, limit=limit)

    def tracked(self) -> Tracked:
        with self._checked() as inner:
            return inner.tracked()

    def events(
        self, after: str | None = None, limit: int = 100, *, wait: float = 0.0, filter: EventFilter | None = None
    ) -> EventPage:
        with self._checked() as inner:
            return inner.events(after, limit, wait=wait, filter=filter)

    def configure(self, queue: str, changes: Mapping[str, Setting], *, actor: Actor | None = None) -> Queue:
        with self._checked() as inner:
            return inner.configure(queue, changes, actor=actor)

    def pause(self, queue: str, *, actor: Actor | None = None) -> Queue:
        with self._checked() as inner:
            return inner.pause(queue, actor=actor)

    def resume(self, queue: str, *, actor: Actor | None = None) -> Queue:
        with self._checked() as inner:
            return inner.resume(queue, actor=actor)

    def forget(self, queue: str, *, actor: Actor | None = None) -> None:
        with self._checked() as inner:
            inner.forget(queue, actor=actor)

    def quiet(self, worker: str, *, on: bool = True, actor: Actor | None = None) -> Worker:
        with self._checked() as inner:
            return inner.quiet(worker, on=on, actor=actor)

    def stop(self, worker: str, *, on: bool = True, actor: Actor | None = None) -> Worker:
        with self._checked() as inner:
            return inner.stop(worker, on=on, actor=actor)

    def track(self, tag: str, *, on: bool = True, actor: Actor | None = None) -> Tag:
        with self._checked() as inner:
            return inner.track(tag, on=on, actor=actor)

    def recur(self, rule: Recurrence, *, actor: Actor | None = None) -> Recurring:
        with self._checked() as inner:
            return inner.recur(rule, actor=actor)

    def recurrences(
        self,
        ids: Sequence[str] | None = None,
        *,
        due: bool = False,
        after: str | None = None,
        limit: int = 1000,
    ) -> list[Recurring]:
        with self._checked() as inner:
            return inner.recurrences(ids, due=due, after=after, limit=limit)

    def unrecur(self, id: str, *, actor: Actor | None = None) -> None:
        with self._checked() as inner:
            inner.unrecur(id, actor=actor)

    def pause_recurrence(self, id: str, *, actor: Actor | None = None) -> Recurring:
        with self._checked() as inner:
            return inner.pause_recurrence(id, actor=actor)

    def resume_recurrence(self, id: str, *, actor: Actor | None = None) -> Recurring:
        with self._checked() as inner:
            return inner.resume_recurrence(id, actor=actor)

    def run_recurrence(self, id: str, *, actor: Actor | None = None) -> Put:
        with self._checked() as inner:
            return inner.run_recurrence(id, actor=actor)

    def fire(self, id: str, expected: float) -> list[Put]:
        with self._checked() as inner:
            return inner.fire(id, expected)

    def promote(self, limit: int = 1000) -> Promoted:
        with self._checked() as inner:
            return inner.promote(limit)

    def prune(self, limit: int = 1000) -> Pruned:
        with self._checked() as inner:
            return inner.prune(limit)

    def lead(self, role: str, holder: str, seconds: float) -> bool:
        with self._checked() as inner:
            return inner.lead(role, holder, seconds)

    def remember(self, name: str, value: str | None, expected: str | None) -> bool:
        with self._checked() as inner:
            return inner.remember(name, value, expected)

    def recall(self, name: str) -> str | None:
        with self._checked() as inner:
            return inner.recall(name)

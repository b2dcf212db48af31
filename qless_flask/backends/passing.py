"""A namespace that passes every operation on to another: what wrappers are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qless_flask.backends.base import Namespace
from qless_flask.errors import QlessError
from qless_flask.models import (
    Action,
    Actor,
    AnyRecord,
    Beat,
    Changed,
    Changes,
    Dependents,
    Dumped,
    Erased,
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
    NamespaceSettings,
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
    Stats,
    Tag,
    Throughput,
    Tracked,
    Worker,
)


class Passing(Namespace):
    """Pass everything on; a wrapper says what it does otherwise."""

    def __init__(self, inner: Namespace) -> None:
        self.inner = inner
        self.name = inner.name

    def put(self, jobs: Sequence[NewJob]) -> list[Put]:
        return self.inner.put(jobs)

    def pop(
        self,
        queues: Sequence[str],
        worker: str,
        limit: int = 1,
        *,
        wait: float = 0.0,
        capabilities: Sequence[str] = (),
        order: Order = "listed",
        request: str | None = None,
    ) -> Popped:
        return self.inner.pop(queues, worker, limit, wait=wait, capabilities=capabilities, order=order, request=request)

    def heartbeat(self, beats: Sequence[Beat]) -> list[Renewed | QlessError]:
        return self.inner.heartbeat(beats)

    def settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        return self.inner.settle(settlements)

    def exchange(self, settlements: Sequence[Settlement], pop: Pop, *, wait: float = 0.0) -> Exchanged:
        return self.inner.exchange(settlements, pop, wait=wait)

    def log(self, lease: Lease, message: str, data: str | None = None) -> None:
        self.inner.log(lease, message, data)

    def cancel(
        self,
        jids: Sequence[str],
        *,
        dependents: Dependents = "refuse",
        actor: Actor | None = None,
    ) -> list[Job | QlessError]:
        return self.inner.cancel(jids, dependents=dependents, actor=actor)

    def move(
        self,
        jids: Sequence[str],
        queue: str,
        *,
        delay: float = 0.0,
        actor: Actor | None = None,
    ) -> list[Job | QlessError]:
        return self.inner.move(jids, queue, delay=delay, actor=actor)

    def finish(self, jids: Sequence[str], end: Finish, *, actor: Actor | None = None) -> list[Job | QlessError]:
        return self.inner.finish(jids, end, actor=actor)

    def update(self, jids: Sequence[str], changes: Changes, *, actor: Actor | None = None) -> list[Job | QlessError]:
        return self.inner.update(jids, changes, actor=actor)

    def timeout(self, jids: Sequence[str], *, actor: Actor | None = None) -> list[Job | QlessError]:
        return self.inner.timeout(jids, actor=actor)

    def depend(
        self,
        jid: str,
        on: Sequence[str] = (),
        off: Sequence[str] = (),
        *,
        missing: Missing = "refuse",
        actor: Actor | None = None,
    ) -> Job:
        return self.inner.depend(jid, on, off, missing=missing, actor=actor)

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
        return self.inner.change(filter, action, limit, cursor, dry_run=dry_run, actor=actor)

    def get(self, jids: Sequence[str], *, wait: float = 0.0) -> list[Job | None]:
        return self.inner.get(jids, wait=wait)

    def lines(self, jid: str) -> list[LogLine]:
        return self.inner.lines(jid)

    def select(self, filter: Filter, cursor: str | None = None, limit: int = 50) -> Page:
        return self.inner.select(filter, cursor, limit)

    def queues(self, names: Sequence[str] | None = None) -> list[Queue]:
        return self.inner.queues(names)

    def workers(self, names: Sequence[str] | None = None) -> list[Worker]:
        return self.inner.workers(names)

    def failures(
        self, groups: Sequence[str] | None = None, *, after: str | None = None, limit: int = 1000
    ) -> list[FailureGroup]:
        return self.inner.failures(groups, after=after, limit=limit)

    def tags(self, names: Sequence[str] | None = None, *, after: str | None = None, limit: int = 1000) -> list[Tag]:
        return self.inner.tags(names, after=after, limit=limit)

    def tracked(self) -> Tracked:
        return self.inner.tracked()

    def events(
        self, after: str | None = None, limit: int = 100, *, wait: float = 0.0, filter: EventFilter | None = None
    ) -> EventPage:
        return self.inner.events(after, limit, wait=wait, filter=filter)

    def stats(
        self, day: str | None = None, *, queue: str | None = None, klass: str | None = None, tag: str | None = None
    ) -> Stats:
        return self.inner.stats(day, queue=queue, klass=klass, tag=tag)

    def throughput(
        self,
        queue: str | None = None,
        *,
        since: float | None = None,
        until: float | None = None,
        step: int = 60,
    ) -> Throughput:
        return self.inner.throughput(queue, since=since, until=until, step=step)

    def configure(
        self,
        queue: str,
        changes: Mapping[str, Setting],
        *,
        inherit: Sequence[str] = (),
        actor: Actor | None = None,
    ) -> Queue:
        return self.inner.configure(queue, changes, inherit=inherit, actor=actor)

    def settings(self) -> NamespaceSettings:
        return self.inner.settings()

    def configure_namespace(
        self, changes: Mapping[str, Setting], *, inherit: Sequence[str] = (), actor: Actor | None = None
    ) -> NamespaceSettings:
        return self.inner.configure_namespace(changes, inherit=inherit, actor=actor)

    def freeze(self, on: bool = True, *, actor: Actor | None = None) -> NamespaceSettings:
        return self.inner.freeze(on, actor=actor)

    def dump(self, cursor: str | None = None, limit: int = 1000) -> Dumped:
        return self.inner.dump(cursor, limit)

    def load(self, records: Sequence[AnyRecord]) -> int:
        return self.inner.load(records)

    def erase(
        self,
        confirm: str | None = None,
        cursor: str | None = None,
        limit: int = 1000,
        *,
        actor: Actor | None = None,
    ) -> Erased:
        return self.inner.erase(confirm, cursor, limit, actor=actor)

    def pause(self, queue: str, *, actor: Actor | None = None) -> Queue:
        return self.inner.pause(queue, actor=actor)

    def resume(self, queue: str, *, actor: Actor | None = None) -> Queue:
        return self.inner.resume(queue, actor=actor)

    def forget(self, queue: str, *, actor: Actor | None = None) -> None:
        self.inner.forget(queue, actor=actor)

    def quiet(self, worker: str, *, on: bool = True, actor: Actor | None = None) -> Worker:
        return self.inner.quiet(worker, on=on, actor=actor)

    def stop(self, worker: str, *, on: bool = True, actor: Actor | None = None) -> Worker:
        return self.inner.stop(worker, on=on, actor=actor)

    def track(self, tag: str, *, on: bool = True, actor: Actor | None = None) -> Tag:
        return self.inner.track(tag, on=on, actor=actor)

    def recur(self, rule: Recurrence, *, actor: Actor | None = None) -> Recurring:
        return self.inner.recur(rule, actor=actor)

    def recurrences(
        self,
        ids: Sequence[str] | None = None,
        *,
        due: bool = False,
        after: str | None = None,
        limit: int = 1000,
    ) -> list[Recurring]:
        return self.inner.recurrences(ids, due=due, after=after, limit=limit)

    def unrecur(self, id: str, *, actor: Actor | None = None) -> None:
        self.inner.unrecur(id, actor=actor)

    def pause_recurrence(self, id: str, *, actor: Actor | None = None) -> Recurring:
        return self.inner.pause_recurrence(id, actor=actor)

    def resume_recurrence(self, id: str, *, actor: Actor | None = None) -> Recurring:
        return self.inner.resume_recurrence(id, actor=actor)

    def run_recurrence(self, id: str, *, actor: Actor | None = None) -> Put:
        return self.inner.run_recurrence(id, actor=actor)

    def fire(self, id: str, expected: float) -> list[Put]:
        return self.inner.fire(id, expected)

    def promote(self, limit: int = 1000) -> Promoted:
        return self.inner.promote(limit)

    def prune(self, limit: int = 1000) -> Pruned:
        return self.inner.prune(limit)

    def lead(self, role: str, holder: str, seconds: float) -> bool:
        return self.inner.lead(role, holder, seconds)

    def remember(self, name: str, value: str | None, expected: str | None) -> bool:
        return self.inner.remember(name, value, expected)

    def recall(self, name: str) -> str | None:
        return self.inner.recall(name)

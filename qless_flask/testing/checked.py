"""A namespace that is looked over after every operation, so that the operation that broke a rule is the one told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from qless_flask.backends.base import Namespace
from qless_flask.errors import QlessError
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
    Order,
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

    def heartbeat(self, leases: Sequence[Lease]) -> list[Lease | QlessError]:
        with self._checked() as inner:
            return inner.heartbeat(leases)

    def settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        with self._checked() as inner:
            return inner.settle(settlements)

    def exchange(self, settlements: Sequence[Settlement], pop: Pop, *, wait: float = 0.0) -> Exchanged:
        with self._checked() as inner:
            return inner.exchange(settlements, pop, wait=wait)

    def log(self, lease: Lease, message: str, data: str | None = None) -> None:
        with self._checked() as inner:
            inner.log(lease, message, data)

    def cancel(self, jids: Sequence[str], *, actor: Actor | None = None) -> list[Job | QlessError]:
        with self._checked() as inner:
            return inner.cancel(jids, actor=actor)

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

    def update(self, jids: Sequence[str], changes: Changes, *, actor: Actor | None = None) -> list[Job | QlessError]:
        with self._checked() as inner:
            return inner.update(jids, changes, actor=actor)

    def timeout(self, jids: Sequence[str], *, actor: Actor | None = None) -> list[Job | QlessError]:
        with self._checked() as inner:
            return inner.timeout(jids, actor=actor)

    def get(self, jids: Sequence[str]) -> list[Job | None]:
        with self._checked() as inner:
            return inner.get(jids)

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

    def events(self, after: str | None = None, limit: int = 100, *, wait: float = 0.0) -> EventPage:
        with self._checked() as inner:
            return inner.events(after, limit, wait=wait)

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

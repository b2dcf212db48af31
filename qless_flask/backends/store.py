"""What the stores share: arguments checked, jids made, waits looped; below each method one atomic step.

Redis and SQLite subclass it and write only the steps (the methods with a leading underscore). A step gets arguments
that are within bounds; it may still raise what only the store can tell.
"""

from __future__ import annotations

import random
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence

from qless_flask.backends.base import Namespace
from qless_flask.backends.waiting import Waiters
from qless_flask.bounds import (
    MAX_BATCH,
    MAX_DATA_BYTES,
    MAX_DELAY_SECONDS,
    MAX_RECORD_BYTES,
    MAX_WAIT_SECONDS,
    Checks,
    check_batch,
    is_utf8,
)
from qless_flask.errors import QlessError, TooLarge
from qless_flask.models import (
    Actor,
    Changes,
    Complete,
    EventPage,
    Exchanged,
    Fail,
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
    checked_settings,
    with_new_jid,
)

LOOK_AGAIN_SECONDS = 5.0
"""How long a waiting pop sleeps at most before it looks again by itself, should a wake have been lost."""

APART_SECONDS = 0.005
"""How far apart, on average, the pops that wait for one due job look for it."""


def to_milliseconds(seconds: float) -> int:
    """Turn seconds into the whole milliseconds that stores keep."""
    return round(seconds * 1000)


def to_seconds(milliseconds: int) -> float:
    """Turn a store's milliseconds into the seconds that answers give."""
    return milliseconds / 1000


class StoreNamespace(Namespace):
    """A namespace that lies in a store of its own rather than behind a server."""

    max_data_bytes = MAX_DATA_BYTES
    """How long the data of a job may be; its backend may set it otherwise."""

    def __init__(self, name: str, waiters: Waiters) -> None:
        check = Checks()
        check.name("namespace", name)
        check.done()
        self.name = name
        self._waiters = waiters

    # Jobs go in, are worked, and end

    def put(self, jobs: Sequence[NewJob]) -> list[Put]:
        check_batch("jobs", jobs)
        for job in jobs:
            self._check_size(job.data, job.jid)
        return self._put([job if job.jid else with_new_jid(job) for job in jobs]) if jobs else []

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
        check_batch("queues", queues, least=1)
        pop = Pop(tuple(queues), worker, limit, order=order, request=request)
        return self._wait_for_jobs(pop, wait, lambda wait_left: self._pop(pop, wait_left))

    def heartbeat(self, leases: Sequence[Lease]) -> list[Lease | QlessError]:
        check_batch("leases", leases)
        return self._heartbeat(leases) if leases else []

    def settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        self._check_settlements(settlements)
        return self._settle(settlements) if settlements else []

    def exchange(self, settlements: Sequence[Settlement], pop: Pop, *, wait: float = 0.0) -> Exchanged:
        self._check_settlements(settlements)
        results: list[Settled | QlessError] = []

        def first(wait_left: float) -> Popped:
            exchanged = self._exchange(settlements, pop, wait_left)
            results.extend(exchanged.results)
            return exchanged.popped

        popped = self._wait_for_jobs(pop, wait, first)
        return Exchanged(tuple(results), popped)

    def log(self, lease: Lease, message: str, data: str | None = None) -> None:
        check = Checks()
        check.message("message", message)
        if data is not None:
            check.json("data", data)
        check.done()
        if data is not None and len(message.encode()) + len(data.encode()) > MAX_RECORD_BYTES:
            raise TooLarge(f"a log line may have {MAX_RECORD_BYTES:,} bytes")
        self._log(lease, message, data)

    # By hand

    def cancel(self, jids: Sequence[str], *, actor: Actor | None = None) -> list[Job | QlessError]:
        _check_jids(jids)
        return self._cancel(jids, actor) if jids else []

    def move(
        self,
        jids: Sequence[str],
        queue: str,
        *,
        delay: float = 0.0,
        actor: Actor | None = None,
    ) -> list[Job | QlessError]:
        _check_jids(jids)
        check = Checks()
        check.name("queue", queue)
        check.seconds("delay", delay, 0, MAX_DELAY_SECONDS)
        check.done()
        return self._move(jids, queue, delay, actor) if jids else []

    def update(self, jids: Sequence[str], changes: Changes, *, actor: Actor | None = None) -> list[Job | QlessError]:
        _check_jids(jids)
        self._check_size(changes.data, None)
        return self._update(jids, changes, actor) if jids else []

    def timeout(self, jids: Sequence[str], *, actor: Actor | None = None) -> list[Job | QlessError]:
        _check_jids(jids)
        return self._timeout(jids, actor) if jids else []

    # Look-ups

    def get(self, jids: Sequence[str]) -> list[Job | None]:
        _check_jids(jids)
        return self._get(jids) if jids else []

    def lines(self, jid: str) -> list[LogLine]:
        check = Checks()
        check.text("jid", jid)
        check.done()
        return self._lines(jid)

    def select(self, filter: Filter, cursor: str | None = None, limit: int = 50) -> Page:
        check = Checks()
        check.integer("limit", limit, 1, MAX_BATCH)
        check.done()
        return self._select(filter, cursor, limit)

    def queues(self, names: Sequence[str] | None = None) -> list[Queue]:
        if names is not None:
            check = Checks()
            check.names("names", tuple(names), least=0, most=MAX_BATCH)
            check.done()
        return self._queues(names)

    def workers(self, names: Sequence[str] | None = None) -> list[Worker]:
        if names is not None:
            check = Checks()
            check.texts("names", tuple(names), most=MAX_BATCH)
            check.done()
        return self._workers(names)

    def events(self, after: str | None = None, limit: int = 100, *, wait: float = 0.0) -> EventPage:
        check = Checks()
        check.integer("limit", limit, 1, MAX_BATCH)
        check.seconds("wait", wait, 0, MAX_WAIT_SECONDS)
        if after is not None:
            check.text("after", after)
        check.done()
        return self._events(after, limit, wait)

    # Queues, live

    def configure(self, queue: str, changes: Mapping[str, Setting], *, actor: Actor | None = None) -> Queue:
        _check_queue(queue)
        return self._configure(queue, checked_settings(changes), actor)

    def pause(self, queue: str, *, actor: Actor | None = None) -> Queue:
        _check_queue(queue)
        return self._pause(queue, actor)

    def resume(self, queue: str, *, actor: Actor | None = None) -> Queue:
        _check_queue(queue)
        return self._resume(queue, actor)

    def forget(self, queue: str, *, actor: Actor | None = None) -> None:
        _check_queue(queue)
        self._forget(queue, actor)

    # Upkeep and records

    def promote(self, limit: int = 1000) -> Promoted:
        check = Checks()
        check.integer("limit", limit, 1, MAX_BATCH)
        check.done()
        return self._promote(limit)

    def prune(self, limit: int = 1000) -> Pruned:
        check = Checks()
        check.integer("limit", limit, 1, MAX_BATCH)
        check.done()
        return self._prune(limit)

    def lead(self, role: str, holder: str, seconds: float) -> bool:
        check = Checks()
        check.text("role", role)
        check.text("holder", holder)
        check.seconds("seconds", seconds, 0, MAX_DELAY_SECONDS)
        check.done()
        return self._lead(role, holder, seconds)

    def remember(self, name: str, value: str | None, expected: str | None) -> bool:
        check = Checks()
        check.text("name", name)
        for field, text in (("value", value), ("expected", expected)):
            if text is not None and not is_utf8(text):
                check.wrong(field, "must be text")
        check.done()
        for text in (value, expected):
            if text is not None and len(text.encode()) > MAX_RECORD_BYTES:
                raise TooLarge(f"a record may have {MAX_RECORD_BYTES:,} bytes")
        return self._remember(name, value, expected)

    def recall(self, name: str) -> str | None:
        check = Checks()
        check.text("name", name)
        check.done()
        return self._recall(name)

    # The steps: one atomic move of the store each

    @abstractmethod
    def _put(self, jobs: Sequence[NewJob]) -> list[Put]:
        """Each job has a jid."""

    @abstractmethod
    def _pop(self, pop: Pop, wait_left: float) -> Popped:
        """Pop once, without waiting; `wait_left` says for how long the caller will wait if it comes back empty."""

    @abstractmethod
    def _exchange(self, settlements: Sequence[Settlement], pop: Pop, wait_left: float) -> Exchanged: ...

    @abstractmethod
    def _heartbeat(self, leases: Sequence[Lease]) -> list[Lease | QlessError]: ...

    @abstractmethod
    def _settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]: ...

    @abstractmethod
    def _log(self, lease: Lease, message: str, data: str | None) -> None: ...

    @abstractmethod
    def _cancel(self, jids: Sequence[str], actor: Actor | None) -> list[Job | QlessError]: ...

    @abstractmethod
    def _move(self, jids: Sequence[str], queue: str, delay: float, actor: Actor | None) -> list[Job | QlessError]: ...

    @abstractmethod
    def _update(self, jids: Sequence[str], changes: Changes, actor: Actor | None) -> list[Job | QlessError]: ...

    @abstractmethod
    def _timeout(self, jids: Sequence[str], actor: Actor | None) -> list[Job | QlessError]: ...

    @abstractmethod
    def _get(self, jids: Sequence[str]) -> list[Job | None]: ...

    @abstractmethod
    def _lines(self, jid: str) -> list[LogLine]: ...

    @abstractmethod
    def _select(self, filter: Filter, cursor: str | None, limit: int) -> Page: ...

    @abstractmethod
    def _queues(self, names: Sequence[str] | None) -> list[Queue]: ...

    @abstractmethod
    def _workers(self, names: Sequence[str] | None) -> list[Worker]: ...

    @abstractmethod
    def _events(self, after: str | None, limit: int, wait: float) -> EventPage: ...

    @abstractmethod
    def _configure(self, queue: str, changes: Mapping[str, Setting], actor: Actor | None) -> Queue: ...

    @abstractmethod
    def _pause(self, queue: str, actor: Actor | None) -> Queue: ...

    @abstractmethod
    def _resume(self, queue: str, actor: Actor | None) -> Queue: ...

    @abstractmethod
    def _forget(self, queue: str, actor: Actor | None) -> None: ...

    @abstractmethod
    def _promote(self, limit: int) -> Promoted: ...

    @abstractmethod
    def _prune(self, limit: int) -> Pruned: ...

    @abstractmethod
    def _lead(self, role: str, holder: str, seconds: float) -> bool: ...

    @abstractmethod
    def _remember(self, name: str, value: str | None, expected: str | None) -> bool: ...

    @abstractmethod
    def _recall(self, name: str) -> str | None: ...

    @abstractmethod
    def _now(self) -> float:
        """The time as the store's operations see it, in Unix seconds."""

    def _wait_for_jobs(self, pop: Pop, wait: float, first: Callable[[float], Popped]) -> Popped:
        check = Checks()
        check.seconds("wait", wait, 0, MAX_WAIT_SECONDS)
        check.done()
        if not wait:
            return first(0)
        deadline = time.monotonic() + wait
        # Joined before the first look, so that a put between look and sleep still wakes it.
        with self._waiters.join(self.name, pop.queues) as waiter:
            popped, overdue = first(wait), 0
            while not popped.leases:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                until = self._until(popped.retry_at)
                overdue = overdue + 1 if until <= 0 else 0
                # One after the other: hundreds that look for one due job at once would keep all else waiting.
                apart = random.uniform(0, APART_SECONDS * waiter.others)
                waiter.sleep(min(left, _longest_sleep(), max(until, _shortest_sleep(overdue)) + apart))
                if self._waiters.closed:
                    break
                popped = self._pop(pop, max(0.0, deadline - time.monotonic()))
        return popped

    def _until(self, at: float | None) -> float:
        return LOOK_AGAIN_SECONDS if at is None else at - self._now()

    def _check_settlements(self, settlements: Sequence[Settlement]) -> None:
        check_batch("settle", settlements)
        for settlement in settlements:
            if isinstance(settlement, (Complete, Fail)):
                self._check_size(settlement.data, settlement.lease.jid)

    def _check_size(self, data: str | None, jid: str | None) -> None:
        # A character has at most four bytes: only a text that could be too long is encoded to find out.
        if data and len(data) * 4 > self.max_data_bytes and len(data.encode()) > self.max_data_bytes:
            raise TooLarge(
                f"the data may have {self.max_data_bytes:,} bytes: keep it elsewhere and put where it is",
                subject=jid,
            )


def _longest_sleep() -> float:
    # At a time of its own: workers that were started together would all look at once, again and again.
    return LOOK_AGAIN_SECONDS * random.uniform(0.5, 1)


def _shortest_sleep(overdue: int) -> float:
    # What should be there time after time, and is not: the clock of this host is ahead of the store's.
    return 0.001 * 2.0 ** min(overdue, 7)


def _check_jids(jids: Sequence[str]) -> None:
    check_batch("jids", jids)
    check = Checks()
    check.texts("jids", tuple(jids), most=MAX_BATCH)
    check.done()


def _check_queue(queue: str) -> None:
    check = Checks()
    check.name("queue", queue)
    check.done()

"""A namespace in SQLite: arguments in, one transaction, models out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from qless_flask.backends.sqlite import events, hands, ledger, lines, pops, puts, queues, selection, settling, upkeep
from qless_flask.backends.sqlite.listener import LOG
from qless_flask.backends.store import LOOK_AGAIN_SECONDS, StoreNamespace, to_seconds
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

if TYPE_CHECKING:
    from qless_flask.backends.sqlite.engine import SQLiteBackend


class SQLiteNamespace(StoreNamespace):
    """One namespace; a column tells its rows from those of others."""

    def __init__(self, name: str, backend: SQLiteBackend) -> None:
        super().__init__(name, backend.pops)
        self.max_data_bytes = backend.max_data_bytes
        self.backend = backend

    # Jobs go in, are worked, and end

    def _put(self, jobs: Sequence[NewJob]) -> list[Put]:
        return self.backend.write(self.name, lambda step: puts.put(step, jobs))

    def _pop(self, pop: Pop, wait_left: float) -> Popped:
        if wait_left and self._waiters.closed:
            return Popped(())
        return self.backend.write(self.name, lambda step: pops.pop(step, pop))

    def _exchange(self, settlements: Sequence[Settlement], pop: Pop, wait_left: float) -> Exchanged:
        return self.backend.write(self.name, lambda step: pops.exchange(step, settlements, pop))

    def _heartbeat(self, leases: Sequence[Lease]) -> list[Lease | QlessError]:
        return self.backend.write(self.name, lambda step: settling.heartbeat(step, leases))

    def _settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        return self.backend.write(self.name, lambda step: settling.settle(step, settlements))

    def _log(self, lease: Lease, message: str, data: str | None) -> None:
        self.backend.write(self.name, lambda step: lines.log(step, lease, message, data))

    # By hand

    def _cancel(self, jids: Sequence[str], actor: Actor | None) -> list[Job | QlessError]:
        return self.backend.write(self.name, lambda step: hands.cancel(step, jids, actor))

    def _move(self, jids: Sequence[str], queue: str, delay: float, actor: Actor | None) -> list[Job | QlessError]:
        return self.backend.write(self.name, lambda step: hands.move(step, jids, queue, delay, actor))

    def _update(self, jids: Sequence[str], changes: Changes, actor: Actor | None) -> list[Job | QlessError]:
        return self.backend.write(self.name, lambda step: hands.update(step, jids, changes, actor))

    def _timeout(self, jids: Sequence[str], actor: Actor | None) -> list[Job | QlessError]:
        return self.backend.write(self.name, lambda step: hands.timeout(step, jids, actor))

    # Look-ups

    def _get(self, jids: Sequence[str]) -> list[Job | None]:
        return self.backend.read(self.name, lambda look: selection.get(look, jids))

    def _lines(self, jid: str) -> list[LogLine]:
        return self.backend.read(self.name, lambda look: lines.lines(look, jid))

    def _select(self, filter: Filter, cursor: str | None, limit: int) -> Page:
        return self.backend.read(self.name, lambda look: selection.select(look, filter, cursor, limit))

    def _queues(self, names: Sequence[str] | None) -> list[Queue]:
        return self.backend.read(self.name, lambda look: queues.queues(look, names))

    def _workers(self, names: Sequence[str] | None) -> list[Worker]:
        return self.backend.read(self.name, lambda look: selection.workers(look, names))

    def _events(self, after: str | None, limit: int, wait: float) -> EventPage:
        if not wait:
            return self.backend.read(self.name, lambda look: events.events(look, after, limit))
        deadline = time.monotonic() + wait
        # Joined before the first look, so that what comes between look and sleep still wakes it.
        with self.backend.readers.join(self.name, [LOG]) as waiter:
            while True:
                page = self.backend.read(self.name, lambda look: events.events(look, after, limit))
                left = deadline - time.monotonic()
                if page.events or left <= 0 or self.backend.readers.closed:
                    return page
                waiter.sleep(min(left, LOOK_AGAIN_SECONDS))

    # Queues, live

    def _configure(self, queue: str, changes: Mapping[str, Setting], actor: Actor | None) -> Queue:
        return self.backend.write(self.name, lambda step: queues.configure(step, queue, changes, actor))

    def _pause(self, queue: str, actor: Actor | None) -> Queue:
        return self.backend.write(self.name, lambda step: queues.pause(step, queue, actor))

    def _resume(self, queue: str, actor: Actor | None) -> Queue:
        return self.backend.write(self.name, lambda step: queues.resume(step, queue, actor))

    def _forget(self, queue: str, actor: Actor | None) -> None:
        self.backend.write(self.name, lambda step: queues.forget(step, queue, actor))

    # Upkeep and records

    def _promote(self, limit: int) -> Promoted:
        return self.backend.write(self.name, lambda step: upkeep.promote(step, limit))

    def _prune(self, limit: int) -> Pruned:
        return self.backend.write(self.name, lambda step: upkeep.prune(step, limit))

    def _lead(self, role: str, holder: str, seconds: float) -> bool:
        return self.backend.write(self.name, lambda step: ledger.lead(step, role, holder, seconds))

    def _remember(self, name: str, value: str | None, expected: str | None) -> bool:
        return self.backend.write(self.name, lambda step: ledger.remember(step, name, value, expected))

    def _recall(self, name: str) -> str | None:
        return self.backend.read(self.name, lambda look: ledger.recall(look, name))

    def _now(self) -> float:
        return to_seconds(self.backend.now())

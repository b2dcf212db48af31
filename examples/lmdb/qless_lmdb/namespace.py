"""A namespace in LMDB: arguments in, one transaction, models out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from qless_flask.backends.folding import Row
from qless_flask.backends.patience import LOOK_AGAIN_SECONDS
from qless_flask.backends.steps import Wish
from qless_flask.backends.store import StoreNamespace, to_seconds
from qless_flask.errors import QlessError
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
from qless_lmdb import (
    dumping,
    erasing,
    events,
    hands,
    ledger,
    loading,
    lookups,
    pops,
    pruning,
    recurrences,
    selection,
    settings,
    settling,
    shown,
    upkeep,
)
from qless_lmdb.listener import LOG
from qless_lmdb.look import Look
from qless_lmdb.puts import put

if TYPE_CHECKING:
    from qless_lmdb.backend import LMDBBackend


class LMDBNamespace(StoreNamespace):
    """One namespace; a number at the beginning of its keys tells them from those of others."""

    def __init__(self, name: str, backend: LMDBBackend) -> None:
        super().__init__(name, backend.pops)
        self.max_data_bytes = backend.max_data_bytes
        self.backend = backend

    # Jobs go in, are worked, and end

    def _put(self, jobs: Sequence[NewJob]) -> list[Put]:
        return self.backend.write(self.name, lambda step: [put(step, job) for job in jobs])

    def _pop(self, pop: Pop, wait_left: float) -> Popped:
        if wait_left and self._waiters.closed:
            return Popped(())
        return self.backend.write(self.name, lambda step: pops.pop(step, pop))

    def _exchange(self, settlements: Sequence[Settlement], pop: Pop, wait_left: float) -> Exchanged:
        return self.backend.write(self.name, lambda step: pops.exchange(step, settlements, pop))

    def _heartbeat(self, beats: Sequence[Beat]) -> list[Renewed | QlessError]:
        return self.backend.write(self.name, lambda step: [settling.heartbeat(step, beat) for beat in beats])

    def _settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        return self.backend.write(self.name, lambda step: [settling.settle(step, each) for each in settlements])

    def _log(self, lease: Lease, message: str, data: str | None) -> None:
        self.backend.write(self.name, lambda step: settling.log(step, lease, message, data))

    # By hand

    def _cancel(self, jids: Sequence[str], dependents: Dependents, actor: Actor | None) -> list[Job | QlessError]:
        return self.backend.write(self.name, lambda step: hands.each(step, jids, Cancel(dependents), actor))

    def _move(self, jids: Sequence[str], queue: str, delay: float, actor: Actor | None) -> list[Job | QlessError]:
        return self.backend.write(self.name, lambda step: hands.each(step, jids, Move(queue, delay), actor))

    def _update(self, jids: Sequence[str], changes: Changes, actor: Actor | None) -> list[Job | QlessError]:
        return self.backend.write(self.name, lambda step: hands.each(step, jids, Update(changes), actor))

    def _timeout(self, jids: Sequence[str], actor: Actor | None) -> list[Job | QlessError]:
        return self.backend.write(self.name, lambda step: hands.each(step, jids, Timeout(), actor))

    def _finish(self, jids: Sequence[str], end: Finish, actor: Actor | None) -> list[Job | QlessError]:
        return self.backend.write(self.name, lambda step: hands.each(step, jids, end, actor))

    def _depend(self, jid: str, on: Sequence[str], off: Sequence[str], missing: Missing, actor: Actor | None) -> Job:
        return self.backend.write(self.name, lambda step: hands.depend(step, jid, on, off, missing, actor))

    def _change(self, filter: Filter, action: Action, limit: int, cursor: str | None, actor: Actor | None) -> Changed:
        return self.backend.write(self.name, lambda step: hands.change(step, filter, action, limit, cursor, actor))

    # Look-ups

    def _get(self, jids: Sequence[str]) -> list[Job | None]:
        return self.backend.read(self.name, lambda look: [_whole(look, jid) for jid in jids])

    def _lines(self, jid: str) -> list[LogLine]:
        return self.backend.read(self.name, lambda look: _lines(look, jid))

    def _select(self, filter: Filter, cursor: str | None, limit: int) -> Page:
        return self.backend.read(self.name, lambda look: selection.select(look, filter, cursor, limit))

    def _queues(self, names: Sequence[str] | None) -> list[Queue]:
        return self.backend.read(self.name, lambda look: lookups.queues(look, names))

    def _workers(self, names: Sequence[str] | None) -> list[Worker]:
        return self.backend.read(self.name, lambda look: lookups.workers(look, names))

    def _failures(self, groups: Sequence[str] | None, after: str | None, limit: int) -> list[FailureGroup]:
        return self.backend.read(self.name, lambda look: lookups.failures(look, groups, after, limit))

    def _tags(self, names: Sequence[str] | None, after: str | None, limit: int) -> list[Tag]:
        return self.backend.read(self.name, lambda look: lookups.tags(look, names, after, limit))

    def _tracked(self, limit: int) -> Tracked:
        return self.backend.read(self.name, lambda look: lookups.tracked(look, limit))

    def _tracked_tags(self) -> frozenset[str]:
        return self.backend.read(self.name, lambda look: frozenset(lookups.tracked_tags(look)))

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

    def _log_end(self) -> str:
        return self.backend.read(self.name, lambda look: str(look.itself.events))

    # Queues, live

    def _configure(
        self, queue: str, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None
    ) -> Queue:
        return self.backend.write(self.name, lambda step: settings.configure(step, queue, changes, inherit, actor))

    def _pause(self, queue: str, actor: Actor | None) -> Queue:
        return self.backend.write(self.name, lambda step: settings.pause(step, queue, actor))

    def _resume(self, queue: str, actor: Actor | None) -> Queue:
        return self.backend.write(self.name, lambda step: settings.resume(step, queue, actor))

    def _forget(self, queue: str, actor: Actor | None) -> None:
        self.backend.write(self.name, lambda step: settings.forget(step, queue, actor))

    # The namespace itself

    def _settings(self) -> NamespaceSettings:
        return self.backend.read(self.name, lambda look: look.settings())

    def _configure_namespace(
        self, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None
    ) -> NamespaceSettings:
        return self.backend.write(self.name, lambda step: settings.configure_namespace(step, changes, inherit, actor))

    def _freeze(self, on: bool, actor: Actor | None) -> NamespaceSettings:
        return self.backend.write(self.name, lambda step: settings.freeze(step, on, actor), while_frozen=True)

    def _dump(self, cursor: str | None, limit: int) -> Dumped:
        return self.backend.read(self.name, lambda look: dumping.dump(look, cursor, limit))

    def _load(self, records: Sequence[AnyRecord]) -> None:
        self.backend.write(self.name, lambda step: loading.load(step, records), while_frozen=True)

    def _erase(self, confirmed: bool, cursor: str | None, limit: int, actor: Actor | None) -> Erased:
        return self.backend.write(
            self.name, lambda step: erasing.erase(step, self.name, confirmed, limit, actor), while_frozen=True
        )

    # Statistics

    def _figures(self, rows: Sequence[Row]) -> tuple[str | None, list[str | None]]:
        return self.backend.read(self.name, lambda look: ledger.read_figures(look, rows))

    def _fold(self, seen: str | None, cursor: str, rows: Mapping[Row, str]) -> bool:
        return self.backend.write(self.name, lambda step: ledger.fold(step, seen, cursor, rows), while_frozen=True)

    def _forget_figures(self, day: str, hour: str) -> None:
        self.backend.write(self.name, lambda step: ledger.forget_figures(step, day, hour), while_frozen=True)

    # Workers and tags, live

    def _ask(self, worker: str, wish: Wish, on: bool, actor: Actor | None) -> Worker:
        return self.backend.write(self.name, lambda step: settings.ask(step, worker, wish, on, actor))

    def _track(self, tag: str, on: bool, actor: Actor | None) -> Tag:
        return self.backend.write(self.name, lambda step: settings.track(step, tag, on, actor))

    # Recurrences

    def _recur(self, rule: Recurrence, next_at: float | None, actor: Actor | None) -> Recurring:
        return self.backend.write(self.name, lambda step: recurrences.recur(step, rule, next_at, actor))

    def _recurrences(self, ids: Sequence[str] | None, due: bool, after: str | None, limit: int) -> list[Recurring]:
        return self.backend.read(self.name, lambda look: recurrences.recurrences(look, ids, due, after, limit))

    def _unrecur(self, id: str, actor: Actor | None) -> None:
        self.backend.write(self.name, lambda step: recurrences.unrecur(step, id, actor))

    def _pause_recurrence(self, id: str, actor: Actor | None) -> Recurring:
        return self.backend.write(self.name, lambda step: recurrences.pause(step, id, actor))

    def _resume_recurrence(self, seen: Recurring, next_at: float | None, actor: Actor | None) -> Recurring | None:
        return self.backend.write(self.name, lambda step: recurrences.resume(step, seen, next_at, actor))

    def _run_recurrence(self, seen: Recurring, job: NewJob, due_at: float, actor: Actor | None) -> Put | None:
        return self.backend.write(self.name, lambda step: recurrences.run(step, seen, job, due_at, actor))

    def _fire(self, seen: Recurring, jobs: Sequence[NewJob], due: Sequence[float], next_at: float | None) -> list[Put]:
        return self.backend.write(self.name, lambda step: recurrences.fire(step, seen, jobs, due, next_at))

    # Upkeep and records

    def _promote(self, limit: int) -> Promoted:
        return self.backend.write(self.name, lambda step: upkeep.promote(step, limit), while_frozen=True)

    def _prune(self, limit: int) -> Pruned:
        return self.backend.write(self.name, lambda step: pruning.prune(step, limit), while_frozen=True)

    def _lead(self, role: str, holder: str, seconds: float) -> bool:
        return self.backend.write(self.name, lambda step: ledger.lead(step, role, holder, seconds), while_frozen=True)

    def _remember(self, name: str, value: str | None, expected: str | None) -> bool:
        return self.backend.write(
            self.name, lambda step: ledger.remember(step, name, value, expected), while_frozen=True
        )

    def _recall(self, name: str) -> str | None:
        return self.backend.read(self.name, lambda look: ledger.recall(look, name))

    def _now(self) -> float:
        return to_seconds(self.backend.now())


def _whole(look: Look, jid: str) -> Job | None:
    job = look.find(jid)
    return None if job is None else shown.whole(look, job)


def _lines(look: Look, jid: str) -> list[LogLine]:
    return [LogLine(to_seconds(at), message, data) for at, message, data in look.lines(look.job(jid).jid)]

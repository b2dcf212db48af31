"""What the stores share: arguments checked, jids made; below each method one atomic step.

Redis and SQLite subclass it and write only the steps (`backends.steps`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from qless_flask import recurrence
from qless_flask.backends.firing import FiringNamespace
from qless_flask.backends.folding import FoldingNamespace
from qless_flask.backends.patience import PatientNamespace
from qless_flask.backends.waiting import Waiters
from qless_flask.bounds import (
    MAX_BATCH,
    MAX_DATA_BYTES,
    MAX_DELAY_SECONDS,
    MAX_DEPENDS,
    MAX_OPEN_DEPENDS,
    MAX_RECORD_BYTES,
    Checks,
    check_batch,
    check_jids,
    is_utf8,
)
from qless_flask.errors import Frozen, Invalid, QlessError, TooLarge
from qless_flask.models import (
    MISSING,
    Action,
    Actor,
    AnyRecord,
    Beat,
    Changed,
    Changes,
    Complete,
    Dependents,
    Dumped,
    Erased,
    Exchanged,
    Fail,
    FailureGroup,
    Filter,
    Finish,
    Job,
    JobRecord,
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
    RecurrenceRecord,
    Renewed,
    Setting,
    Settled,
    Settlement,
    Tag,
    Tracked,
    Update,
    Worker,
    check_records,
    check_setting_names,
    checked_settings,
    distinct,
    read_rule,
    with_new_jid,
)
from qless_flask.models import Cancel as CancelAction


def to_milliseconds(seconds: float) -> int:
    """Turn seconds into the whole milliseconds that stores keep."""
    return round(seconds * 1000)


def to_seconds(milliseconds: int) -> float:
    """Turn a store's milliseconds into the seconds that answers give."""
    return milliseconds / 1000


class StoreNamespace(FiringNamespace, FoldingNamespace, PatientNamespace):
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
        return self._put(self._ready(jobs)) if jobs else []

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
        check_batch("queues", queues, least=1)
        pop = Pop(tuple(queues), worker, limit, capabilities=tuple(capabilities), order=order, request=request)
        return self._wait_for_jobs(pop, wait, lambda wait_left: self._pop(pop, wait_left))

    def heartbeat(self, beats: Sequence[Beat]) -> list[Renewed | QlessError]:
        check_batch("leases", beats)
        for beat in beats:
            self._check_size(beat.data, beat.lease.jid)
        return self._heartbeat(beats) if beats else []

    def settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        ready = self._ready_settlements(settlements)
        return self._settle(ready) if ready else []

    def exchange(self, settlements: Sequence[Settlement], pop: Pop, *, wait: float = 0.0) -> Exchanged:
        ready = self._ready_settlements(settlements)
        results: list[Settled | QlessError] = []

        def first(wait_left: float) -> Popped:
            exchanged = self._exchange(ready, pop, wait_left)
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

    def cancel(
        self,
        jids: Sequence[str],
        *,
        dependents: Dependents = "refuse",
        actor: Actor | None = None,
    ) -> list[Job | QlessError]:
        check_jids(jids)
        CancelAction(dependents)
        return self._cancel(jids, dependents, actor) if jids else []

    def move(
        self,
        jids: Sequence[str],
        queue: str,
        *,
        delay: float = 0.0,
        actor: Actor | None = None,
    ) -> list[Job | QlessError]:
        check_jids(jids)
        check = Checks()
        check.name("queue", queue)
        check.seconds("delay", delay, 0, MAX_DELAY_SECONDS)
        check.done()
        return self._move(jids, queue, delay, actor) if jids else []

    def finish(self, jids: Sequence[str], end: Finish, *, actor: Actor | None = None) -> list[Job | QlessError]:
        check_jids(jids)
        self._check_size(end.result, None)
        return self._finish(jids, end, actor) if jids else []

    def update(self, jids: Sequence[str], changes: Changes, *, actor: Actor | None = None) -> list[Job | QlessError]:
        check_jids(jids)
        self._check_size(changes.data, None)
        return self._update(jids, changes, actor) if jids else []

    def timeout(self, jids: Sequence[str], *, actor: Actor | None = None) -> list[Job | QlessError]:
        check_jids(jids)
        return self._timeout(jids, actor) if jids else []

    def depend(
        self,
        jid: str,
        on: Sequence[str] = (),
        off: Sequence[str] = (),
        *,
        missing: Missing = "refuse",
        actor: Actor | None = None,
    ) -> Job:
        check = Checks()
        check.text("jid", jid)
        check.texts("on", tuple(on), most=MAX_DEPENDS)
        check.texts("off", tuple(off), most=MAX_OPEN_DEPENDS)
        check.one_of("missing", missing, MISSING)
        check.done()
        return self._depend(jid, tuple(dict.fromkeys(on)), tuple(dict.fromkeys(off)), missing, actor)

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
        check = Checks()
        check.integer("limit", limit, 1, MAX_BATCH)
        check.done()
        if isinstance(action, Update):
            self._check_size(action.changes.data, None)
        elif isinstance(action, Finish):
            self._check_size(action.result, None)
        if dry_run:
            page = self._select(filter, cursor, limit)
            return Changed(len(page.jobs), 0, page.next)
        return self._change(filter, action, limit, cursor, actor)

    # Look-ups

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

    def failures(
        self, groups: Sequence[str] | None = None, *, after: str | None = None, limit: int = 1000
    ) -> list[FailureGroup]:
        _check_listing("groups", groups, after, limit)
        return self._failures(groups, after, limit)

    def tags(self, names: Sequence[str] | None = None, *, after: str | None = None, limit: int = 1000) -> list[Tag]:
        _check_listing("names", names, after, limit)
        return self._tags(names, after, limit)

    def tracked(self) -> Tracked:
        return self._tracked(MAX_BATCH)

    # Queues, live

    def configure(
        self,
        queue: str,
        changes: Mapping[str, Setting],
        *,
        inherit: Sequence[str] = (),
        actor: Actor | None = None,
    ) -> Queue:
        _check_queue(queue)
        check_setting_names("inherit", inherit)
        return self._configure(queue, checked_settings(changes), inherit, actor)

    def pause(self, queue: str, *, actor: Actor | None = None) -> Queue:
        _check_queue(queue)
        return self._pause(queue, actor)

    def resume(self, queue: str, *, actor: Actor | None = None) -> Queue:
        _check_queue(queue)
        return self._resume(queue, actor)

    def forget(self, queue: str, *, actor: Actor | None = None) -> None:
        _check_queue(queue)
        self._forget(queue, actor)

    # The namespace itself

    def settings(self) -> NamespaceSettings:
        return self._settings()

    def configure_namespace(
        self, changes: Mapping[str, Setting], *, inherit: Sequence[str] = (), actor: Actor | None = None
    ) -> NamespaceSettings:
        check_setting_names("inherit", inherit, namespace=True)
        return self._configure_namespace(checked_settings(changes, namespace=True), inherit, actor)

    def freeze(self, on: bool = True, *, actor: Actor | None = None) -> NamespaceSettings:
        check = Checks()
        check.kind("on", on, bool)
        check.done()
        try:
            settings = self._freeze(on, actor)
        except Frozen:
            raise Frozen.erasing(self.name) from None
        # Nothing comes any more: what a dump reads are then all the statistics.
        while on and self._fold_some():
            pass
        return settings

    def dump(self, cursor: str | None = None, limit: int = 1000) -> Dumped:
        check = Checks()
        check.integer("limit", limit, 1, MAX_BATCH)
        if cursor is not None and not (isinstance(cursor, str) and is_utf8(cursor) and cursor):
            check.wrong("cursor", "is no cursor of a dump")
        check.done()
        return self._dump(cursor, limit)

    def load(self, records: Sequence[AnyRecord]) -> int:
        check_batch("records", records)
        check_records(records)
        for record in records:
            if isinstance(record, JobRecord):
                self._check_size(record.data, record.jid)
                self._check_size(record.result, record.jid)
            elif isinstance(record, RecurrenceRecord):
                recurrence.first(read_rule(record.rule), self._now())
        if records:
            self._load(distinct(records))
        return len(records)

    def erase(
        self,
        confirm: str | None = None,
        cursor: str | None = None,
        limit: int = 1000,
        *,
        actor: Actor | None = None,
    ) -> Erased:
        check = Checks()
        if confirm not in (None, self.name):
            check.wrong("confirm", "must be the name of the namespace that is to be erased, or be left out")
        check.integer("limit", limit, 1, MAX_BATCH)
        check.done()
        return self._erase(confirm is not None, cursor, limit, actor)

    # Workers and tags, live

    def quiet(self, worker: str, *, on: bool = True, actor: Actor | None = None) -> Worker:
        _check_text("worker", worker)
        return self._ask(worker, "quiet", on, actor)

    def stop(self, worker: str, *, on: bool = True, actor: Actor | None = None) -> Worker:
        _check_text("worker", worker)
        return self._ask(worker, "stop", on, actor)

    def track(self, tag: str, *, on: bool = True, actor: Actor | None = None) -> Tag:
        _check_text("tag", tag)
        return self._track(tag, on, actor)

    # Upkeep and records

    def promote(self, limit: int = 1000) -> Promoted:
        check = Checks()
        check.integer("limit", limit, 1, MAX_BATCH)
        check.done()
        promoted = self._promote(limit)
        return replace(promoted, more=True) if self._fold_some() else promoted

    def prune(self, limit: int = 1000) -> Pruned:
        check = Checks()
        check.integer("limit", limit, 1, MAX_BATCH)
        check.done()
        # What is trimmed must be counted first.
        unfolded = self._fold_some()
        if not self._settings().frozen:
            self._forget_old_figures()
        pruned = self._prune(limit)
        return replace(pruned, more=True) if unfolded else pruned

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

    def _ready(self, jobs: Sequence[NewJob]) -> list[NewJob]:
        """Check what only the settings tell about new jobs, and give each a jid."""
        for job in jobs:
            self._check_size(job.data, job.jid)
        return [job if job.jid else with_new_jid(job) for job in jobs]

    def _ready_settlements(self, settlements: Sequence[Settlement]) -> Sequence[Settlement]:
        check_batch("settle", settlements)
        puts = 0
        for settlement in settlements:
            if isinstance(settlement, (Complete, Fail)):
                self._check_size(settlement.data, settlement.lease.jid)
            if isinstance(settlement, Complete):
                self._check_size(settlement.result, settlement.lease.jid)
                puts += len(settlement.puts)
        if not puts:
            return settlements
        if puts > MAX_BATCH:
            raise Invalid.of({"puts": [f"all settlements of a call may put {MAX_BATCH:,} jobs together"]})
        return [
            replace(each, puts=tuple(self._ready(each.puts))) if isinstance(each, Complete) and each.puts else each
            for each in settlements
        ]

    def _check_size(self, data: str | None, jid: str | None) -> None:
        # A character has at most four bytes: only a text that could be too long is encoded to find out.
        if data and len(data) * 4 > self.max_data_bytes and len(data.encode()) > self.max_data_bytes:
            raise TooLarge(
                f"the data may have {self.max_data_bytes:,} bytes: keep it elsewhere and put where it is",
                subject=jid,
            )


def _check_text(field: str, text: str) -> None:
    check = Checks()
    check.text(field, text)
    check.done()


def _check_listing(field: str, names: Sequence[str] | None, after: str | None, limit: int) -> None:
    check = Checks()
    if names is not None:
        check.texts(field, tuple(names), most=MAX_BATCH)
    if after is not None:
        check.text("after", after)
    check.integer("limit", limit, 1, MAX_BATCH)
    check.done()


def _check_queue(queue: str) -> None:
    check = Checks()
    check.name("queue", queue)
    check.done()

"""A namespace in Redis: arguments in, one script, models out."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import cast

from qless_flask.backends.base import Clock
from qless_flask.backends.folding import Row
from qless_flask.backends.redis import figures, queues, recurrences, scripts
from qless_flask.backends.redis.changes import (
    NOT_SEEN,
    SEEN,
    count_done,
    finish_arguments,
    script_of,
    seen_jobs,
    update_arguments,
)
from qless_flask.backends.redis.connection import Client, told_as_ours
from qless_flask.backends.redis.dumps import dump
from qless_flask.backends.redis.faults import read_fault
from qless_flask.backends.redis.leases import (
    beat_arguments,
    pop_arguments,
    read_popped,
    read_renewed,
    read_settled,
    settle_arguments,
)
from qless_flask.backends.redis.loads import load
from qless_flask.backends.redis.log import read_log
from qless_flask.backends.redis.names import Names, key_prefix
from qless_flask.backends.redis.puts import put_arguments, read_put
from qless_flask.backends.redis.queues import read_queue, read_worker
from qless_flask.backends.redis.records import read_full_job, read_job, read_line
from qless_flask.backends.redis.recurrences import read_recurring
from qless_flask.backends.redis.rows import named, read_rows, with_texts
from qless_flask.backends.redis.scripts import Argument, Reply
from qless_flask.backends.redis.walk import walk
from qless_flask.backends.steps import Wish
from qless_flask.backends.store import StoreNamespace, to_milliseconds
from qless_flask.backends.waiting import Waiters
from qless_flask.errors import Frozen, Invalid, NotEmpty, QlessError
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

_BEGINNINGS = frozenset(
    ("put", "pop", "exchange", "configure", "configure_namespace", "pause", "track", "recur", "lead", "remember"),
)
"""The scripts that can be the first to write into a namespace."""
_ERASE_CURSOR = re.compile(r"[0-9]{1,20}|queues")
_WISHES: dict[Wish, tuple[str, str]] = {"quiet": ("q", "w"), "stop": ("s", "s")}
"""The letter of what a worker is asked, and that of the event which tells of it."""


class RedisNamespace(StoreNamespace):
    """One namespace; all its keys share one hash tag."""

    def __init__(
        self,
        name: str,
        waiters: Waiters,
        client: Client,
        *,
        clock: Clock | None,
        names: Names,
    ) -> None:
        super().__init__(name, waiters)
        self.prefix = key_prefix(name)
        self.client = client
        self._clock = clock
        self._names = names

    # Jobs go in, are worked, and end

    def _put(self, jobs: Sequence[NewJob]) -> list[Put]:
        arguments: list[Argument] = []
        for job in jobs:
            arguments += put_arguments(job)
        reply = cast("list[bytes]", self.write("put", *arguments))
        return [read_put(job, answer) for job, answer in zip(jobs, reply, strict=True)]

    def _pop(self, pop: Pop, wait_left: float) -> Popped:
        return read_popped(self.write("pop", *pop_arguments(pop, wait_left)))

    def _exchange(self, settlements: Sequence[Settlement], pop: Pop, wait_left: float) -> Exchanged:
        arguments = settle_arguments(settlements)
        answers, popped = cast(
            "tuple[Reply, Reply]",
            self.write("exchange", len(settlements), *arguments, *pop_arguments(pop, wait_left)),
        )
        return Exchanged(tuple(read_settled(settlements, answers)), read_popped(popped))

    def _heartbeat(self, beats: Sequence[Beat]) -> list[Renewed | QlessError]:
        reply = cast("list[bytes]", self.write("heartbeat", *beat_arguments(beats)))
        return [read_renewed(beat, answer) for beat, answer in zip(beats, reply, strict=True)]

    def _settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        return read_settled(settlements, self.write("settle", *settle_arguments(settlements)))

    def _log(self, lease: Lease, message: str, data: str | None) -> None:
        self.write("log", lease.jid, lease.token, message, data or "")

    # By hand

    def _cancel(self, jids: Sequence[str], dependents: Dependents, actor: Actor | None) -> list[Job | QlessError]:
        return self._by_hand("cancel", actor, jids, dependents)

    def _move(self, jids: Sequence[str], queue: str, delay: float, actor: Actor | None) -> list[Job | QlessError]:
        return self._by_hand("move", actor, jids, queue, to_milliseconds(delay))

    def _update(self, jids: Sequence[str], changes: Changes, actor: Actor | None) -> list[Job | QlessError]:
        return self._by_hand("update", actor, jids, *update_arguments(changes))

    def _timeout(self, jids: Sequence[str], actor: Actor | None) -> list[Job | QlessError]:
        return self._by_hand("timeout", actor, jids)

    def _finish(self, jids: Sequence[str], end: Finish, actor: Actor | None) -> list[Job | QlessError]:
        return self._by_hand("finish", actor, jids, *finish_arguments(end))

    def _depend(self, jid: str, on: Sequence[str], off: Sequence[str], missing: Missing, actor: Actor | None) -> Job:
        reply = self.write("depend", _actor(actor), jid, missing, len(on), *on, *off)
        return read_job(jid, *cast("list[bytes]", reply))

    def _change(self, filter: Filter, action: Action, limit: int, cursor: str | None, actor: Actor | None) -> Changed:
        page = walk(self, filter, cursor, limit)
        if not page.jobs:
            if self._settings().frozen:
                raise Frozen.about(self.name)
            return Changed(0, 0, page.next)
        script, arguments = script_of(action)
        reply = self.write(script, _actor(actor), SEEN, *arguments, *seen_jobs(page.jobs))
        return Changed(len(page.jobs), count_done(reply), page.next)

    # Look-ups

    def _get(self, jids: Sequence[str]) -> list[Job | None]:
        reply = cast("list[list[bytes | list[bytes]]]", self.read("get", *jids))
        return [read_full_job(jid, found) if found[0] else None for jid, found in zip(jids, reply, strict=True)]

    def _lines(self, jid: str) -> list[LogLine]:
        return [read_line(text) for text in cast("list[bytes]", self.read("lines", jid))]

    def _select(self, filter: Filter, cursor: str | None, limit: int) -> Page:
        return walk(self, filter, cursor, limit)

    def _queues(self, names: Sequence[str] | None) -> list[Queue]:
        found = [read_queue(row) for row in cast("list[Reply]", self.read("queues", *_named(names)))]
        return sorted(found, key=lambda queue: queue.name) if names is None else found

    def _workers(self, names: Sequence[str] | None) -> list[Worker]:
        found = [read_worker(row) for row in cast("list[Reply]", self.read("workers", *_named(names)))]
        return sorted(found, key=lambda worker: worker.name) if names is None else found

    def _failures(self, groups: Sequence[str] | None, after: str | None, limit: int) -> list[FailureGroup]:
        rows = cast("list[Reply]", self.read("failures", *figures.listing(groups, after, limit)))
        return [figures.read_group(row) for row in rows]

    def _tags(self, names: Sequence[str] | None, after: str | None, limit: int) -> list[Tag]:
        return figures.read_tags(self.read("tags", *figures.listing(names, after, limit)), names, limit)

    def _tracked(self, limit: int) -> Tracked:
        return figures.read_tracked(self.read("tracked", limit))

    def _tracked_tags(self) -> frozenset[str]:
        with told_as_ours():
            names = cast("list[bytes]", self.client.zrange(f"{self.prefix}:tracked_tags", 0, -1))
        return frozenset(name.decode() for name in names)

    def _events(self, after: str | None, limit: int, wait: float) -> EventPage:
        return read_log(self, after, limit, wait)

    def _log_end(self) -> str:
        return cast(bytes, self.read("log_end")).decode()

    # Queues, live

    def _configure(
        self, queue: str, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None
    ) -> Queue:
        return queues.configure(self.read, self.write, queue, _actor(actor), queues.changed_by(changes, inherit))

    def _pause(self, queue: str, actor: Actor | None) -> Queue:
        return read_queue(self.write("pause", _actor(actor), queue))

    def _resume(self, queue: str, actor: Actor | None) -> Queue:
        return read_queue(self.write("resume", _actor(actor), queue))

    def _forget(self, queue: str, actor: Actor | None) -> None:
        self.write("forget", _actor(actor), queue)

    # The namespace itself

    def _settings(self) -> NamespaceSettings:
        return queues.read_namespace(self.read("settings", "named"))

    def _configure_namespace(
        self, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None
    ) -> NamespaceSettings:
        queues.configure_namespace(self.read, self.write, _actor(actor), queues.changed_by(changes, inherit))
        return self._settings()

    def _freeze(self, on: bool, actor: Actor | None) -> NamespaceSettings:
        if on:
            self._names.enter(self.name)
        self.write("freeze", _actor(actor), "1" if on else "")
        return self._settings()

    def _dump(self, cursor: str | None, limit: int) -> Dumped:
        if cursor is None and not self._names.has(self.name):
            return Dumped((), None)
        return dump(self, cursor, limit)

    def _load(self, records: Sequence[AnyRecord]) -> None:
        load(self, records)

    def _erase(self, confirmed: bool, cursor: str | None, limit: int, actor: Actor | None) -> Erased:
        if cursor is not None and not _ERASE_CURSOR.fullmatch(cursor):
            raise Invalid.of({"cursor": ["is none that erase gave"]})
        if not self._names.has(self.name):
            return Erased(0, None)
        try:
            reply = self.write("erase", _actor(actor), "1" if confirmed else "", cursor or "", limit)
        except NotEmpty:
            raise NotEmpty.namespace(self.name) from None
        deleted, following = cast("tuple[int, bytes]", reply)
        if not following:
            self._names.forget(self.name)
        return Erased(deleted, following.decode() or None)

    # Workers and tags, live

    def _ask(self, worker: str, wish: Wish, on: bool, actor: Actor | None) -> Worker:
        return read_worker(self.write("ask", _actor(actor), worker, *_WISHES[wish], "1" if on else ""))

    def _track(self, tag: str, on: bool, actor: Actor | None) -> Tag:
        return figures.read_tag(self.write("track", _actor(actor), tag, "1" if on else ""))

    # Recurrences

    def _recur(self, rule: Recurrence, next_at: float | None, actor: Actor | None) -> Recurring:
        return read_recurring(self.write("recur", _actor(actor), *recurrences.recur_arguments(rule, next_at)))

    def _recurrences(self, ids: Sequence[str] | None, due: bool, after: str | None, limit: int) -> list[Recurring]:
        which = "named" if ids is not None else "due" if due else "all"
        rows = cast("list[Reply]", self.read("recurrences", which, limit, after or "", *(ids or ())))
        return [read_recurring(row) for row in rows]

    def _unrecur(self, id: str, actor: Actor | None) -> None:
        self.write("unrecur", _actor(actor), id)

    def _pause_recurrence(self, id: str, actor: Actor | None) -> Recurring:
        return read_recurring(self.write("pause_recurrence", _actor(actor), id))

    def _resume_recurrence(self, seen: Recurring, next_at: float | None, actor: Actor | None) -> Recurring | None:
        rule = recurrences.seen_rule(seen)
        reply = self.write("resume_recurrence", _actor(actor), *rule, recurrences.write_time(next_at))
        return read_recurring(reply) if reply else None

    def _run_recurrence(self, seen: Recurring, job: NewJob, due_at: float, actor: Actor | None) -> Put | None:
        rule, due = recurrences.seen_rule(seen), recurrences.write_time(due_at)
        words = put_arguments(job, seen.rule.id, due_at)
        reply = self.write("run_recurrence", _actor(actor), *rule, due, *words)
        return read_put(job, cast(bytes, reply)) if reply else None

    def _fire(self, seen: Recurring, jobs: Sequence[NewJob], due: Sequence[float], next_at: float | None) -> list[Put]:
        times = (seen.next_at, next_at, due[-1] if due else None)
        expected, following, last = map(recurrences.write_time, times)
        count = "" if seen.rule.count is None else seen.rule.count
        words: list[Argument] = [*recurrences.seen_rule(seen), expected, seen.fired, following, count, last]
        for job, at in zip(jobs, due, strict=True):
            words += put_arguments(job, seen.rule.id, at)
        reply = cast("list[bytes]", self.write("fire", *words))
        return [read_put(job, answer) for job, answer in zip(jobs, reply, strict=False)]

    # Statistics

    def _figures(self, rows: Sequence[Row]) -> tuple[str | None, list[str | None]]:
        return read_rows(self.read("figures", *named(rows)))

    def _fold(self, seen: str | None, cursor: str, rows: Mapping[Row, str]) -> bool:
        return self.write("fold", seen or "", cursor, *with_texts(rows)) == 1

    def _forget_figures(self, day: str, hour: str) -> None:
        self.write("forget_figures", day, hour)

    # Upkeep and records

    def _promote(self, limit: int) -> Promoted:
        promoted, lost, more, expired, told = cast("list[int]", self._upkeep("promote", limit))
        return Promoted(promoted, lost, bool(more), expired, told)

    def _prune(self, limit: int) -> Pruned:
        jobs, more = cast("list[int]", self._upkeep("prune", limit))
        return Pruned(jobs, bool(more))

    def _lead(self, role: str, holder: str, seconds: float) -> bool:
        return self.write("lead", role, holder, to_milliseconds(seconds)) == 1

    def _remember(self, name: str, value: str | None, expected: str | None) -> bool:
        return self.write("remember", name, _optional(value), _optional(expected)) == 1

    def _recall(self, name: str) -> str | None:
        found = cast("bytes | None", self.read("recall", name))
        return None if found is None else found.decode()

    # Below

    @property
    def closed(self) -> bool:
        """Tell whether the backend was closed."""
        return self._waiters.closed

    def read(self, script: str, *arguments: Argument) -> Reply:
        """Run a script that changes nothing."""
        with told_as_ours():
            return scripts.run(cast(scripts.Connection, self.client), script, self.prefix, self._time(), *arguments)

    def known_queues(self) -> list[str]:
        """List the queues that are known, sorted."""
        with told_as_ours():
            names = cast("set[bytes]", self.client.smembers(f"{self.prefix}:queues"))
        return sorted(name.decode() for name in names)

    def write(self, script: str, *arguments: Argument) -> Reply:
        """Run a script that may change something."""
        with told_as_ours():
            # The others write only where something is already. They work in a full store too, which takes no name.
            if script in _BEGINNINGS:
                self._names.enter(self.name)
            return scripts.run(cast(scripts.Connection, self.client), script, self.prefix, self._time(), *arguments)

    def _by_hand(
        self, script: str, actor: Actor | None, jids: Sequence[str], *arguments: Argument
    ) -> list[Job | QlessError]:
        return _read_changed(jids, self.write(script, _actor(actor), NOT_SEEN, *arguments, *jids))

    def _upkeep(self, script: str, limit: int) -> Reply:
        queues = self.known_queues()
        return self.write(script, limit, *queues)

    def _time(self) -> Argument:
        return "" if self._clock is None else to_milliseconds(self._clock())

    def _now(self) -> float:
        # Only for how long to sleep: the host's clock will do for the server's.
        return self._clock() if self._clock else time.time()


def _actor(actor: Actor | None) -> str:
    return f"{actor.name}\t{actor.address or ''}" if actor else ""


def _optional(text: str | None) -> str:
    return "" if text is None else f"={text}"


def _named(names: Sequence[str] | None) -> list[Argument]:
    return ["all"] if names is None else ["named", *names]


def _read_changed(jids: Sequence[str], reply: Reply) -> list[Job | QlessError]:
    answers = cast("list[list[bytes] | bytes]", reply)
    return [
        read_job(jid, *answer) if isinstance(answer, list) else read_fault(answer.decode(), jid)
        for jid, answer in zip(jids, answers, strict=True)
    ]

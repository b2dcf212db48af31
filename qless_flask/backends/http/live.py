"""What is told to queues, namespaces, workers, tags and recurrences over the wire; upkeep and records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from qless_flask.backends.http.calls import Calls
from qless_flask.bounds import check_batch
from qless_flask.models import (
    Actor,
    AnyRecord,
    Dumped,
    Erased,
    NamespaceSettings,
    Promoted,
    Pruned,
    Put,
    Queue,
    Recurrence,
    Recurring,
    Setting,
    Tag,
    Worker,
    check_records,
    checked_settings,
    encode_record,
)

PART_BYTES = 1 << 20
"""How many bytes of records are loaded in one request, or one record: a server takes no body of any length."""


class Live(Calls):
    """The operations that are not about single jobs."""

    # Queues, live

    def configure(
        self,
        queue: str,
        changes: Mapping[str, Setting],
        *,
        inherit: Sequence[str] = (),
        actor: Actor | None = None,
    ) -> Queue:
        # Judged here already: JSON has no NaN, and the null in its place would be a setting.
        return self._queue("configure", queue=queue, changes=checked_settings(changes), inherit=inherit, actor=actor)

    def pause(self, queue: str, *, actor: Actor | None = None) -> Queue:
        return self._queue("pause", queue=queue, actor=actor)

    def resume(self, queue: str, *, actor: Actor | None = None) -> Queue:
        return self._queue("resume", queue=queue, actor=actor)

    def forget(self, queue: str, *, actor: Actor | None = None) -> None:
        self._call("forget", queue=queue, actor=actor)

    # The namespace itself

    def settings(self) -> NamespaceSettings:
        return self._settings("settings")

    def configure_namespace(
        self, changes: Mapping[str, Setting], *, inherit: Sequence[str] = (), actor: Actor | None = None
    ) -> NamespaceSettings:
        told = checked_settings(changes, namespace=True)
        return self._settings("configure_namespace", changes=told, inherit=inherit, actor=actor)

    def freeze(self, on: bool = True, *, actor: Actor | None = None) -> NamespaceSettings:
        return self._settings("freeze", on=on, actor=actor)

    def dump(self, cursor: str | None = None, limit: int = 1000) -> Dumped:
        dumped: Dumped = self._call("dump", cursor=cursor, limit=limit)
        return dumped

    def load(self, records: Sequence[AnyRecord]) -> int:
        # Judged as a whole before the first part is sent: whatever is wrong with one, none is written.
        check_batch("records", records)
        check_records(records)
        return sum(self._call("load", records=part) for part in _parts(records))

    def erase(
        self,
        confirm: str | None = None,
        cursor: str | None = None,
        limit: int = 1000,
        *,
        actor: Actor | None = None,
    ) -> Erased:
        erased: Erased = self._call("erase", confirm=confirm, cursor=cursor, limit=limit, actor=actor)
        return erased

    # Workers and tags, live

    def quiet(self, worker: str, *, on: bool = True, actor: Actor | None = None) -> Worker:
        asked: Worker = self._call("quiet", worker=worker, on=on, actor=actor)
        return asked

    def stop(self, worker: str, *, on: bool = True, actor: Actor | None = None) -> Worker:
        asked: Worker = self._call("stop", worker=worker, on=on, actor=actor)
        return asked

    def track(self, tag: str, *, on: bool = True, actor: Actor | None = None) -> Tag:
        followed: Tag = self._call("track", tag=tag, on=on, actor=actor)
        return followed

    # Recurrences

    def recur(self, rule: Recurrence, *, actor: Actor | None = None) -> Recurring:
        return self._recurring("recur", rule=rule, actor=actor)

    def recurrences(
        self,
        ids: Sequence[str] | None = None,
        *,
        due: bool = False,
        after: str | None = None,
        limit: int = 1000,
    ) -> list[Recurring]:
        return list(self._call("recurrences", ids=ids, due=due, after=after, limit=limit))

    def unrecur(self, id: str, *, actor: Actor | None = None) -> None:
        self._call("unrecur", id=id, actor=actor)

    def pause_recurrence(self, id: str, *, actor: Actor | None = None) -> Recurring:
        return self._recurring("pause_recurrence", id=id, actor=actor)

    def resume_recurrence(self, id: str, *, actor: Actor | None = None) -> Recurring:
        return self._recurring("resume_recurrence", id=id, actor=actor)

    def run_recurrence(self, id: str, *, actor: Actor | None = None) -> Put:
        put: Put = self._call("run_recurrence", id=id, actor=actor)
        return put

    def fire(self, id: str, expected: float) -> list[Put]:
        return list(self._call("fire", id=id, expected=expected))

    # Upkeep and records

    def promote(self, limit: int = 1000) -> Promoted:
        promoted: Promoted = self._call("promote", limit=limit)
        return promoted

    def prune(self, limit: int = 1000) -> Pruned:
        pruned: Pruned = self._call("prune", limit=limit)
        return pruned

    def lead(self, role: str, holder: str, seconds: float) -> bool:
        return bool(self._call("lead", role=role, holder=holder, seconds=seconds))

    def remember(self, name: str, value: str | None, expected: str | None) -> bool:
        return bool(self._call("remember", name=name, value=value, expected=expected))

    def recall(self, name: str) -> str | None:
        value: str | None = self._call("recall", name=name)
        return value

    def _settings(self, operation: str, **arguments: object) -> NamespaceSettings:
        settings: NamespaceSettings = self._call(operation, None, **arguments)
        return settings

    def _queue(self, operation: str, **arguments: object) -> Queue:
        queue: Queue = self._call(operation, None, **arguments)
        return queue

    def _recurring(self, operation: str, **arguments: object) -> Recurring:
        recurring: Recurring = self._call(operation, None, **arguments)
        return recurring


def _parts(records: Sequence[AnyRecord]) -> Iterator[Sequence[AnyRecord]]:
    """Cut records into parts that are not too long for a request."""
    part: list[AnyRecord] = []
    size = 0
    for record in records:
        length = len(encode_record(record))
        if part and size + length > PART_BYTES:
            yield part
            part, size = [], 0
        part.append(record)
        size += length
    if part:
        yield part

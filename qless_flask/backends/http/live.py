"""What is told to queues, workers, tags and recurrences over the wire; upkeep and records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qless_flask.backends.http.calls import Calls
from qless_flask.models import (
    Actor,
    Promoted,
    Pruned,
    Put,
    Queue,
    Recurrence,
    Recurring,
    Setting,
    Tag,
    Worker,
    checked_settings,
)


class Live(Calls):
    """The operations that are not about single jobs."""

    # Queues, live

    def configure(self, queue: str, changes: Mapping[str, Setting], *, actor: Actor | None = None) -> Queue:
        # Judged here already: JSON has no NaN, and the null in its place would be a setting.
        return self._queue("configure", queue=queue, changes=checked_settings(changes), actor=actor)

    def pause(self, queue: str, *, actor: Actor | None = None) -> Queue:
        return self._queue("pause", queue=queue, actor=actor)

    def resume(self, queue: str, *, actor: Actor | None = None) -> Queue:
        return self._queue("resume", queue=queue, actor=actor)

    def forget(self, queue: str, *, actor: Actor | None = None) -> None:
        self._call("forget", queue=queue, actor=actor)

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

    def _queue(self, operation: str, **arguments: object) -> Queue:
        queue: Queue = self._call(operation, None, **arguments)
        return queue

    def _recurring(self, operation: str, **arguments: object) -> Recurring:
        recurring: Recurring = self._call(operation, None, **arguments)
        return recurring

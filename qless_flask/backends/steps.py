"""The steps that a store takes: one atomic move each, given arguments that are within bounds.

A step may still raise what only the store can tell.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Literal

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

Wish = Literal["quiet", "stop"]
"""What a worker can be asked."""


class Steps(Namespace):
    """A namespace made of steps."""

    @abstractmethod
    def _put(self, jobs: Sequence[NewJob]) -> list[Put]:
        """Each job has a jid."""

    @abstractmethod
    def _pop(self, pop: Pop, wait_left: float) -> Popped:
        """Pop once, without waiting; `wait_left` says for how long the caller will wait if it comes back empty."""

    @abstractmethod
    def _exchange(self, settlements: Sequence[Settlement], pop: Pop, wait_left: float) -> Exchanged: ...

    @abstractmethod
    def _heartbeat(self, beats: Sequence[Beat]) -> list[Renewed | QlessError]: ...

    @abstractmethod
    def _settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        """Each job of their `puts` has a jid."""

    @abstractmethod
    def _log(self, lease: Lease, message: str, data: str | None) -> None: ...

    @abstractmethod
    def _cancel(self, jids: Sequence[str], dependents: Dependents, actor: Actor | None) -> list[Job | QlessError]: ...

    @abstractmethod
    def _move(self, jids: Sequence[str], queue: str, delay: float, actor: Actor | None) -> list[Job | QlessError]: ...

    @abstractmethod
    def _update(self, jids: Sequence[str], changes: Changes, actor: Actor | None) -> list[Job | QlessError]: ...

    @abstractmethod
    def _timeout(self, jids: Sequence[str], actor: Actor | None) -> list[Job | QlessError]: ...

    @abstractmethod
    def _finish(self, jids: Sequence[str], end: Finish, actor: Actor | None) -> list[Job | QlessError]: ...

    @abstractmethod
    def _depend(
        self, jid: str, on: Sequence[str], off: Sequence[str], missing: Missing, actor: Actor | None
    ) -> Job: ...

    @abstractmethod
    def _change(
        self, filter: Filter, action: Action, limit: int, cursor: str | None, actor: Actor | None
    ) -> Changed: ...

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
    def _failures(self, groups: Sequence[str] | None, after: str | None, limit: int) -> list[FailureGroup]: ...

    @abstractmethod
    def _tags(self, names: Sequence[str] | None, after: str | None, limit: int) -> list[Tag]: ...

    @abstractmethod
    def _tracked(self, limit: int) -> Tracked: ...

    @abstractmethod
    def _events(self, after: str | None, limit: int, wait: float) -> EventPage:
        """Read events of any kind."""

    @abstractmethod
    def _log_end(self) -> str:
        """Answer the cursor after which no event is, yet; "0" where there has been none."""

    @abstractmethod
    def _tracked_tags(self) -> frozenset[str]: ...

    @abstractmethod
    def _configure(
        self, queue: str, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None
    ) -> Queue: ...

    @abstractmethod
    def _pause(self, queue: str, actor: Actor | None) -> Queue: ...

    @abstractmethod
    def _resume(self, queue: str, actor: Actor | None) -> Queue: ...

    @abstractmethod
    def _forget(self, queue: str, actor: Actor | None) -> None: ...

    @abstractmethod
    def _settings(self) -> NamespaceSettings: ...

    @abstractmethod
    def _configure_namespace(
        self, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None
    ) -> NamespaceSettings: ...

    @abstractmethod
    def _freeze(self, on: bool, actor: Actor | None) -> NamespaceSettings: ...

    @abstractmethod
    def _dump(self, cursor: str | None, limit: int) -> Dumped: ...

    @abstractmethod
    def _load(self, records: Sequence[AnyRecord]) -> None:
        """Each record has been checked by itself (`models.check_record`)."""

    @abstractmethod
    def _erase(self, confirmed: bool, cursor: str | None, limit: int, actor: Actor | None) -> Erased: ...

    @abstractmethod
    def _ask(self, worker: str, wish: Wish, on: bool, actor: Actor | None) -> Worker: ...

    @abstractmethod
    def _track(self, tag: str, on: bool, actor: Actor | None) -> Tag: ...

    @abstractmethod
    def _recur(self, rule: Recurrence, next_at: float | None, actor: Actor | None) -> Recurring:
        """Keep the rule, which has an id; `next_at` if it is new, has no next run or its timing is another."""

    @abstractmethod
    def _recurrences(self, ids: Sequence[str] | None, due: bool, after: str | None, limit: int) -> list[Recurring]: ...

    @abstractmethod
    def _unrecur(self, id: str, actor: Actor | None) -> None: ...

    @abstractmethod
    def _pause_recurrence(self, id: str, actor: Actor | None) -> Recurring: ...

    @abstractmethod
    def _resume_recurrence(self, seen: Recurring, next_at: float | None, actor: Actor | None) -> Recurring | None:
        """Resume it unless its rule is another than was seen: then None."""

    @abstractmethod
    def _run_recurrence(self, seen: Recurring, job: NewJob, due_at: float, actor: Actor | None) -> Put | None:
        """Put the job of a recurrence, and note it as its last, unless its rule is another than was seen: then None."""

    @abstractmethod
    def _fire(self, seen: Recurring, jobs: Sequence[NewJob], due: Sequence[float], next_at: float | None) -> list[Put]:
        """Put jobs, each for its time, and set the next run, if the recurrence stands as it was seen and is due.

        Where its rule skips and its last job has not ended, only the next run is set.
        """

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

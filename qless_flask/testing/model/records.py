"""What the model keeps of each job, queue and tag: the plain, changeable records."""

from __future__ import annotations

from dataclasses import dataclass, field

from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.models import (
    Backoff,
    Failure,
    HistoryEntry,
    Job,
    LogLine,
    NewJob,
    OnParentEnd,
    Setting,
    State,
    Unique,
)

HISTORY_ENTRIES = 100
LOG_LINES = 100


@dataclass(slots=True)
class QueueRecord:
    """A known queue."""

    own: dict[str, Setting] = field(default_factory=dict)
    """The settings that it says itself."""
    paused: bool = False
    place: int = 0
    """The last that was given."""
    popped: list[int] = field(default_factory=list)
    """When it was popped from, as long as its rate remembers."""
    key_popped: dict[str, list[int]] = field(default_factory=dict)
    """The same of each key. All three are never changed but replaced."""
    rate_since: int | None = None
    """Pops before then do not count."""
    key_rate_since: int | None = None
    warned_at: int | None = None
    """When it last told that failed jobs would be trimmed."""


@dataclass(slots=True)
class Times:
    """How often jobs of a tag were popped and let go, and how long that took together; milliseconds."""

    pops: int = 0
    waited: int = 0
    runs: int = 0
    ran: int = 0


@dataclass(slots=True)
class JobRecord:
    """A job; times are milliseconds. Its lists are never changed but replaced, so that a copy is a copy."""

    jid: str
    klass: str
    data: str
    priority: int
    tags: list[str]
    retries: int | None
    pipeline: list[str]
    created: int
    on_parent_end: OnParentEnd = "wait"
    backoff: Backoff | None = None
    max_run: int | None = None
    expires_in: int | None = None
    unique: Unique | None = None
    requires: tuple[str, ...] = ()
    key: str | None = None
    recurrence: str | None = None
    due: int | None = None
    """The time for which its recurrence put it."""
    queue: str = ""
    state: State = "waiting"
    place: int = 0
    available: int = 0
    remaining: int = 0
    losses: int = 0
    runs: int = 0
    started: int | None = None
    start_by: int | None = None
    """When it expires, as long as it has neither been popped nor ended."""
    ended: int | None = None
    needs: frozenset[str] = frozenset()
    """What it still waits for."""
    delay: int = 0
    """While it depends: how long it is scheduled from its unblock on…"""
    at: int | None = None
    """… or until when."""
    failure: Failure | None = None
    worker: str | None = None
    token: str | None = None
    expires: int | None = None
    ran: int | None = None
    """How long the run took whose end is still to be told."""
    settled: tuple[str, str, State] | None = None
    """The token, the kind and the answer of the last settle."""
    canceled_token: str | None = None
    """The token it was running under when it was canceled."""
    tracked: bool = False
    progress: str | None = None
    result: str | None = None
    history: list[HistoryEntry] = field(default_factory=list)
    lines: list[LogLine] = field(default_factory=list)

    @classmethod
    def of(cls, new: NewJob, jid: str, now: int) -> JobRecord:
        """Begin the record of a job that is put now."""
        expires_in = _milliseconds(new.expires_in)
        return cls(
            jid=jid,
            klass=new.klass,
            data=new.data,
            priority=new.priority,
            tags=list(new.tags),
            retries=new.retries,
            pipeline=list(new.pipeline),
            created=now,
            on_parent_end=new.on_parent_end,
            backoff=new.backoff,
            max_run=_milliseconds(new.max_run),
            expires_in=expires_in,
            start_by=None if expires_in is None else now + expires_in,
            unique=new.unique,
            requires=new.requires,
            key=new.key,
        )

    def end_lease(self) -> str | None:
        """Take the lease away, if there is one; answer its holder."""
        holder, self.worker, self.token, self.expires = self.worker, None, None, None
        return holder

    def unique_until(self) -> int | None:
        """Tell when it lets go of its unique key, if that is held for a time."""
        if self.unique is None or self.unique.seconds is None:
            return None
        return self.created + to_milliseconds(self.unique.seconds)

    def remember(self, entry: HistoryEntry) -> None:
        """Add to the history, of which the latest entries are kept."""
        self.history = [*self.history, entry][-HISTORY_ENTRIES:]

    def job(self, *, data: bool = False, whole: bool = False, dependents: tuple[str, ...] = ()) -> Job:
        """Show the job as the contract does: as lists do, with its data, or whole."""
        return Job(
            jid=self.jid,
            klass=self.klass,
            queue=self.queue,
            state=self.state,
            priority=self.priority,
            tags=tuple(self.tags),
            retries=self.retries,
            remaining=self.remaining,
            losses=self.losses,
            pipeline=tuple(self.pipeline),
            worker=self.worker,
            failure=self.failure,
            created_at=to_seconds(self.created),
            available_at=to_seconds(self.available),
            started_at=seconds(self.started),
            ended_at=seconds(self.ended),
            depends=tuple(sorted(self.needs)),
            on_parent_end=self.on_parent_end,
            backoff=self.backoff,
            max_run=seconds(self.max_run),
            expires_in=seconds(self.expires_in),
            unique=self.unique,
            requires=self.requires,
            key=self.key,
            tracked=self.tracked,
            recurrence=self.recurrence,
            due_at=seconds(self.due),
            progress=self.progress,
            data=self.data if data or whole else None,
            result=self.result if whole else None,
            history=tuple(self.history) if whole else (),
            dependents=dependents,
        )


def seconds(milliseconds: int | None) -> float | None:
    """Show a time that may not be there."""
    return None if milliseconds is None else to_seconds(milliseconds)


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else to_milliseconds(seconds)

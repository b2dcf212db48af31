"""What the model keeps of each job and queue: the plain, changeable records."""

from __future__ import annotations

from dataclasses import dataclass, field

from qless_flask.backends.store import to_seconds
from qless_flask.models import Failure, HistoryEntry, Job, LogLine, NewJob, QueueSettings, State

HISTORY_ENTRIES = 100
LOG_LINES = 100


@dataclass(slots=True)
class QueueRecord:
    """A known queue."""

    settings: QueueSettings = field(default_factory=QueueSettings)
    paused: bool = False


@dataclass(slots=True)
class JobRecord:
    """A job; times are milliseconds."""

    jid: str
    klass: str
    data: str
    priority: int
    tags: list[str]
    retries: int | None
    pipeline: list[str]
    created: int
    queue: str = ""
    state: State = "waiting"
    place: int = 0
    available: int = 0
    remaining: int = 0
    losses: int = 0
    runs: int = 0
    started: int | None = None
    ended: int | None = None
    failure: Failure | None = None
    worker: str | None = None
    token: str | None = None
    expires: int | None = None
    settled: tuple[str, str, State] | None = None
    """The token, the kind and the answer of the last settle."""
    canceled_token: str | None = None
    """The token it was running under when it was canceled."""
    history: list[HistoryEntry] = field(default_factory=list)
    lines: list[LogLine] = field(default_factory=list)

    @classmethod
    def of(cls, new: NewJob, jid: str, now: int) -> JobRecord:
        """Begin the record of a job that is put now."""
        return cls(
            jid=jid,
            klass=new.klass,
            data=new.data,
            priority=new.priority,
            tags=list(new.tags),
            retries=new.retries,
            pipeline=list(new.pipeline),
            created=now,
        )

    def end_lease(self) -> str | None:
        """Take the lease away, if there is one; answer its holder."""
        holder, self.worker, self.token, self.expires = self.worker, None, None, None
        return holder

    def remember(self, entry: HistoryEntry) -> None:
        """Add to the history, of which the latest entries are kept."""
        self.history = [*self.history, entry][-HISTORY_ENTRIES:]

    def job(self, *, data: bool = False, history: bool = False) -> Job:
        """Show the job as the contract does."""
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
            started_at=_seconds(self.started),
            ended_at=_seconds(self.ended),
            data=self.data if data else None,
            history=tuple(self.history) if history else (),
        )


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else to_seconds(milliseconds)

"""One namespace of the model: what it holds, and the moves that several operations share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition

from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.models import Actor, Event, Failure, HistoryEntry, LogLine, State
from qless_flask.testing.model.records import LOG_LINES, JobRecord, QueueRecord

LOG_BYTES = 64 << 10
STEP = 100
"""How many lost leases, and how many due jobs, a pop attends to in each queue."""


@dataclass(slots=True)
class World:
    """Everything in a namespace, in dicts and lists; every question is answered by looking at all of it."""

    changed: Condition
    """Held during each operation; told when there are events to read."""
    wake: Callable[[str], None]
    """Lets those look again that wait for a queue."""
    now: int = 0
    """The time of the operation under way, in milliseconds."""
    begun: bool = False
    jobs: dict[str, JobRecord] = field(default_factory=dict)
    queues: dict[str, QueueRecord] = field(default_factory=dict)
    workers: dict[str, int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    event_count: int = 0
    trimmed: int = 0
    """The number of the last event that was trimmed."""
    requests: dict[tuple[str, str], tuple[int, list[tuple[str, str]]]] = field(default_factory=dict)
    """Until when, and which leases, a worker's request is answered with again."""
    leaders: dict[str, tuple[str, int]] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    turns: int = 0
    places: int = 0
    tokens: int = 0
    touched: list[str] = field(default_factory=list)
    """The queues in which the operation under way put something that a waiting pop should look at."""

    # What there is

    def jobs_of(self, queue: str, state: State) -> list[JobRecord]:
        """List the jobs of a queue that are in a state, in no particular order."""
        return [job for job in self.jobs.values() if job.queue == queue and job.state == state]

    def waiting(self, queue: str) -> list[JobRecord]:
        """List what waits in a queue, in the order of pops."""
        return sorted(self.jobs_of(queue, "waiting"), key=lambda job: (-job.priority, job.place))

    def due(self, queue: str) -> list[JobRecord]:
        """List the scheduled jobs of a queue that are due."""
        due = [job for job in self.jobs_of(queue, "scheduled") if job.available <= self.now]
        return sorted(due, key=lambda job: (job.available, job.jid))

    def lost(self, queue: str) -> list[JobRecord]:
        """List the running jobs of a queue whose lease has expired."""
        lost = [(job.expires, job.jid, job) for job in self.jobs_of(queue, "running") if job.expires is not None]
        return [job for expires, _, job in sorted(lost, key=lambda each: each[:2]) if expires <= self.now]

    # Where a job stands

    def know(self, queue: str) -> QueueRecord:
        """Answer the record of a queue, known from now on."""
        self.begun = True
        return self.queues.setdefault(queue, QueueRecord())

    def enter(self, job: JobRecord, queue: str, due: int) -> None:
        """Begin a stage: retries and losses renewed, failure and end cleared."""
        settings = self.know(queue).settings
        job.queue = queue
        job.remaining = settings.retries if job.retries is None else job.retries
        job.losses = 0
        job.failure = None
        job.ended = None
        job.canceled_token = None
        self.stand(job, due)

    def stand(self, job: JobRecord, due: int) -> None:
        """Let a job wait at a new place or, when it is due later, stand among the scheduled."""
        if due <= self.now:
            self.places += 1
            job.place = self.places
            self.stand_again(job)
        else:
            job.state, job.available = "scheduled", due
            self.touched.append(job.queue)

    def stand_again(self, job: JobRecord) -> None:
        """Let a job wait at the place that it has."""
        job.state, job.available = "waiting", self.now
        self.touched.append(job.queue)

    def fail(self, job: JobRecord, failure: Failure, *, actor: Actor | None = None) -> None:
        """End a job as failed."""
        job.state, job.ended, job.failure = "failed", self.now, failure
        self.tell(job, "failed", worker=failure.worker, group=failure.group, actor=actor)

    def failure(self, job: JobRecord, group: str, message: str, worker: str | None) -> Failure:
        """Describe how the latest run of a job went wrong."""
        return Failure(group, message, to_seconds(self.now), worker, job.runs)

    # What time does

    def take_back(self, job: JobRecord) -> None:
        """Take a lost lease back: to the old place, or failed when it happened too often."""
        holder = job.end_lease()
        job.losses += 1
        if job.losses > self.know(job.queue).settings.max_losses:
            self.fail(job, self.failure(job, "lost", "", holder))
        else:
            self.stand_again(job)
            self.tell(job, "lost", worker=holder)

    def promote(self, job: JobRecord) -> None:
        """Make a due job available."""
        self.stand(job, self.now)
        self.tell(job, "promoted")

    def attend(self, queue: str) -> None:
        """Do what a pop does to a queue that it looks at: a bounded step of lost leases, then one of what is due."""
        for job in self.lost(queue)[:STEP]:
            self.take_back(job)
        for job in self.due(queue)[:STEP]:
            self.promote(job)

    def lease(self, job: JobRecord, worker: str) -> None:
        """Give a job to a worker under a new token."""
        self.tokens += 1
        heartbeat = self.know(job.queue).settings.heartbeat
        job.state, job.worker, job.token = "running", worker, f"token-{self.tokens}"
        job.expires = None if heartbeat is None else self.now + to_milliseconds(heartbeat)
        job.started = self.now
        job.runs += 1
        self.tell(job, "popped", worker=worker)

    def see(self, worker: str) -> None:
        """Note that a worker is there."""
        self.begun = True
        self.workers[worker] = self.now

    # What is told of it

    def write(self, job: JobRecord, line: LogLine) -> None:
        """Add a line to a job's log, and drop the oldest that are over the limits."""
        lines = [*job.lines, line][-LOG_LINES:]
        while sum(_size(each) for each in lines) > LOG_BYTES:
            lines = lines[1:]
        job.lines = lines

    def tell(
        self,
        job: JobRecord,
        event: str,
        *,
        queue: str | None = None,
        worker: str | None = None,
        group: str | None = None,
        actor: Actor | None = None,
    ) -> None:
        """Add what happened to a job to its history and to the log; `queue`: where it was, if it has left it."""
        left = queue is not None
        where = queue if left else job.queue
        self.log(
            event, where, jid=job.jid, job=job, to=job.queue if left else None, worker=worker, group=group, actor=actor
        )
        job.remember(
            HistoryEntry(
                to_seconds(self.now),
                event,
                queue=job.queue if event in ("put", "advanced", "moved") else None,
                worker=worker if event in ("popped", "lost") else None,
                group=group,
            )
        )

    def log(
        self,
        event: str,
        queue: str | None,
        *,
        jid: str | None = None,
        job: JobRecord | None = None,
        to: str | None = None,
        worker: str | None = None,
        group: str | None = None,
        actor: Actor | None = None,
    ) -> None:
        """Add an event to the log."""
        self.event_count += 1
        self.events.append(
            Event(
                cursor=str(self.event_count),
                at=to_seconds(self.now),
                event=event,
                jid=jid,
                queue=queue,
                to=to,
                state=job.state if job else None,
                worker=worker,
                group=group,
                actor=actor.name if actor else None,
                address=actor.address if actor else None,
            )
        )


def _size(line: LogLine) -> int:
    return len(line.message.encode()) + len((line.data or "").encode())

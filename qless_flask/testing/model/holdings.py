"""One namespace of the model: everything that it holds, and what can be asked and told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from threading import Condition

from qless_flask.backends.numbers import TOLD_AT_ONCE
from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.errors import QlessError
from qless_flask.models import (
    Actor,
    Event,
    Failure,
    HistoryEntry,
    LogLine,
    QueueSettings,
    Recurring,
    Setting,
    State,
    in_force,
)
from qless_flask.testing.model.figures import Figures
from qless_flask.testing.model.records import LOG_LINES, JobRecord, QueueRecord, Times, seconds

LOG_BYTES = 64 << 10


@dataclass(slots=True)
class Holdings:
    """Everything in a namespace, in dicts and lists; every question is answered by looking at all of it."""

    changed: Condition
    """Held during each operation; told when there are events to read."""
    wake: Callable[[str], None]
    """Lets those look again that wait for a queue."""
    now: int = 0
    """The time of the operation under way, in milliseconds."""
    begun: bool = False
    frozen: bool = False
    erasing: bool = False
    own: dict[str, Setting] = field(default_factory=dict)
    """The settings of queues that do not say otherwise."""
    jobs: dict[str, JobRecord] = field(default_factory=dict)
    queues: dict[str, QueueRecord] = field(default_factory=dict)
    workers: dict[str, int] = field(default_factory=dict)
    wishes: dict[str, frozenset[str]] = field(default_factory=dict)
    """What each worker is asked: quiet, stop."""
    capabilities: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What each worker offered at its last pop."""
    holders: dict[str, str] = field(default_factory=dict)
    """The jid that holds each unique key, unless its time is over."""
    untold: dict[str, str] = field(default_factory=dict)
    """The jobs that have ended and not told all their dependents yet, the longest first; and who was told last."""
    loaded_numbers: dict[str, int] = field(default_factory=dict)
    """In which order a dump says that they are told, as long as its records come."""
    tellings: int = TOLD_AT_ONCE
    """How many dependents the operation under way may still tell."""
    tracked_tags: frozenset[str] = frozenset()
    times: dict[str, Times] = field(default_factory=dict)
    """Of each tag that a job has."""
    figures: Figures = field(default_factory=Figures)
    """What is gathered of days and hours."""
    recurrences: dict[str, Recurring] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    event_count: int = 0
    trimmed: int = 0
    """The number of the last event that was trimmed."""
    requests: dict[tuple[str, str], tuple[int, list[tuple[str, str]]]] = field(default_factory=dict)
    """Until when, and which leases, a worker's request is answered with again."""
    leaders: dict[str, tuple[str, int]] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    turns: int = 0
    """How many round_robin pops have found something."""
    touched: list[str] = field(default_factory=list)
    """The queues in which the operation under way put something that a waiting pop should look at."""

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Let what is done here have never happened if it ends in an error."""
        before = {each.name: _copied(getattr(self, each.name)) for each in fields(self)}
        try:
            yield
        except QlessError:
            for name, value in before.items():
                setattr(self, name, value)
            raise

    def begin_anew(self) -> None:
        """Hold nothing, as before the first write."""
        fresh = type(self)(changed=self.changed, wake=self.wake, now=self.now)
        for each in fields(self):
            setattr(self, each.name, getattr(fresh, each.name))

    # What there is

    def jobs_of(self, queue: str, state: State) -> list[JobRecord]:
        """List the jobs of a queue that are in a state, in no particular order."""
        return [job for job in self.jobs.values() if job.queue == queue and job.state == state]

    def waiting(self, queue: str) -> list[JobRecord]:
        """List what waits in a queue, in the order of pops."""
        return sorted(self.jobs_of(queue, "waiting"), key=lambda job: (-job.priority, job.place))

    def ready(self, queue: str) -> list[JobRecord]:
        """List what a pop may give of a queue: what waits and has not expired."""
        return [job for job in self.waiting(queue) if job.start_by is None or job.start_by > self.now]

    def expired(self, queue: str) -> list[JobRecord]:
        """List the jobs of a queue that were not popped in time."""
        found = [(job.start_by, job.jid, job) for job in self.jobs.values() if job.queue == queue and job.start_by]
        return [job for start_by, _, job in sorted(found, key=lambda each: each[:2]) if start_by <= self.now]

    def due(self, queue: str) -> list[JobRecord]:
        """List the scheduled jobs of a queue that are due."""
        due = [job for job in self.jobs_of(queue, "scheduled") if job.available <= self.now]
        return sorted(due, key=lambda job: (job.available, job.jid))

    def lost(self, queue: str) -> list[JobRecord]:
        """List the running jobs of a queue whose lease has expired."""
        lost = [(job.expires, job.jid, job) for job in self.jobs_of(queue, "running") if job.expires is not None]
        return [job for expires, _, job in sorted(lost, key=lambda each: each[:2]) if expires <= self.now]

    def dependents(self, jid: str) -> list[str]:
        """List who waits for a job, by jid."""
        return sorted(job.jid for job in self.jobs.values() if jid in job.needs)

    def holder(self, key: str) -> JobRecord | None:
        """Find the job that holds a unique key now."""
        job = self.jobs.get(self.holders.get(key, ""))
        until = job.unique_until() if job else None
        return None if until is not None and until <= self.now else job

    def max_run(self, job: JobRecord) -> int | None:
        """Tell how long a run of a job may take now."""
        if job.max_run is not None:
            return job.max_run
        most = self.settings_of(job.queue).max_run
        return None if most is None else to_milliseconds(most)

    def failure(self, job: JobRecord, group: str, message: str, worker: str | None) -> Failure:
        """Describe how the latest run of a job went wrong."""
        return Failure(group, message, to_seconds(self.now), worker, job.runs)

    # What is known

    def know(self, queue: str) -> QueueRecord:
        """Answer the record of a queue, known from now on."""
        self.begun = True
        return self.queues.setdefault(queue, QueueRecord())

    def settings_of(self, queue: str) -> QueueSettings:
        """Tell the settings in force of a queue."""
        return in_force(self.own, self.know(queue).own)

    def see(self, worker: str) -> None:
        """Note that a worker is there."""
        self.begun = True
        self.workers[worker] = self.now

    def forget_worker(self, worker: str) -> None:
        """Forget a worker, what it is asked, and what it offered."""
        del self.workers[worker]
        self.wishes.pop(worker, None)
        self.capabilities.pop(worker, None)

    def tags(self) -> set[str]:
        """Find the tags that jobs have."""
        return {tag for job in self.jobs.values() for tag in job.tags}

    def forget_times(self, before: set[str]) -> None:
        """Forget the times of tags that jobs had before, and that no job has any more."""
        gone = before - self.tags()
        self.times = {tag: times for tag, times in self.times.items() if tag not in gone}

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
        waited = max(0, self.now - job.available) if event == "popped" else None
        ran, job.ran = job.ran, None
        self.figures.count(self.now, event, queue or job.queue, job, waited, ran)
        self.log(
            event,
            queue if left else job.queue,
            job=job,
            to=job.queue if left else None,
            state=job.state,
            worker=worker,
            group=group,
            waited=waited,
            ran=ran,
            actor=actor,
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
        job: JobRecord | None = None,
        to: str | None = None,
        state: State | None = None,
        worker: str | None = None,
        group: str | None = None,
        tags: tuple[str, ...] = (),
        recurrence: str | None = None,
        waited: int | None = None,
        ran: int | None = None,
        actor: Actor | None = None,
    ) -> None:
        """Add an event to the log."""
        self.event_count += 1
        self.events.append(
            Event(
                cursor=str(self.event_count),
                at=to_seconds(self.now),
                event=event,
                jid=job.jid if job else None,
                queue=queue,
                to=to,
                state=state,
                worker=worker,
                group=group,
                tags=tuple(job.tags) if job else tags,
                tracked=job.tracked if job else False,
                recurrence=recurrence,
                klass=job.klass if job and (waited, ran) != (None, None) else None,
                waited=seconds(waited),
                ran=seconds(ran),
                actor=actor.name if actor else None,
                address=actor.address if actor else None,
            )
        )


def _size(line: LogLine) -> int:
    return len(line.message.encode()) + len((line.data or "").encode())


def _copied(value: object) -> object:
    if isinstance(value, Figures):
        return value.copied()
    if isinstance(value, dict):
        return {
            key: replace(each) if isinstance(each, (JobRecord, QueueRecord, Times)) else each
            for key, each in value.items()
        }
    return list(value) if isinstance(value, list) else value

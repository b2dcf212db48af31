"""One namespace of the model: what it holds, and the moves that several operations share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, fields
from threading import Condition

from qless_flask.backends.numbers import TOLD_AT_ONCE
from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.errors import QlessError
from qless_flask.models import ENDED, Actor, Event, Failure, HistoryEntry, LogLine, Recurring, State
from qless_flask.testing.model.records import LOG_LINES, JobRecord, QueueRecord, Times

LOG_BYTES = 64 << 10
STEP = 100
"""How many expired jobs, lost leases and due jobs, each, a pop attends to in each queue."""


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
    wishes: dict[str, frozenset[str]] = field(default_factory=dict)
    """What each worker is asked: quiet, stop."""
    holders: dict[str, str] = field(default_factory=dict)
    """The jid that holds each unique key, unless its time is over."""
    untold: dict[str, str] = field(default_factory=dict)
    """The jobs that have ended and not told all their dependents yet, the longest first; and who was told last."""
    tellings: int = TOLD_AT_ONCE
    """How many dependents the operation under way may still tell."""
    tracked_tags: frozenset[str] = frozenset()
    times: dict[str, Times] = field(default_factory=dict)
    """Of each tag that a job has."""
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
    places: int = 0
    tokens: int = 0
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

    # Where a job stands

    def know(self, queue: str) -> QueueRecord:
        """Answer the record of a queue, known from now on."""
        self.begun = True
        return self.queues.setdefault(queue, QueueRecord())

    def enter(self, job: JobRecord, queue: str, *, delay: int = 0, at: int | None = None) -> None:
        """Begin a stage: retries and losses renewed, failure, progress and end cleared; where it needs, it depends."""
        settings = self.know(queue).settings
        job.queue = queue
        job.remaining = settings.retries if job.retries is None else job.retries
        job.losses = 0
        job.failure = job.progress = job.ended = job.canceled_token = None
        if job.needs:
            job.state, job.available, job.delay, job.at = "depends", self.now, delay, at
        else:
            self.stand(job, self.now + delay if at is None else at)

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

    def unblock(self, job: JobRecord, actor: Actor | None) -> None:
        """Let a job go on that waits for nobody any more."""
        due = self.now + job.delay if job.at is None else job.at
        job.delay, job.at = 0, None
        self.stand(job, due)
        self.tell(job, "unblocked", actor=actor)

    def end_lease(self, job: JobRecord) -> str | None:
        """Take the lease of a job away, if there is one; answer its holder."""
        if job.state == "running":
            for tag in job.tags:
                times = self.times.setdefault(tag, Times())
                times.runs += 1
                times.ran += max(0, self.now - (job.started or 0))
        return job.end_lease()

    def failure(self, job: JobRecord, group: str, message: str, worker: str | None) -> Failure:
        """Describe how the latest run of a job went wrong."""
        return Failure(group, message, to_seconds(self.now), worker, job.runs)

    def forget_times(self) -> None:
        """Forget the times of tags that no job has any more."""
        there = {tag for job in self.jobs.values() for tag in job.tags}
        self.times = {tag: times for tag, times in self.times.items() if tag in there}

    # How a job ends

    def end(
        self,
        job: JobRecord,
        state: State,
        event: str,
        *,
        worker: str | None = None,
        group: str | None = None,
        actor: Actor | None = None,
        telling: bool = True,
    ) -> None:
        """End a job, whose lease and failure are seen to, and tell its dependents."""
        job.state, job.ended = state, self.now
        job.needs, job.delay, job.at, job.start_by = frozenset(), 0, None, None
        if job.unique and (job.unique.seconds is None or state == "canceled"):
            self.let_go(job)
        self.tell(job, event, worker=worker, group=group, actor=actor)
        if telling:
            self.untold.pop(job.jid, None)
            left = {job.jid: ""}
            self.tellings -= self.tell_dependents(left, self.tellings, actor)
            self.untold.update(left)

    def fail(self, job: JobRecord, failure: Failure, *, event: str = "failed", actor: Actor | None = None) -> None:
        """End a job as failed."""
        job.failure = failure
        self.end(job, "failed", event, worker=failure.worker, group=failure.group, actor=actor)

    def cancel(self, job: JobRecord, *, actor: Actor | None = None, telling: bool = True) -> None:
        """End a job as canceled."""
        job.canceled_token = job.token
        self.end(job, "canceled", "canceled", worker=self.end_lease(job), actor=actor, telling=telling)

    def tell_dependents(self, left: dict[str, str], most: int, actor: Actor | None = None) -> int:
        """Tell up to `most` dependents of those ended, the first of them first, and take off who has told all."""
        told = 0
        while left:
            jid, after = next(iter(left.items()))
            job = self.jobs.get(jid)
            children = [child for child in self.dependents(jid) if child > after] if job and job.state in ENDED else []
            here = children[: most - told]
            for child in here:
                told += 1
                left[jid] = child
                self._tell_dependent(jid, self.jobs[child], actor)
                if self.jobs[child].state == "canceled":
                    left[child] = ""
            if len(here) < len(children):
                break
            del left[jid]
        return told

    def _tell_dependent(self, jid: str, child: JobRecord, actor: Actor | None) -> None:
        if self.jobs[jid].state == "complete" or child.on_parent_end == "run":
            child.needs -= {jid}
            if not child.needs:
                self.unblock(child, actor)
        elif child.on_parent_end == "cancel":
            self.cancel(child, actor=actor, telling=False)

    # Who holds a unique key

    def take(self, job: JobRecord) -> None:
        """Let a job hold its unique key, if its time is not over and nobody else holds it."""
        if job.unique is None or self.holder(job.unique.key):
            return
        until = job.unique_until()
        if until is None or until > self.now:
            self.holders[job.unique.key] = job.jid

    def let_go(self, job: JobRecord) -> None:
        """Let a job hold no unique key."""
        self.holders = {key: jid for key, jid in self.holders.items() if jid != job.jid}

    # What time does

    def expire(self, job: JobRecord) -> None:
        """Fail a job that nobody popped in time."""
        self.fail(job, self.failure(job, "expired", "", None), event="expired")

    def take_back(self, job: JobRecord) -> None:
        """Take a lost lease back: a retry the less when the run took too long; else to the old place, or failed."""
        most = self.max_run(job)
        if most is not None and self.now >= (job.started or 0) + most:
            self.time_out(job)
            return
        holder = self.end_lease(job)
        job.losses += 1
        if job.losses > self.know(job.queue).settings.max_losses:
            self.fail(job, self.failure(job, "lost", "", holder))
        else:
            self.stand_again(job)
            self.tell(job, "lost", worker=holder)

    def time_out(self, job: JobRecord, actor: Actor | None = None) -> None:
        """Take a lease away at the cost of a retry; where none remains, the job fails."""
        holder = self.end_lease(job)
        failure = self.failure(job, "timeout", "", holder)
        if job.remaining == 0:
            self.fail(job, failure, actor=actor)
        else:
            job.remaining, job.failure = job.remaining - 1, failure
            self.stand(job, self.now)
            self.tell(job, "timed_out", worker=holder, actor=actor)

    def promote(self, job: JobRecord) -> None:
        """Make a due job available."""
        self.stand(job, self.now)
        self.tell(job, "promoted")

    def attend(self, queue: str) -> None:
        """Do what a pop does to a queue that it looks at: a bounded step of each thing that time does."""
        for job in self.expired(queue)[:STEP]:
            self.expire(job)
        for job in self.lost(queue)[:STEP]:
            self.take_back(job)
        for job in self.due(queue)[:STEP]:
            self.promote(job)
        for jid, after in list(self.untold.items()):
            following = [child for child in self.dependents(jid) if child > after]
            if following and self.jobs[following[0]].queue == queue:
                left = {jid: self.untold.pop(jid)}
                self.tellings -= self.tell_dependents(left, self.tellings)
                self.untold.update(left)

    def lease(self, job: JobRecord, worker: str) -> None:
        """Give a job to a worker under a new token."""
        for tag in job.tags:
            times = self.times.setdefault(tag, Times())
            times.pops += 1
            times.waited += max(0, self.now - job.available)
        self.tokens += 1
        job.state, job.worker, job.token = "running", worker, f"token-{self.tokens}"
        job.started, job.start_by = self.now, None
        job.runs += 1
        self.renew(job)
        self.tell(job, "popped", worker=worker)

    def renew(self, job: JobRecord) -> None:
        """Let a lease live for a heartbeat from now, but no longer than the run may take."""
        heartbeat, most = self.know(job.queue).settings.heartbeat, self.max_run(job)
        ends = [] if heartbeat is None else [self.now + to_milliseconds(heartbeat)]
        ends += [] if most is None else [(job.started or 0) + most]
        job.expires = min(ends, default=None)

    def max_run(self, job: JobRecord) -> int | None:
        """Tell how long a run of a job may take now."""
        if job.max_run is not None:
            return job.max_run
        most = self.know(job.queue).settings.max_run
        return None if most is None else to_milliseconds(most)

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
        self.log(
            event,
            queue if left else job.queue,
            job=job,
            to=job.queue if left else None,
            state=job.state,
            worker=worker,
            group=group,
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
                actor=actor.name if actor else None,
                address=actor.address if actor else None,
            )
        )


def _size(line: LogLine) -> int:
    return len(line.message.encode()) + len((line.data or "").encode())


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return {key: copy(each) for key, each in value.items()}
    return list(value) if isinstance(value, list) else value

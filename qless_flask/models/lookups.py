"""Looking jobs up: which, and a page of them; and the figures of tags and of failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qless_flask.bounds import MAX_DELAY_SECONDS, Checks
from qless_flask.models.jobs import Job
from qless_flask.models.words import ENDED, STATES, State


@dataclass(frozen=True, slots=True)
class Filter:
    """Which jobs to select; None asks for nothing.

    `q` is sought in klass, failure group and message, and at the beginning of the jid.
    """

    state: State | None = None
    queue: str | None = None
    tag: str | None = None
    klass: str | None = None
    worker: str | None = None
    group: str | None = None
    key: str | None = None
    tracked: bool | None = None
    q: str | None = None
    since: float | None = None
    """Only jobs that came into the state they are in at this time or later: ended ones by `ended_at`, running ones by
    `started_at`, all others by `available_at`, which of scheduled ones is their due time. Kept to the millisecond."""
    until: float | None = None
    """Only jobs that came into it before this time."""

    def __post_init__(self) -> None:
        check = Checks()
        if self.state is not None:
            check.one_of("state", self.state, STATES)
        if self.queue is not None:
            check.name("queue", self.queue)
        for name in ("tag", "klass", "worker", "group", "key", "q"):
            value = getattr(self, name)
            if value is not None:
                check.text(name, value)
        if self.tracked is not None:
            check.kind("tracked", self.tracked, bool)
        times = {name: at for name in ("since", "until") if (at := getattr(self, name)) is not None}
        for name, at in times.items():
            check.seconds(name, at, 0, 2 * MAX_DELAY_SECONDS)
        check.done()
        for name, at in times.items():
            # The times of jobs are whole milliseconds too, so what is the same compares as equal.
            object.__setattr__(self, name, round(at, 3))
        if len(times) == 2 and times["since"] > times["until"]:
            check.wrong("since", "must not be after until")
            check.done()

    def matches(self, job: Job) -> bool:
        """Tell whether a job is one of those asked for; letter case does not count in `q`."""
        return (
            self.state in (None, job.state)
            and self.queue in (None, job.queue)
            and self.klass in (None, job.klass)
            and self.tracked in (None, job.tracked)
            and self.worker in (None, job.worker)
            and self.key in (None, job.key)
            and (self.since is None or self.since <= _came_at(job))
            and (self.until is None or _came_at(job) < self.until)
            and (self.tag is None or self.tag in job.tags)
            and (self.group is None or (job.state == "failed" and _group(job) == self.group))
            and (self.q is None or _mentions(job, self.q.casefold()))
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a select: `next` is the cursor of the page after it, None at the end; `scanned` records were read."""

    jobs: tuple[Job, ...]
    next: str | None
    scanned: int


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag in figures. They begin with its first job, and are forgotten when its last one has gone."""

    name: str
    tracked: bool
    states: Mapping[State, int]
    """How many of its jobs are in each state; every state stands there."""
    wait_mean: float | None
    """Seconds from available to popped, the mean of all pops of jobs that had it then; None: there was none."""
    run_mean: float | None
    """Seconds from popped to the end of the lease, however it ended, the mean of all of jobs that had it then."""


def mean_seconds(count: int, milliseconds: int) -> float | None:
    """Take the mean of so many times of so many milliseconds together, in seconds; None of none."""
    return milliseconds / count / 1000 if count else None


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """The failed jobs of one group in figures; `queues` and `klasses` are those that they are of, sorted."""

    group: str
    count: int
    first_at: float
    """When the one of them failed that failed first."""
    last_at: float
    queues: tuple[str, ...]
    klasses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tracked:
    """All that is tracked: jobs as they stand, by jid, and tags, by name; of each the first 1,000."""

    jobs: tuple[Job, ...]
    tags: tuple[Tag, ...]


def _came_at(job: Job) -> float:
    """Tell when a job came into its state."""
    if job.state in ENDED:
        return job.ended_at or 0.0
    return (job.started_at or 0.0) if job.state == "running" else job.available_at


def _group(job: Job) -> str | None:
    return job.failure.group if job.failure else None


def _mentions(job: Job, sought: str) -> bool:
    if job.jid.casefold().startswith(sought) or sought in job.klass.casefold():
        return True
    failure = job.failure
    return failure is not None and (sought in failure.group.casefold() or sought in failure.message.casefold())

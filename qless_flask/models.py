"""The nouns: what goes into the operations and what comes out, as frozen dataclasses that cannot be wrong.

Times are Unix seconds with milliseconds, as floats; durations are seconds. `data` is JSON as text: no store decodes it,
and what went in comes out (white space outside strings aside).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, fields
from typing import Literal, get_args

from qless_flask.bounds import (
    MAX_BATCH,
    MAX_DELAY_SECONDS,
    MAX_PIPELINE,
    MAX_PRIORITY,
    MAX_RETRIES,
    MAX_TAGS,
    MIN_HEARTBEAT_SECONDS,
    Checks,
)
from qless_flask.errors import QlessError

State = Literal["scheduled", "waiting", "running", "complete", "failed", "canceled"]
IfExists = Literal["reject", "keep", "replace"]
Order = Literal["listed", "round_robin"]

STATES: tuple[State, ...] = get_args(State)
ENDED: tuple[State, ...] = ("complete", "failed", "canceled")
IF_EXISTS: tuple[IfExists, ...] = get_args(IfExists)
ORDERS: tuple[Order, ...] = get_args(Order)


# Jobs


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to put into `queue`.

    `delay` (seconds from now) or `at` (Unix seconds) make it scheduled; `retries` None means what its queue says at
    each stage; `pipeline` names the queues that follow, in order. Without a `jid` it is given a short one.
    """

    klass: str
    data: str = "{}"
    _: KW_ONLY
    queue: str
    jid: str | None = None
    priority: int = 0
    delay: float = 0.0
    at: float | None = None
    tags: tuple[str, ...] = ()
    retries: int | None = None
    pipeline: tuple[str, ...] = ()
    if_exists: IfExists = "reject"

    def __post_init__(self) -> None:
        check = Checks()
        check.text("klass", self.klass)
        check.json("data", self.data)
        check.name("queue", self.queue)
        if self.jid is not None:
            check.text("jid", self.jid)
        check.integer("priority", self.priority, -MAX_PRIORITY, MAX_PRIORITY)
        check.seconds("delay", self.delay, 0, MAX_DELAY_SECONDS)
        if self.at is not None:
            check.seconds("at", self.at, 0, 2 * MAX_DELAY_SECONDS)
            if self.delay:
                check.wrong("at", "cannot stand beside delay: give one of them")
        if self.tags:
            check.texts("tags", self.tags, most=MAX_TAGS)
            object.__setattr__(self, "tags", tuple(dict.fromkeys(self.tags)))
        if self.retries is not None:
            check.integer("retries", self.retries, 0, MAX_RETRIES)
        if self.pipeline:
            check.names("pipeline", self.pipeline, least=0, most=MAX_PIPELINE)
            object.__setattr__(self, "pipeline", tuple(self.pipeline))
        check.one_of("if_exists", self.if_exists, IF_EXISTS)
        check.done()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job's last run did not end well; kept until a move or a success clears it."""

    group: str
    message: str
    at: float
    worker: str | None
    run: int
    """Which run of the job it was, counted from 1 over all stages."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened to a job; what does not apply is None."""

    at: float
    event: str
    queue: str | None = None
    worker: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands. Lists leave `data` None and `history` empty; a popped job has data and no history."""

    jid: str
    klass: str
    queue: str
    state: State
    priority: int
    tags: tuple[str, ...]
    retries: int | None
    """Own number of retries a stage; None: what the queue says."""
    remaining: int
    losses: int
    pipeline: tuple[str, ...]
    """The queues that follow, in order."""
    worker: str | None
    failure: Failure | None
    created_at: float
    available_at: float
    """When it last became available (Unix seconds); the due time while scheduled."""
    started_at: float | None
    """When its latest run began."""
    ended_at: float | None
    """When it became complete, failed or canceled."""
    data: str | None = None
    history: tuple[HistoryEntry, ...] = ()
    """Oldest first, the latest 100."""


@dataclass(frozen=True, slots=True)
class Put:
    """What became of one job of a put: `created` is False where `keep` found it there."""

    jid: str
    state: State
    created: bool


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the worker's own about a job."""

    at: float
    message: str
    data: str | None = None


def new_jid() -> str:
    """Make a jid of 14 characters [0-9A-Za-z]: 42 bits of milliseconds, so that they sort by time, and 41 of chance."""
    number = (time.time_ns() // 1_000_000 & _42_BITS) << 41 | int.from_bytes(os.urandom(6)) >> 7
    digits = []
    for _ in range(14):
        number, digit = divmod(number, 62)
        digits.append(_BASE_62[digit])
    return "".join(reversed(digits))


def with_new_jid(job: NewJob) -> NewJob:
    """Copy a job and give it a jid; what was checked once is not checked again."""
    copied = object.__new__(NewJob)
    for name in _NEW_JOB_FIELDS:
        object.__setattr__(copied, name, getattr(job, name))
    object.__setattr__(copied, "jid", new_jid())
    return copied


# Leases


@dataclass(frozen=True, slots=True)
class Lease:
    """One worker's right to one job, proved by its token.

    `expires_at` None: it does not expire by itself. A settle or heartbeat needs only jid and token.
    """

    jid: str
    token: str
    expires_at: float | None = None
    job: Job | None = None

    def __post_init__(self) -> None:
        check = Checks()
        check.text("jid", self.jid)
        check.text("token", self.token)
        check.done()


@dataclass(frozen=True, slots=True)
class Pop:
    """What a worker asks for: up to `limit` jobs of `queues`.

    `listed` takes all it can of the first queue, then of the next; `round_robin` one of each in turn, beginning one
    queue further along the list after each such pop that found something. The same worker and `request` within a
    heartbeat is given the same leases again.
    """

    queues: tuple[str, ...]
    worker: str
    limit: int = 1
    _: KW_ONLY
    order: Order = "listed"
    request: str | None = None

    def __post_init__(self) -> None:
        check = Checks()
        check.names("queues", self.queues, least=1, most=MAX_BATCH)
        check.text("worker", self.worker)
        check.integer("limit", self.limit, 1, MAX_BATCH)
        check.one_of("order", self.order, ORDERS)
        if self.request is not None:
            check.text("request", self.request)
        check.done()
        object.__setattr__(self, "queues", tuple(dict.fromkeys(self.queues)))


@dataclass(frozen=True, slots=True)
class Popped:
    """The leases of a pop, as a sequence; `retry_at` says when to look again where there are none."""

    leases: tuple[Lease, ...]
    retry_at: float | None = None
    """The next time that something is due or lost here (Unix seconds); None: nothing is in sight."""

    def __iter__(self) -> Iterator[Lease]:
        return iter(self.leases)

    def __len__(self) -> int:
        return len(self.leases)

    def __getitem__(self, index: int) -> Lease:
        return self.leases[index]


# Settlements


@dataclass(frozen=True, slots=True)
class Complete:
    """The stage is done: on to `next`, else to the pipeline's next queue, else the job is complete.

    `next` comes before what the pipeline holds. `delay` (seconds) holds the next stage back; `data` replaces the job's.
    """

    lease: Lease
    _: KW_ONLY
    data: str | None = None
    next: str | None = None
    delay: float = 0.0

    def __post_init__(self) -> None:
        check = Checks()
        if self.data is not None:
            check.json("data", self.data)
        if self.next is not None:
            check.name("next", self.next)
        check.seconds("delay", self.delay, 0, MAX_DELAY_SECONDS)
        check.done()


@dataclass(frozen=True, slots=True)
class Retry:
    """The run did not work out: again after `delay` seconds, or failed under `group` when no retry remains."""

    lease: Lease
    _: KW_ONLY
    delay: float | None = None
    """None: as the back-off says."""
    group: str = "retries"
    message: str = ""

    def __post_init__(self) -> None:
        check = Checks()
        if self.delay is not None:
            check.seconds("delay", self.delay, 0, MAX_DELAY_SECONDS)
        check.text("group", self.group)
        check.message("message", self.message)
        check.done()


@dataclass(frozen=True, slots=True)
class Fail:
    """A person must look at it: failed at once, under `group`."""

    lease: Lease
    _: KW_ONLY
    group: str
    message: str = ""
    data: str | None = None

    def __post_init__(self) -> None:
        check = Checks()
        check.text("group", self.group)
        check.message("message", self.message)
        if self.data is not None:
            check.json("data", self.data)
        check.done()


@dataclass(frozen=True, slots=True)
class Release:
    """Give the job back unharmed: no retry counted, same place in the queue (a new one after a `delay`)."""

    lease: Lease
    _: KW_ONLY
    delay: float = 0.0

    def __post_init__(self) -> None:
        check = Checks()
        check.seconds("delay", self.delay, 0, MAX_DELAY_SECONDS)
        check.done()


Settlement = Complete | Retry | Fail | Release


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a job: the state that the settle left it in."""

    jid: str
    state: State


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What became of each settlement, in order, and what was popped."""

    results: tuple[Settled | QlessError, ...]
    popped: Popped


# By hand


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something by hand, and from which address; their event keeps it."""

    name: str
    address: str | None = None

    def __post_init__(self) -> None:
        check = Checks()
        check.text("name", self.name)
        if self.address is not None:
            check.text("address", self.address)
        check.done()


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change of jobs; what is None stays.

    A changed priority keeps the place among equals. `retries` counts from the next stage or move on, and lowers
    `remaining` to itself where it is lower.
    """

    priority: int | None = None
    data: str | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    """Removed before `add_tags` are added."""
    retries: int | None = None

    def __post_init__(self) -> None:
        check = Checks()
        if self.priority is not None:
            check.integer("priority", self.priority, -MAX_PRIORITY, MAX_PRIORITY)
        if self.data is not None:
            check.json("data", self.data)
        check.texts("tags.add", self.add_tags, most=MAX_TAGS)
        check.texts("tags.remove", self.remove_tags, most=MAX_TAGS)
        if self.retries is not None:
            check.integer("retries", self.retries, 0, MAX_RETRIES)
        check.done()
        object.__setattr__(self, "add_tags", tuple(dict.fromkeys(self.add_tags)))
        object.__setattr__(self, "remove_tags", tuple(dict.fromkeys(self.remove_tags)))


# Look-ups


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
    q: str | None = None

    def __post_init__(self) -> None:
        check = Checks()
        if self.state is not None:
            check.one_of("state", self.state, STATES)
        if self.queue is not None:
            check.name("queue", self.queue)
        for name in ("tag", "klass", "worker", "group", "q"):
            value = getattr(self, name)
            if value is not None:
                check.text(name, value)
        check.done()

    def matches(self, job: Job) -> bool:
        """Tell whether a job is one of those asked for; letter case does not count in `q`."""
        return (
            self.state in (None, job.state)
            and self.queue in (None, job.queue)
            and self.klass in (None, job.klass)
            and self.worker in (None, job.worker)
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
class QueueSettings:
    """What a queue can be told, with its defaults."""

    heartbeat: float | None = 60.0
    """Seconds that a lease lives without a heartbeat; None: until it is settled or timed out."""
    retries: int = 5
    """Retries allowed after the first run in this stage, for jobs that don't say."""
    max_losses: int = 3
    """How often a lease may be lost in this stage before the job fails."""

    def __post_init__(self) -> None:
        check = Checks()
        if self.heartbeat is not None:
            check.seconds("heartbeat", self.heartbeat, MIN_HEARTBEAT_SECONDS, MAX_DELAY_SECONDS)
        check.integer("retries", self.retries, 0, MAX_RETRIES)
        check.integer("max_losses", self.max_losses, 0, MAX_RETRIES)
        check.done()


Setting = float | int | None
SETTING_NAMES: tuple[str, ...] = tuple(each.name for each in fields(QueueSettings))


def checked_settings(changes: Mapping[str, Setting]) -> dict[str, Setting]:
    """Return the changes as a queue keeps them, or raise Invalid for a name or value that no queue can have."""
    check = Checks()
    for name in changes:
        if name not in SETTING_NAMES:
            check.wrong(name, f"is no setting; there are {', '.join(SETTING_NAMES)}")
    check.done()
    QueueSettings(**changes)  # type: ignore[arg-type]
    return dict(changes)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and how many of its jobs are in each state."""

    name: str
    paused: bool
    scheduled: int
    waiting: int
    running: int
    stalled: int
    """Of the running, those whose lease has expired."""
    complete: int
    failed: int
    canceled: int
    oldest_wait: float | None
    """Seconds that the job waits that is next of its priority, the longest of these; None: none waits."""
    settings: QueueSettings


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that has popped here lately."""

    name: str
    running: int
    seen_at: float


# Events and upkeep


@dataclass(frozen=True, slots=True)
class Event:
    """One transition, as the log keeps it; what does not apply is None."""

    cursor: str
    at: float
    event: str
    jid: str | None = None
    queue: str | None = None
    """The queue that it happened in."""
    to: str | None = None
    """The queue that `advanced` and `moved` took the job to."""
    state: State | None = None
    """The state that it left the job in."""
    worker: str | None = None
    group: str | None = None
    actor: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in order; ask `after` `next` for those that follow. A reader that fell off the log finds a `gap` first."""

    events: tuple[Event, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Promoted:
    """What a bounded step of `promote` did; `more` says that there is more to do at once."""

    promoted: int
    lost: int
    more: bool


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many jobs a bounded step of `prune` deleted; `more` says that there is more to do at once."""

    jobs: int
    more: bool


_NEW_JOB_FIELDS = tuple(each.name for each in fields(NewJob))
_BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_42_BITS = (1 << 42) - 1


def _group(job: Job) -> str | None:
    return job.failure.group if job.failure else None


def _mentions(job: Job, sought: str) -> bool:
    if job.jid.casefold().startswith(sought) or sought in job.klass.casefold():
        return True
    failure = job.failure
    return failure is not None and (sought in failure.group.casefold() or sought in failure.message.casefold())

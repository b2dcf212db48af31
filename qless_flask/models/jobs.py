"""Jobs: to put, as they stand, and what is kept about them."""

from __future__ import annotations

import os
import time
from dataclasses import KW_ONLY, dataclass, fields

from qless_flask.bounds import (
    MAX_DELAY_SECONDS,
    MAX_DEPENDS,
    MAX_PIPELINE,
    MAX_PRIORITY,
    MAX_REQUIRES,
    MAX_RETRIES,
    MAX_TAGS,
    MIN_CLOCK_SECONDS,
    Checks,
)
from qless_flask.models.backoff import Backoff
from qless_flask.models.words import IF_EXISTS, MISSING, ON_PARENT_END, IfExists, Missing, OnParentEnd, State


@dataclass(frozen=True, slots=True)
class Unique:
    """Let no second job be put while one holds `key`: a put answers with the job that does.

    It is held while that job is alive (until it is complete, failed or canceled) or, with `seconds`, for so long from
    its put, complete or not. A job that is canceled, replaced or pruned lets go of it either way.
    """

    key: str
    seconds: float | None = None

    def __post_init__(self) -> None:
        check = Checks()
        check.text("key", self.key)
        if self.seconds is not None:
            check.seconds("for", self.seconds, MIN_CLOCK_SECONDS, MAX_DELAY_SECONDS)
        check.done()


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to put into `queue`.

    `delay` (seconds from now) or `at` (Unix seconds) make it scheduled; `retries` None means what its queue says at
    each stage; `pipeline` names the queues that follow, in order. Without a `jid` it is given a short one.
    With `depends` it waits for those jobs first, and its `delay` begins when the last of them is complete.
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
    depends: tuple[str, ...] = ()
    missing: Missing = "refuse"
    """What it means if one of `depends` is not there: UnknownDependency, or that it is done."""
    on_parent_end: OnParentEnd = "wait"
    """What to do when one of `depends` fails or is canceled: wait on, be canceled too, or take it for done."""
    backoff: Backoff | None = None
    """None: as its queue says."""
    max_run: float | None = None
    """Seconds that a run may take, heartbeats or not; None: as its queue says."""
    expires_in: float | None = None
    """Seconds from the put within which it must be popped, or it fails in the group `expired`."""
    unique: Unique | None = None
    requires: tuple[str, ...] = ()
    """What a worker must offer, all of it, to be given the job; kept sorted."""
    key: str | None = None
    """What its queue's key limits count by: a customer, a crawl's domain."""
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
        if self.depends:
            check.texts("depends", self.depends, most=MAX_DEPENDS)
            object.__setattr__(self, "depends", tuple(dict.fromkeys(self.depends)))
        check.one_of("missing", self.missing, MISSING)
        check.one_of("on_parent_end", self.on_parent_end, ON_PARENT_END)
        if self.backoff is not None:
            check.kind("backoff", self.backoff, Backoff)
        if self.max_run is not None:
            check.seconds("max_run", self.max_run, MIN_CLOCK_SECONDS, MAX_DELAY_SECONDS)
        if self.expires_in is not None:
            check.seconds("expires_in", self.expires_in, MIN_CLOCK_SECONDS, MAX_DELAY_SECONDS)
        if self.unique is not None:
            check.kind("unique", self.unique, Unique)
        if self.requires:
            check.texts("requires", self.requires, most=MAX_REQUIRES)
        if self.key is not None:
            check.text("key", self.key)
        check.one_of("if_exists", self.if_exists, IF_EXISTS)
        check.done()
        if self.requires:
            object.__setattr__(self, "requires", tuple(sorted(set(self.requires))))


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
    """A job as it stands. A popped one has no `result`, `history` and `dependents`; in lists `data` is missing too."""

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
    """When it last became available (Unix seconds); the due time while scheduled; while it depends, since when."""
    started_at: float | None
    """When its latest run began."""
    ended_at: float | None
    """When it became complete, failed or canceled."""
    depends: tuple[str, ...] = ()
    """What it still waits for, by jid; empty in every state but `depends`."""
    on_parent_end: OnParentEnd = "wait"
    backoff: Backoff | None = None
    max_run: float | None = None
    expires_in: float | None = None
    unique: Unique | None = None
    """The key that it was put with, whether it holds it still or not."""
    requires: tuple[str, ...] = ()
    """What a worker must offer to be given it, sorted."""
    key: str | None = None
    """What its queue's key limits count it by."""
    tracked: bool = False
    recurrence: str | None = None
    """The id of the recurrence that put it."""
    due_at: float | None = None
    """The time for which that recurrence put it."""
    progress: str | None = None
    """What its worker last said of how far it is, as JSON; cleared by a move and when the next stage begins."""
    data: str | None = None
    result: str | None = None
    """What it was last completed with, as JSON; cleared by a move."""
    history: tuple[HistoryEntry, ...] = ()
    """Oldest first, the latest 100."""
    dependents: tuple[str, ...] = ()
    """Jids of jobs that wait for it, by jid, the first 100."""


@dataclass(frozen=True, slots=True)
class Put:
    """What became of one job of a put.

    `created` is False where `keep` found the job there, or another one holds its unique key: then that one's jid.
    """

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


_NEW_JOB_FIELDS = tuple(each.name for each in fields(NewJob))
_BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_42_BITS = (1 << 42) - 1

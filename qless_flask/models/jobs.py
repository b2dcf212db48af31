"""Jobs: to put, as they stand, and what is kept about them."""

from __future__ import annotations

import os
import time
from dataclasses import KW_ONLY, dataclass, fields

from qless_flask.bounds import (
    MAX_DELAY_SECONDS,
    MAX_PIPELINE,
    MAX_PRIORITY,
    MAX_RETRIES,
    MAX_TAGS,
    Checks,
)
from qless_flask.models.words import IF_EXISTS, IfExists, State


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


_NEW_JOB_FIELDS = tuple(each.name for each in fields(NewJob))
_BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_42_BITS = (1 << 42) - 1

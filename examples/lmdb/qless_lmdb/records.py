"""What is kept of each thing: plain records, written as MessagePack. Times and spans are whole milliseconds.

They have the names of the records of a dump (`qless_flask.models.transfer`), so that one is soon made of the other.
"""

from __future__ import annotations

from typing import Any

import msgspec

from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.models import OnParentEnd, State


class Kept(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A record; it is changed in place, and lists in it are replaced whole."""

    def encoded(self) -> bytes:
        """Write it."""
        return _ENCODER.encode(self)


class JobState(Kept, kw_only=True):
    """A job but for its data, its result and its log, which stand under keys of their own."""

    jid: str
    klass: str
    queue: str
    state: State = "waiting"
    priority: int = 0
    place: int = 0
    """In its queue: who has the lowest of its priority is popped first."""
    created_at: int
    available_at: int = 0
    started_at: int | None = None
    ended_at: int | None = None
    remaining: int = 0
    losses: int = 0
    runs: int = 0
    worker: str | None = None
    token: str | None = None
    """Of the lease; of a canceled job, that of its last holder."""
    expires_at: int | None = None
    settled: tuple[str, str, State] | None = None
    """The token, the kind and the answer of the last settle."""
    failure: tuple[str, str, int, str | None, int] | None = None
    """Group, message, when, worker, run."""
    history: list[tuple[int, str, str | None]] = []
    """When, event, and the queue, worker or group that goes with it."""
    tags: list[str] = []
    retries: int | None = None
    pipeline: list[str] = []
    depends: list[str] = []
    """What it waits for still, sorted."""
    due_in: int | None = None
    """While it depends: for how long it is put off then…"""
    due_at_unblock: int | None = None
    """… or until when."""
    on_parent_end: OnParentEnd = "wait"
    backoff: dict[str, Any] | None = None
    max_run: int | None = None
    expires_in: int | None = None
    start_by: int | None = None
    """While it has neither been popped nor ended: when it expires."""
    unique: tuple[str, int | None] | None = None
    """Its key, and for how long."""
    requires: list[str] = []
    key: str | None = None
    tracked: bool = False
    recurrence: str | None = None
    due_at: int | None = None
    progress: str | None = None

    def unique_until(self) -> int | None:
        """Tell when it lets go of its unique key, if that is held for a time."""
        return None if self.unique is None or self.unique[1] is None else self.created_at + self.unique[1]


class QueueState(Kept, kw_only=True):
    """A known queue; when it was popped from stands under keys of its own."""

    name: str
    settings: dict[str, Any] = {}
    """Its own, as JSON has them."""
    paused: bool = False
    place: int = 0
    """The last that was given."""
    rate_since: int | None = None
    """Pops before then do not count."""
    key_rate_since: int | None = None
    warned_at: int | None = None
    """When it last told that failed jobs would be trimmed soon."""


class NamespaceState(Kept, kw_only=True):
    """A namespace itself."""

    settings: dict[str, Any] = {}
    frozen: bool = False
    erasing: bool = False
    turn: int = 0
    """How many round_robin pops have found something."""
    events: int = 0
    """The number of the latest event."""
    trimmed: int = 0
    """The number of the latest that was trimmed."""
    folded: str | None = None
    """The cursor up to which events are folded into statistics."""
    untold: int = 0
    """The last number given to a job that has not told all its dependents."""


class WorkerState(Kept, kw_only=True):
    """A worker; how many jobs it runs is counted apart."""

    seen_at: int
    quiet: bool = False
    stop: bool = False
    capabilities: list[str] = []


class TagTimes(Kept, kw_only=True):
    """How often jobs of a tag were popped and let go, and how long that took together."""

    waits: int = 0
    waited: int = 0
    runs: int = 0
    ran: int = 0


class RecurrenceState(Kept, kw_only=True):
    """A recurrence: its rule as a dump writes it, and how it stands."""

    rule: dict[str, Any]
    next_at: int | None = None
    paused: bool = False
    fired: int = 0
    last_at: int | None = None
    last_jid: str | None = None


class EventState(Kept, kw_only=True):
    """A transition in the log; its number is in its key."""

    at: int
    event: str
    jid: str | None = None
    queue: str | None = None
    to: str | None = None
    state: State | None = None
    worker: str | None = None
    group: str | None = None
    tags: list[str] = []
    tracked: bool = False
    recurrence: str | None = None
    klass: str | None = None
    waited: int | None = None
    ran: int | None = None
    actor: str | None = None
    address: str | None = None


class Untold(Kept, kw_only=True):
    """An ended job some of whose dependents are to be told yet: those behind `after`."""

    jid: str
    after: str = ""


class Requested(Kept, kw_only=True):
    """What was given to a worker's request, as jid and token, and until when it is given again."""

    until: int
    leases: list[tuple[str, str]]


class Leader(Kept, kw_only=True):
    """Who leads, and until when."""

    holder: str
    until: int


class Waiting(Kept, kw_only=True):
    """What a pop must know of a job that waits, before it reads it."""

    jid: str
    requires: list[str] = []
    key: str = ""
    start_by: int | None = None


Line = tuple[int, str, str | None]
"""A line of a job's log: when, message, data."""

_ENCODER = msgspec.msgpack.Encoder()

JOB = msgspec.msgpack.Decoder(JobState)
QUEUE = msgspec.msgpack.Decoder(QueueState)
NAMESPACE = msgspec.msgpack.Decoder(NamespaceState)
WORKER = msgspec.msgpack.Decoder(WorkerState)
TIMES = msgspec.msgpack.Decoder(TagTimes)
RECURRENCE = msgspec.msgpack.Decoder(RecurrenceState)
EVENT = msgspec.msgpack.Decoder(EventState)
UNTOLD = msgspec.msgpack.Decoder(Untold)
REQUESTED = msgspec.msgpack.Decoder(Requested)
LEADER = msgspec.msgpack.Decoder(Leader)
WAITING = msgspec.msgpack.Decoder(Waiting)
POPPED = msgspec.msgpack.Decoder(list[int])
LINES = msgspec.msgpack.Decoder(list[Line])
COUNT = msgspec.msgpack.Decoder(int)


def encode(value: object) -> bytes:
    """Write what is no record: a number, a list."""
    return _ENCODER.encode(value)


def seconds(milliseconds: int | None) -> float | None:
    """Show a time or span that may not be there."""
    return None if milliseconds is None else to_seconds(milliseconds)


def milliseconds(seconds: float | None) -> int | None:
    """Keep a time or span that may not be there."""
    return None if seconds is None else to_milliseconds(seconds)

"""The log of transitions, and what upkeep did."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from qless_flask.bounds import Checks
from qless_flask.models.words import State

JOB_EVENTS = (
    "put",
    "popped",
    "completed",
    "advanced",
    "retried",
    "failed",
    "released",
    "lost",
    "canceled",
    "moved",
    "promoted",
    "unblocked",
    "timed_out",
    "expired",
    "updated",
    "tracked",
    "untracked",
    "pruned",
    "finished",
)
"""What can happen to a job. Figures are kept in this order: what is new comes last."""


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
    tags: tuple[str, ...] = ()
    """The tags of the job when it happened; of `tracked` and `untracked` without a jid, the tag that is meant."""
    tracked: bool = False
    """Whether the job was tracked then, itself."""
    recurrence: str | None = None
    """Of `recurrence_changed`: its id."""
    klass: str | None = None
    """Of what has `waited` or `ran`: the job's."""
    waited: float | None = None
    """Of `popped`: seconds from when the job became available."""
    ran: float | None = None
    """Of what ended a lease, however: seconds from its pop."""
    actor: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to read; None asks for nothing."""

    jid: str | None = None
    queue: str | None = None
    """Where it happened, or where `advanced` and `moved` took the job to."""
    tag: str | None = None
    tracked: bool | None = None
    """True: of jobs that were tracked then, themselves or by a tag that is tracked now."""

    def __post_init__(self) -> None:
        check = Checks()
        if self.jid is not None:
            check.text("jid", self.jid)
        if self.queue is not None:
            check.name("queue", self.queue)
        if self.tag is not None:
            check.text("tag", self.tag)
        if self.tracked is not None:
            check.kind("tracked", self.tracked, bool)
        check.done()

    def matches(self, event: Event, tracked_tags: Collection[str]) -> bool:
        """Tell whether an event is one of those asked for; a gap concerns everybody."""
        if event.event == "gap":
            return True
        return (
            self.jid in (None, event.jid)
            and self.queue in (None, event.queue, event.to)
            and (self.tag is None or self.tag in event.tags)
            and (self.tracked is None or self.tracked == _is_tracked(event, tracked_tags))
        )


def _is_tracked(event: Event, tracked_tags: Collection[str]) -> bool:
    return event.tracked or any(tag in tracked_tags for tag in event.tags)


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in order; ask `after` `next` for those that follow. A reader that fell off the log finds a `gap` first.

    A filtered page may be short, even empty, before the end: that is reached where `next` is what was asked `after`.
    """

    events: tuple[Event, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Promoted:
    """What a bounded step of `promote` did; `more` says that there is more to do at once."""

    promoted: int
    lost: int
    """Leases taken back, those of runs over their `max_run` among them."""
    more: bool
    expired: int = 0
    """Jobs that nobody had popped within their `expires_in`."""
    told: int = 0
    """Dependents of ended jobs that were left from an operation before: freed, canceled or let wait on."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many jobs a bounded step of `prune` deleted; `more` says that there is more to do at once."""

    jobs: int
    more: bool

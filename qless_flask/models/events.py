"""The log of transitions, and what upkeep did."""

from __future__ import annotations

from dataclasses import dataclass

from qless_flask.models.words import State


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

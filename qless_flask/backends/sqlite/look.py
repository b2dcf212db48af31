"""What every operation reads first: the namespace, the time, and its queues."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from qless_flask.backends.sqlite.limits import Limits
from qless_flask.backends.sqlite.record import LANED, WAITING
from qless_flask.backends.sqlite.statements import NAMESPACE, PACE
from qless_flask.models import QueueSettings, checked_settings, in_force


class Look:
    """What a read has: a connection inside a transaction, a namespace, the time."""

    def __init__(self, connection: sqlite3.Connection, name: str, now: int) -> None:
        self.connection = connection
        self.name = name
        self.now = now
        found = connection.execute(NAMESPACE, (name,)).fetchone()
        self.namespace: int
        """The row of the namespace; 0, which nothing belongs to, as long as it has not begun."""
        self.untold: int
        """How many ended jobs have dependents that are still to be told."""
        self.wishes: int
        """Of how many workers something is asked."""
        self.frozen: int
        """Whether nothing may be written."""
        self.settings_text: str | None
        """Of the settings that the namespace says itself, those that queues can have too, as JSON."""
        self.namespace, self.untold, self.wishes, self.frozen, self.settings_text = found or (0, 0, 0, 0, None)

    def settings_of(self, queue: QueueRow) -> QueueSettings:
        """The settings in force for a queue."""
        return read_settings(self.settings_text, queue.settings_text)

    def limits_of(self, queue: QueueRow) -> Limits | None:
        """The limits in force for a queue; None if there are none."""
        return read_limits(self.settings_text, queue.settings_text)

    def pace_of(self, queue: QueueRow) -> Pace:
        """What the rates of a queue are counted by."""
        if queue.pace is None:
            queue.pace = Pace(*self.connection.execute(PACE, (queue.id,)).fetchone())
        return queue.pace


@dataclass(slots=True)
class Pace:
    """What the rates of a queue are counted by."""

    popped: int = 0
    """The number of its last pop that was counted."""
    rate_since: int | None = None
    """Pops before then do not count."""
    key_rate_since: int | None = None
    """Nor do those of its keys before then."""


@dataclass(slots=True)
class QueueRow:
    """A queue, with its counters as the step leaves them."""

    id: int
    name: str
    paused: bool
    settings_text: str | None
    place: int
    counts: list[int]
    """By the number of the state; the first is none."""
    expiring: int = 0
    """How many of its jobs expire unless they are popped in time."""
    pace: Pace | None = None
    """Read when a rate asks for it: see `Look.pace_of`."""
    changed: bool = field(default=False, kw_only=True)

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> QueueRow:
        """Read what QUEUE selects."""
        number, name, paused, settings, place, *counts = row[:-1]
        return cls(number, name, bool(paused), settings, place, [0, *counts], row[-1])

    @property
    def waiting(self) -> int:
        """How many of its jobs wait, in lanes or not."""
        return self.counts[WAITING] + self.counts[LANED]

    def next_place(self) -> int:
        """The place behind all that were given so far."""
        self.place += 1
        self.changed = True
        return self.place

    def count(self, state: int, difference: int) -> None:
        """Count jobs that came into a state, or left it."""
        self.counts[state] += difference
        self.changed = True

    def count_expiring(self, difference: int) -> None:
        """Count jobs that came to have a time by which they expire, or have none any more."""
        self.expiring += difference
        self.changed = True


@lru_cache(maxsize=1_000)
def read_settings(*layers: str | None) -> QueueSettings:
    """Lay settings that were set over each other, the last on top, and all of them over the defaults."""
    return in_force(*(checked_settings(msgspec.json.decode(text)) for text in layers if text))


@lru_cache(maxsize=1_000)
def read_limits(*layers: str | None) -> Limits | None:
    """Take the limits out of such settings."""
    return Limits.of(read_settings(*layers))

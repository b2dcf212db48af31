"""What every operation reads first: the namespace, the time, and its queues."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from qless_flask.backends.sqlite.statements import NAMESPACE
from qless_flask.models import QueueSettings


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
        self.namespace, self.untold, self.wishes = found or (0, 0, 0)


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
    changed: bool = field(default=False, kw_only=True)

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> QueueRow:
        return cls(row[0], row[1], bool(row[2]), row[3], row[4], [0, *row[5:-1]], row[-1])

    @property
    def settings(self) -> QueueSettings:
        """The settings in force."""
        return read_settings(self.settings_text)

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
def read_settings(text: str | None) -> QueueSettings:
    """Build the settings from those that were set."""
    return msgspec.json.decode(text, type=QueueSettings) if text else QueueSettings()

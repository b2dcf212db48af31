"""A clock that stands still until a test moves it."""

from __future__ import annotations

import threading

START_SECONDS = 1_800_000_000.25


class ManualClock:
    """Answer the same time until it is advanced. Give it to a backend as its `clock`. Safe to share between threads."""

    def __init__(self, start: float = START_SECONDS) -> None:
        # Whole milliseconds, so that a thousand small steps add up to what they say.
        self._milliseconds = round(start * 1000)
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            return self._milliseconds / 1000

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds, in whole milliseconds; back where they are negative."""
        with self._lock:
            self._milliseconds += round(seconds * 1000)

"""What is counted of a plugin, by the threads of one process."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable

from qless_flask.models import Plugin, PluginFailure

MOST_IN_A_ROW = 10
"""After so many errors in a row an observing hook is switched off."""


class Record:
    """A plugin's name and state, its calls and its errors. Safe to share between threads."""

    def __init__(self, name: str, source: str, *, stops: bool = False) -> None:
        self.name = name
        self.source = source
        self.stops = stops
        """Whether no server starts while it has failed."""
        self.state = "loaded"
        self.reason: str | None = None
        self.hooks: tuple[str, ...] = ()
        self.offers: dict[str, tuple[str, ...]] = {}
        self.shadowed: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()
        self._calls = 0
        self._errors = 0
        self._seconds = 0.0
        self._last_error: PluginFailure | None = None
        self._in_a_row: dict[str, int] = {}
        self._off: set[str] = set()

    def fail(self, reason: str) -> None:
        """Say that it is not to be used."""
        self.state, self.reason = "failed", reason
        self.hooks, self.offers, self.shadowed = (), {}, {}

    def offer(self, kind: str, names: Iterable[str], taken: Collection[str]) -> None:
        """Note what it offers, and what of that is taken from another."""
        self.offers[kind] = tuple(sorted(names))
        if shadowed := tuple(name for name in self.offers[kind] if name in taken):
            self.shadowed[kind] = shadowed

    def called(self, seconds: float, *, what: str = "") -> None:
        """Count a call that went well; `what` names the hook, or the tracker, whose errors in a row that ends."""
        with self._lock:
            self._calls += 1
            self._seconds += seconds
            self._in_a_row.pop(what, None)

    def failed(self, what: str, error: BaseException, seconds: float) -> None:
        """Count a call that raised."""
        with self._lock:
            self._calls += 1
            self._errors += 1
            self._seconds += seconds
            self._last_error = PluginFailure(what, time.time(), f"{type(error).__name__}: {error}"[:1000])

    def missed(self, what: str) -> bool:
        """Count one more error in a row of an observing hook or tracker; answer whether it is switched off by that."""
        with self._lock:
            self._in_a_row[what] = self._in_a_row.get(what, 0) + 1
            if self._in_a_row[what] < MOST_IN_A_ROW:
                return False
            self._off.add(what)
            return True

    def is_off(self, what: str) -> bool:
        """Tell whether an observing hook or tracker is switched off."""
        return what in self._off

    def switch_on(self, what: str) -> None:
        """Begin anew with a hook or tracker that may have been switched off."""
        with self._lock:
            self._off.discard(what)
            self._in_a_row.pop(what, None)

    def told(self) -> Plugin:
        """Tell all of it."""
        with self._lock:
            return Plugin(
                self.name,
                state=self.state,
                source=self.source,
                reason=self.reason,
                hooks=self.hooks,
                offers=dict(self.offers),
                shadowed=dict(self.shadowed),
                calls=self._calls,
                errors=self._errors,
                seconds=self._seconds,
                off=tuple(sorted(self._off)),
                last_error=self._last_error,
            )

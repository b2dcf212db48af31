"""What a scheduler has done, and how plugins do where it leads: written into the store every few seconds.

What was done is told in the log, too, in a line a minute at most.
"""

from __future__ import annotations

import logging
import time
from dataclasses import fields

from qless_flask.backends.base import Backend, Clock
from qless_flask.backends.scheduling import add_figures
from qless_flask.models.scheduling import SchedulerFigures, Upkept
from qless_flask.plugins import Plugins

WRITE_SECONDS = 5.0
LINE_SECONDS = 60.0

logger = logging.getLogger("qless_flask.scheduler")


class Diary:
    """The diary of one scheduler, kept while it leads."""

    def __init__(self, store: Backend, name: str, clock: Clock, plugins: Plugins | None) -> None:
        self._store = store
        self._name = name
        self._clock = clock
        self._plugins = plugins
        self._since = 0.0
        self._unwritten = self._untold = Upkept()
        self._write_at = self._tell_at = 0.0

    def begin(self) -> None:
        """Note that this scheduler leads from now on; the first tick writes it down."""
        self._since = self._clock()
        self._write_at = 0.0
        self._tell_at = time.monotonic() + LINE_SECONDS

    def add(self, **counts: int) -> None:
        """Note what was done, by the names of `Upkept`."""
        done = Upkept(**counts)
        self._unwritten += done
        self._untold += done

    def ticked(self) -> None:
        """Note that a tick is over, and write and tell what is due."""
        self.add(ticks=1)
        now = time.monotonic()
        if now >= self._tell_at:
            self.tell()
        if now >= self._write_at:
            # Also where it fails: each second would be too often.
            self._write_at = now + WRITE_SECONDS
            self.write()

    def write(self) -> None:
        """Add to the store's record what is not written there yet."""
        known = self._plugins.report() if self._plugins is not None else []
        plugins = tuple(each.figures() for each in known if each.calls)
        figures = SchedulerFigures(self._name, self._since, self._clock(), self._unwritten, plugins)
        if add_figures(self._store, figures):
            self._unwritten = Upkept()

    def tell(self) -> None:
        """Write a line into the log, if there is something to tell."""
        done, self._untold = self._untold, Upkept()
        self._tell_at = time.monotonic() + LINE_SECONDS
        if done:
            told = (f"{each.name} {getattr(done, each.name):,}" for each in fields(Upkept) if getattr(done, each.name))
            logger.info("scheduler %s: %s", self._name, ", ".join(told))

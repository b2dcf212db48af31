"""What goes wrong, told once for as long as it lasts."""

from __future__ import annotations

import logging
from collections.abc import Callable

from qless_flask.errors import QlessError
from qless_flask.scheduler.diary import Diary

MOST = 10_000
"""Known at a time: recurrences that are deleted while they are in trouble would else stay for ever."""

logger = logging.getLogger("qless_flask.scheduler")


class Troubles:
    """The troubles that a scheduler is in; while `stopping` answers true, nothing is told."""

    def __init__(self, stopping: Callable[[], bool], diary: Diary) -> None:
        self._stopping = stopping
        self._diary = diary
        self._known: set[str] = set()

    def met(self, what: str, error: Exception) -> None:
        """Count trouble, and tell of it if it is new."""
        self._diary.add(errors=1)
        if what in self._known or self._stopping():
            return
        if len(self._known) >= MOST:
            self._known.clear()
        self._known.add(what)
        unforeseen = None if isinstance(error, QlessError) else error
        logger.warning("%s: %s; the scheduler tries again each second", what, error, exc_info=unforeseen)

    def over(self, what: str) -> None:
        """Tell that it is over, if there was any."""
        if what in self._known:
            self._known.discard(what)
            logger.warning("%s: all is well again", what)

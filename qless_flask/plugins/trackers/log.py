"""Writes a line for each event to the log `qless_flask.tracker`.

{"name": "log", "tags": ["customer-*"], "level": "info"}
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from qless_flask.bounds import Checks
from qless_flask.hookspecs import TagTracker, Tracking
from qless_flask.models import Event
from qless_flask.plugins.trackers.telling import check_tags, told_in_words

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

logger = logging.getLogger("qless_flask.tracker")


@dataclass(frozen=True)
class Log(TagTracker):
    """Log what happens, in the process whose scheduler leads."""

    tags: Sequence[str]
    level: str = "info"

    def __post_init__(self) -> None:
        check = Checks()
        object.__setattr__(self, "tags", check_tags(check, self.tags))
        check.one_of("level", self.level, tuple(LEVELS))
        check.done()

    def told(self, tracking: Tracking, events: Sequence[Event]) -> None:
        for event in events:
            logger.log(LEVELS[self.level], "%s", told_in_words(tracking.namespace.name, event))

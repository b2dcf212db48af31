"""Forks: SQLite's connections must not live through one, not even unused, so they are closed before and opened after.

A child that opened a file which its parent had open would take the parent's locks, kept by SQLite in the process's
memory, for its own (sqlite.org/howtocorrupt.html, 2.6).
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Protocol


class Forkable(Protocol):
    """Something that has connections or threads."""

    def pause(self) -> None:
        """Let what is under way end, close, and begin nothing."""

    def resume(self) -> None:
        """Go on, in the parent."""

    def start_anew(self) -> None:
        """Begin from nothing, in the child: other threads, and the locks they held, are not there."""


def close_over_forks(part: Forkable) -> None:
    """Pause a part while the process forks, as long as anybody uses it."""
    os.register_at_fork(
        before=_calling(part, lambda part: part.pause()),
        after_in_parent=_calling(part, lambda part: part.resume()),
        after_in_child=_calling(part, lambda part: part.start_anew()),
    )


def _calling(part: Forkable, call: Callable[[Forkable], None]) -> Callable[[], None]:
    known = weakref.ref(part)  # the interpreter keeps for ever what is registered

    def run() -> None:
        part = known()
        if part is not None:
            call(part)

    return run

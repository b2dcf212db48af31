"""How far a long command is, told on the standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType

import click


class Progress:
    """Tells what is being done and how far it is: on a terminal in one line that changes, else every few seconds."""

    def __init__(self) -> None:
        self._changes = sys.stderr.isatty()
        self._what = ""
        self._line = ""
        self._told_at = 0.0

    @property
    def begun(self) -> bool:
        """Anything was told."""
        return self._told_at > 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end_line()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if what != self._what:
            self._end_line()
        line = f"{what}: {done:,} jobs" if total is None else f"{what}: {done:,} of {total:,} jobs"
        if what == self._what and now < self._told_at + (0.2 if self._changes else 5.0):
            self._line = line
            return
        self._what, self._line, self._told_at = what, "", now
        click.echo(f"\r{line}\x1b[K" if self._changes else line, nl=not self._changes, err=True)

    def _end_line(self) -> None:
        """Tell what was held back last, and go to a new line."""
        if self._what and (self._changes or self._line):
            click.echo(f"\r{self._line}\x1b[K" if self._changes and self._line else self._line, err=True)
        self._what = self._line = ""

"""One connection to the file: opened, begun with patience, and its errors put in our words."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from qless_flask.backends.sqlite.statements import BEGIN_IMMEDIATE, ROLLBACK
from qless_flask.bounds import Checks
from qless_flask.errors import BackendUnavailable

SYNCHRONOUS = ("full", "normal", "off")
BUSY_SECONDS = 5.0
"""How long an operation tries to get the file from other processes, before it gives up."""
CHECKPOINT_PAGES = 4_000
"""How long the log grows before it is written back: SQLite's own 1,000 costs twice the time a put."""
PAGE_BYTES = 4_096

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Location:
    """Which file, and how safely it is written."""

    path: str
    synchronous: str = "full"
    busy_seconds: float = field(default=BUSY_SECONDS, kw_only=True)

    @classmethod
    def of(cls, url: str, *, busy_seconds: float = BUSY_SECONDS) -> Location:
        """Read `sqlite:///relative.db` or `sqlite:////absolute.db`, with `?synchronous=normal`. Raise Invalid."""
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        synchronous = options.pop("synchronous", "full").lower()
        path = unquote(parts.path[1:])
        check = Checks()
        if parts.netloc or not path or path.startswith(":") or path.endswith("/"):
            check.wrong("url", "must be sqlite:///relative.db or sqlite:////absolute.db")
        for name in options:
            check.wrong(f"url.{name}", "is no option of a SQLite store; there is synchronous")
        check.one_of("url.synchronous", synchronous, SYNCHRONOUS)
        check.done()
        # A process that changes its directory later still means the same file.
        return cls(os.path.abspath(path), synchronous, busy_seconds=busy_seconds)

    def connect(self) -> sqlite3.Connection:
        """Open a connection that any thread may use, one at a time. Raise BackendUnavailable."""
        try:
            connection = sqlite3.connect(
                self.path,
                timeout=0,  # SQLite's own patience starves all processes but one; ours is in `patiently`
                isolation_level=None,
                check_same_thread=False,
                cached_statements=200,
            )
            for setting in (
                "temp_store = memory",
                f"synchronous = {self.synchronous}",
                f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
                f"journal_size_limit = {4 * CHECKPOINT_PAGES * PAGE_BYTES}",
            ):
                # Some read the file, which another process may be making just now.
                self.patiently(partial(connection.execute, f"PRAGMA {setting}"))
        except sqlite3.Error as error:
            raise self.unavailable(error) from error
        return connection

    def begin_write(self, connection: sqlite3.Connection) -> None:
        """Begin a transaction that writes, as soon as no other process does."""
        self.patiently(lambda: connection.execute(BEGIN_IMMEDIATE))

    def patiently(self, attempt: Callable[[], T]) -> T:
        """Try until the file is free. The sleeps are random, so that no process is always too late."""
        deadline = 0.0
        while True:
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                if not _is_busy(error):
                    raise
                deadline = deadline or time.monotonic() + self.busy_seconds
                if time.monotonic() > deadline:
                    raise
            time.sleep(random.uniform(0.0002, 0.001))

    def translated(self, error: Exception) -> Exception:
        """Put what the file or the disk has to say in our words; a fault of ours stays what it is."""
        if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
            unavailable = self.unavailable(error)
            unavailable.__cause__ = error
            return unavailable
        return error

    def unavailable(self, error: Exception) -> BackendUnavailable:
        """Say that the file cannot be used, and why."""
        directory = os.path.dirname(self.path)
        if not os.path.isdir(directory):
            return BackendUnavailable(f"cannot open {self.path}: there is no directory {directory}")
        if isinstance(error, sqlite3.OperationalError) and _is_busy(error):
            return BackendUnavailable(
                f"{self.path} was locked by another process for {self.busy_seconds:g} s: {error}; try again in a moment"
            )
        return BackendUnavailable(f"cannot use {self.path}: {error}")


def roll_back(connection: sqlite3.Connection) -> None:
    """End a transaction, if one is open, as if it had never begun."""
    if connection.in_transaction:
        connection.execute(ROLLBACK)


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

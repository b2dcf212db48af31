"""All reads of a process: on connections that cannot write, as many as are needed at once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from qless_flask.backends.sqlite.connection import Location, roll_back
from qless_flask.backends.sqlite.statements import BEGIN
from qless_flask.errors import BackendUnavailable

T = TypeVar("T")


class Readers:
    """Connections for reading, lent out and taken back."""

    def __init__(self, location: Location, connect: Callable[[], sqlite3.Connection]) -> None:
        """Open connections by `connect` as they are needed."""
        self._location = location
        self._connect = connect
        self._closed = False
        self.start_anew()

    def start_anew(self) -> None:
        """Forget connections and threads that a fork left to the parent."""
        self._paused = False
        self._lent = 0
        self._changed = threading.Condition()
        self._idle: list[sqlite3.Connection] = []

    def run(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Run an operation on one state of the file. Raise BackendUnavailable."""
        connection = self._borrow()
        try:
            # Again from the beginning where another process is just putting the file in order: reads change nothing.
            answer = self._location.patiently(partial(_read, connection, operation))
        except BaseException as error:
            self._take_back_after(error, connection)
            if isinstance(error, sqlite3.Error):
                raise self._location.translated(error) from error
            raise
        self._take_back(connection)
        return answer

    def pause(self) -> None:
        """Lend nothing; close all when the last has come back."""
        with self._changed:
            self._paused = True
            self._changed.wait_for(lambda: not self._lent)
            self._close_idle()

    def resume(self) -> None:
        """Lend again."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def close(self) -> None:
        """Close the connections; those that are lent out close when they come back."""
        with self._changed:
            self._closed = True
            self._close_idle()

    def _borrow(self) -> sqlite3.Connection:
        with self._changed:
            self._changed.wait_for(lambda: not self._paused)
            if self._closed:
                raise BackendUnavailable(f"{self._location.path} was closed")
            self._lent += 1
            if self._idle:
                return self._idle.pop()
        try:
            return self._connect()
        except BaseException:
            self._take_back(None)
            raise

    def _take_back(self, connection: sqlite3.Connection | None) -> None:
        with self._changed:
            self._lent -= 1
            if connection is not None:
                self._idle.append(connection)
            if self._closed:
                self._close_idle()
            if self._paused:
                self._changed.notify_all()

    def _take_back_after(self, error: BaseException, connection: sqlite3.Connection) -> None:
        if isinstance(error, sqlite3.Error) or connection.in_transaction:
            connection.close()
            self._take_back(None)
        else:
            self._take_back(connection)

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _read(connection: sqlite3.Connection, operation: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute(BEGIN)
    try:
        return operation(connection)
    finally:
        with suppress(sqlite3.Error):
            roll_back(connection)

"""All reads of a process: on connections that cannot write, as many as are needed at once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import TypeVar

from qless_flask.backends.sqlite.connection import Place, roll_back
from qless_flask.backends.sqlite.statements import COMMIT
from qless_flask.errors import BackendUnavailable

T = TypeVar("T")


class Readers:
    """Connections for reading, lent out and taken back."""

    def __init__(self, place: Place, connect: Callable[[], sqlite3.Connection]) -> None:
        """Open connections by `connect` as they are needed."""
        self._place = place
        self._connect = connect
        self._closed = False
        self.start_anew()

    def start_anew(self) -> None:
        """Forget connections and threads that a fork left to the parent."""
        self._mutex = threading.Lock()
        self._idle: list[sqlite3.Connection] = []

    def run(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Run an operation on one state of the file. Raise BackendUnavailable."""
        connection = self._borrow()
        try:
            self._place.begin_read(connection)
            answer = operation(connection)
            connection.execute(COMMIT)
        except BaseException as error:
            self._give_back_after(error, connection)
            if isinstance(error, sqlite3.Error):
                raise self._place.translated(error) from error
            raise
        self._give_back(connection)
        return answer

    def close(self) -> None:
        """Close the connections; those that are lent out close when they come back."""
        with self._mutex:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _borrow(self) -> sqlite3.Connection:
        with self._mutex:
            if self._closed:
                raise BackendUnavailable(f"{self._place.path} was closed")
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back_after(self, error: BaseException, connection: sqlite3.Connection) -> None:
        try:
            roll_back(connection)
        except sqlite3.Error:
            connection.close()
            return
        if isinstance(error, sqlite3.Error):
            connection.close()
        else:
            self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._mutex:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

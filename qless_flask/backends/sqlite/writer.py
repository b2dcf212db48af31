"""All writes of a process: one at a time, those that wait meanwhile sharing the next commit."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from qless_flask.backends.sqlite.connection import Location, roll_back
from qless_flask.backends.sqlite.statements import COMMIT, RELEASE, ROLLBACK_TO, SAVEPOINT
from qless_flask.errors import BackendUnavailable

SHARED_MOST = 100
"""How many operations share a commit at most."""

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], None]


class Writer:
    """Commits cost an fsync each, so threads that come while one is under way wait for it and then go together.

    The thread that finds nobody at work leads: it runs the operations of all that wait in one transaction, each in a
    savepoint of its own, commits, and appoints the next leader. Nobody is answered before the commit.
    """

    def __init__(self, location: Location, connect: Callable[[], sqlite3.Connection]) -> None:
        """Write through the connection that `connect` opens at the first write."""
        self._location = location
        self._connect = connect
        self._closed = False
        self.start_anew()

    def start_anew(self) -> None:
        """Forget a connection and threads that a fork left to the parent."""
        self._connection: sqlite3.Connection | None = None
        self._mutex = threading.Lock()
        self._line: deque[_Ticket] = deque()
        self._led = False

    def run(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Run an operation in a transaction; what it raises undoes it alone. Raise BackendUnavailable."""
        answers: list[T] = []
        ticket = _Ticket(lambda connection: answers.append(operation(connection)))
        if self._closed:
            raise BackendUnavailable(f"{self._location.path} was closed")
        if self._stand_in_line(ticket):
            self._follow(ticket)
        if not ticket.done:
            try:
                self._lead()
            finally:
                self._hand_over()
        if ticket.error is not None:
            raise ticket.error
        return answers[-1]

    def pause(self) -> None:
        """Let what is under way end, close, and lead without doing anything."""
        ticket = _Ticket(lambda connection: None, pauses=True)
        if self._stand_in_line(ticket):
            self._follow(ticket)
        with self._mutex:
            self._line.remove(ticket)
        self._disconnect()

    def resume(self) -> None:
        """Let the next in the line lead."""
        self._hand_over()

    def close(self) -> None:
        """Let what is under way end, then close."""
        with self._mutex:
            self._closed = True
            if not self._led:
                self._disconnect()

    def _stand_in_line(self, ticket: _Ticket) -> bool:
        """Tell whether somebody else leads."""
        with self._mutex:
            self._line.append(ticket)
            follows, self._led = self._led, True
            if follows:
                ticket.gate.acquire()
        return follows

    def _follow(self, ticket: _Ticket) -> None:
        try:
            ticket.gate.acquire()
        except BaseException:
            # Interrupted: the line must not wait for a leader that has gone.
            with self._mutex:
                if ticket in self._line:
                    self._line.remove(ticket)
            if ticket.leads:
                self._hand_over()
            raise

    def _lead(self) -> None:
        batch: list[_Ticket] = []
        try:
            connection = self._connection = self._connection or self._connect()
            self._location.begin_write(connection)
            self._take(batch)
            self._transact(connection, batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, each that waits is told
            self._fail(batch, self._location.translated(error))
        except BaseException:
            self._fail(batch, BackendUnavailable("the thread that was writing was interrupted; try again"))
            raise
        finally:
            for ticket in batch:
                ticket.answer()

    def _transact(self, connection: sqlite3.Connection, batch: list[_Ticket]) -> None:
        alone = len(batch) == 1
        for ticket in batch:
            if not alone:
                connection.execute(SAVEPOINT)
            try:
                ticket.work(connection)
            except Exception as error:
                if not connection.in_transaction:
                    # SQLite gave all of it up by itself: a full disk does that.
                    raise
                ticket.error = self._location.translated(error)
                if not alone:
                    connection.execute(ROLLBACK_TO)
            if not alone:
                connection.execute(RELEASE)
        if alone and batch[0].error is not None:
            roll_back(connection)
        else:
            connection.execute(COMMIT)

    def _take(self, batch: list[_Ticket]) -> None:
        with self._mutex:
            while self._line and not self._line[0].pauses and len(batch) < SHARED_MOST:
                batch.append(self._line.popleft())

    def _fail(self, batch: list[_Ticket], error: Exception) -> None:
        if not batch:
            self._take(batch)
        for ticket in batch:
            ticket.error = ticket.error or error
        # A new connection next time: this one may be in any state.
        self._disconnect()

    def _hand_over(self) -> None:
        with self._mutex:
            if self._line:
                self._line[0].appoint()
            else:
                self._led = False
                if self._closed:
                    self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                roll_back(self._connection)
            self._connection.close()
            self._connection = None


class _Ticket:
    """One operation in the line."""

    __slots__ = ("done", "error", "gate", "leads", "pauses", "work")

    def __init__(self, work: Work, *, pauses: bool = False) -> None:
        self.work = work
        self.pauses = pauses
        self.done = False
        self.leads = False
        self.error: Exception | None = None
        self.gate = threading.Lock()

    def appoint(self) -> None:
        """Let its thread lead."""
        self.leads = True
        self.gate.release()

    def answer(self) -> None:
        """Let its thread go: the work is on disk, or undone."""
        self.done = True
        if self.gate.locked():
            self.gate.release()

"""The connection to a SQLite file: its namespaces, and the ways into a transaction."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from qless_flask.backends.base import Backend, Clock
from qless_flask.backends.sqlite.connection import BUSY_SECONDS, Location
from qless_flask.backends.sqlite.forking import close_over_forks
from qless_flask.backends.sqlite.layout import prepare
from qless_flask.backends.sqlite.listener import ALL, LOG, Listener
from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.sqlite.namespace import SQLiteNamespace
from qless_flask.backends.sqlite.readers import Readers
from qless_flask.backends.sqlite.risks import risks
from qless_flask.backends.sqlite.statements import NAMESPACES
from qless_flask.backends.sqlite.step import Step
from qless_flask.backends.sqlite.writer import Writer
from qless_flask.backends.store import to_milliseconds
from qless_flask.backends.waiting import Waiters
from qless_flask.bounds import MAX_DATA_BYTES
from qless_flask.errors import Frozen

MANY_WORKERS = 10_000

T = TypeVar("T")


class SQLiteBackend(Backend):
    """A backend on one file, which the processes of one machine share. Made at its first use; a fork opens it anew."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock | None = None,
        max_data_bytes: int = MAX_DATA_BYTES,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        """Remember where the file is (see `Location.of`), and for how long to wait for other processes that write."""
        self.url = url
        self.max_data_bytes = max_data_bytes
        self._location = Location.of(url, busy_seconds=busy_seconds)
        self._clock = clock or time.time
        self._prepared = False
        self._preparing = threading.Lock()
        self._seen: dict[tuple[str, str], tuple[int, str | None]] = {}
        self._writer = Writer(self._location, self._connect)
        self._readers = Readers(self._location, self._connect_to_read)
        self._listener = Listener(self._connect_to_read, self.now)
        for part in (self._listener, self._readers, self._writer):
            close_over_forks(part)

    def namespace(self, name: str) -> SQLiteNamespace:
        return SQLiteNamespace(name, self)

    def namespaces(self) -> list[str]:
        rows = self._readers.run(lambda connection: connection.execute(NAMESPACES).fetchall())
        return [name for (name,) in rows if not name.startswith("_")]

    def ping(self) -> list[str]:
        self._readers.run(lambda connection: connection.execute(NAMESPACES).fetchone())
        return risks(self._location)

    def close(self) -> None:
        self._listener.close()
        self._writer.close()
        self._readers.close()

    def now(self) -> int:
        """The time as operations see it, in milliseconds."""
        return to_milliseconds(self._clock())

    def write(self, name: str, operation: Callable[[Step], T], *, while_frozen: bool = False) -> T:
        """Run an operation on a namespace as one transaction, then tell those who wait for what it brought.

        Raise Frozen where the namespace is, and the operation is none that goes on then.
        """
        steps: list[Step] = []

        def work(connection: sqlite3.Connection) -> T:
            step = Step(connection, name, self.now(), self._seen)
            if step.frozen and not while_frozen:
                raise Frozen.about(name)
            answer = operation(step)
            step.finish()
            steps.append(step)
            return answer

        answer = self._writer.run(work)
        self._tell(steps[-1])
        return answer

    def read(self, name: str, operation: Callable[[Look], T]) -> T:
        """Run an operation that only looks, on one state of the file."""
        return self._readers.run(lambda connection: operation(Look(connection, name, self.now())))

    @property
    def pops(self) -> Waiters:
        """The pops that wait."""
        return self._listener.pops

    @property
    def readers(self) -> Waiters:
        """The readers of events that wait, for `LOG`."""
        return self._listener.readers

    def _tell(self, step: Step) -> None:
        for queue, count in step.wakes.items():
            # Those who offer nothing first: the others may be needed for jobs that require something.
            if count and (count := count - self.pops.wake((step.name, queue, ""), count)):
                self._wake_others(step.name, queue, count)
        if step.told:
            self.readers.wake((step.name, LOG, ""), ALL)
        if step.workers_replaced or len(self._seen) > MANY_WORKERS:
            self._seen.clear()
        for worker, offered in step.seen.items():
            self._seen[step.name, worker] = step.now, offered

    def _wake_others(self, name: str, queue: str, count: int) -> None:
        waited_for = self.pops.keys()
        for key in waited_for:
            if key[:2] == (name, queue) and count:
                count -= self.pops.wake(key, count)

    def _connect(self) -> sqlite3.Connection:
        connection = self._location.connect()
        try:
            with self._preparing:
                if not self._prepared:
                    prepare(connection, self._location)
                    self._prepared = True
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect_to_read(self) -> sqlite3.Connection:
        connection = self._connect()
        connection.execute("PRAGMA query_only = on")
        return connection

"""The backend: the namespaces of a file, and the ways into a transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from qless_flask.backends.base import Backend, Clock
from qless_flask.backends.store import to_milliseconds
from qless_flask.backends.waiting import Waiters
from qless_flask.bounds import MAX_DATA_BYTES
from qless_flask.errors import Frozen
from qless_lmdb.files import File, Location
from qless_lmdb.listener import Listener
from qless_lmdb.look import Look
from qless_lmdb.namespace import LMDBNamespace
from qless_lmdb.packing import pack, unpack
from qless_lmdb.step import Step

T = TypeVar("T")


class LMDBBackend(Backend):
    """A backend on one file, which the processes of one machine share: many read, one writes at a time."""

    def __init__(self, url: str, *, clock: Clock | None = None, max_data_bytes: int = MAX_DATA_BYTES) -> None:
        """Remember where the file is (see `Location.of`); it is opened, or made, at its first use."""
        self.url = url
        self.max_data_bytes = max_data_bytes
        self._clock = clock or time.time
        self._file = File(Location.of(url))
        self._listener = Listener(self._file, self.now)

    def namespace(self, name: str) -> LMDBNamespace:
        return LMDBNamespace(name, self)

    def namespaces(self) -> list[str]:
        beginning, names = pack("namespace"), []
        with self._file.environment() as environment, environment.begin() as transaction:
            cursor = transaction.cursor()
            there = cursor.set_range(beginning)
            while there and (key := cursor.key()).startswith(beginning):
                names.append(str(unpack(key)[1]))
                there = cursor.next()
        return [name for name in names if not name.startswith("_")]

    def ping(self) -> list[str]:
        with self._file.environment() as environment, environment.begin():
            pass
        if self._file.location.sync:
            return []
        return ["sync is off: a power cut loses the latest answered writes, or the whole file"]

    def close(self) -> None:
        self._listener.close()
        self._file.close()

    def now(self) -> int:
        """The time as operations see it, in milliseconds."""
        return to_milliseconds(self._clock())

    def write(self, name: str, operation: Callable[[Step], T], *, while_frozen: bool = False) -> T:
        """Run an operation on a namespace as one transaction: if it raises, nothing has happened.

        Raise Frozen where the namespace is, and the operation is none that goes on then.
        """
        with self._file.environment() as environment, environment.begin(write=True) as transaction:
            # The time is asked for by who may write: else one who had to wait would write what is older.
            step = Step(environment, transaction, name, self.now())
            if step.itself.frozen and not while_frozen:
                raise Frozen.about(name)
            answer = operation(step)
            step.finish()
            return answer

    def read(self, name: str, operation: Callable[[Look], T]) -> T:
        """Run an operation that only looks, on one state of the file."""
        with self._file.environment() as environment, environment.begin() as transaction:
            return operation(Look(environment, transaction, name, self.now()))

    @property
    def pops(self) -> Waiters:
        """The pops that wait."""
        return self._listener.pops

    @property
    def readers(self) -> Waiters:
        """The readers of events that wait, for `LOG`."""
        return self._listener.readers

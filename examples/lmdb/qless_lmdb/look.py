"""What a transaction sees of one namespace, and how it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import lmdb
import msgspec

from qless_flask.errors import JobNotFound
from qless_flask.models import NamespaceSettings, QueueSettings, State, checked_settings, in_force, namespace_settings
from qless_lmdb.packing import Key, Part, pack, unpack
from qless_lmdb.records import COUNT, JOB, LINES, NAMESPACE, QUEUE, JobState, Line, NamespaceState, QueueState

Record = TypeVar("Record")
Entry = tuple[Key, bytes]
"""What stands in the rest of a key, behind where a walk began, and the value there."""

FIRST_NUMBER = 1


class Look:
    """One state of one namespace. Each record is read once, and all that ask for it share it."""

    def __init__(self, environment: lmdb.Environment, transaction: lmdb.Transaction, name: str, now: int) -> None:
        self.environment = environment
        self.transaction = transaction
        self.name = name
        self.now = now
        number = transaction.get(pack("namespace", name))
        self.number: int | None = None if number is None else COUNT.decode(number)
        """What its keys begin with, in place of its name; None: it has not begun."""
        self.forget_read()

    def forget_read(self) -> None:
        """Read all anew that was read."""
        self._jobs: dict[str, JobState | None] = {}
        self._queues: dict[str, QueueState | None] = {}
        self._settings: dict[str, QueueSettings] = {}
        self.itself = self.record(NAMESPACE, "itself") or NamespaceState()

    # Keys and values

    def value(self, *key: Part) -> bytes | None:
        """Read what stands under a key."""
        if self.number is None:
            return None
        found = self.transaction.get(pack(self.number, *key))
        return None if found is None else bytes(found)

    def record(self, decoder: msgspec.msgpack.Decoder[Record], *key: Part) -> Record | None:
        """Read the record under a key."""
        found = self.value(*key)
        return None if found is None else decoder.decode(found)

    def text(self, *key: Part) -> str | None:
        """Read the text under a key."""
        found = self.value(*key)
        return None if found is None else found.decode()

    def counted(self, *key: Part) -> int:
        """Read a counter."""
        return self.record(COUNT, *key) or 0

    def walk(self, *start: Part, after: Key = (), most: int | None = None) -> Iterator[Entry]:
        """Go through the keys that begin so, behind the one that goes on with `after`; others may be set meanwhile."""
        if self.number is None:
            return
        beginning = pack(self.number, *start)
        at, found = beginning + pack(*after) + (b"\xff" if after else b""), 0
        cursor = self.transaction.cursor()
        while (most is None or found < most) and cursor.set_range(at):
            key, value = map(bytes, cursor.item())
            if not key.startswith(beginning):
                return
            yield unpack(key[len(beginning) :]), value
            # Sought again, for a key may be gone by now, and others may have come.
            at, found = key + b"\0", found + 1

    def walk_back(self, *start: Part) -> Iterator[Entry]:
        """Go through the keys that begin so, from the last to the first."""
        if self.number is None:
            return
        beginning = pack(self.number, *start)
        at, cursor = beginning + b"\xff", self.transaction.cursor()
        while cursor.prev() if cursor.set_range(at) else cursor.last():
            key, value = map(bytes, cursor.item())
            if not key.startswith(beginning):
                return
            yield unpack(key[len(beginning) :]), value
            at = key

    def branches(self, *start: Part, behind: Part | None = None) -> Iterator[Part]:
        """List what follows a beginning of keys, each once, from behind one on."""
        after: Key = () if behind is None else (behind,)
        while found := next(self.walk(*start, after=after, most=1), None):
            [branch, *_], _ = found
            yield branch
            after = (branch,)

    # Jobs

    def find(self, jid: str) -> JobState | None:
        """Find a job."""
        if jid not in self._jobs:
            self._jobs[jid] = self.record(JOB, "job", jid)
        return self._jobs[jid]

    def job(self, jid: str) -> JobState:
        """Find a job that is there. Raise JobNotFound."""
        found = self.find(jid)
        if found is None:
            raise JobNotFound.about(jid)
        return found

    def lines(self, jid: str) -> list[Line]:
        """Read the log of a job."""
        return self.record(LINES, "lines", jid) or []

    def dependents(self, jid: str, after: str = "") -> Iterator[str]:
        """List who waits for a job, by jid, from behind one on."""
        return (str(child) for (child,), _ in self.walk("dependent", jid, after=(after,) if after else ()))

    def holder(self, key: str) -> JobState | None:
        """Find the job that holds a unique key now."""
        jid = self.text("unique", key)
        job = self.find(jid) if jid is not None else None
        until = job.unique_until() if job else None
        return None if until is not None and until <= self.now else job

    # Queues

    def queue(self, name: str) -> QueueState | None:
        """Find a queue that is known."""
        if name not in self._queues:
            self._queues[name] = self.record(QUEUE, "queue", name)
        return self._queues[name]

    def queue_names(self) -> list[str]:
        """List the queues that are known."""
        return [str(name) for (name,), _ in self.walk("queue")]

    def jobs_in(self, queue: str, state: State) -> int:
        """Count the jobs of a queue in a state."""
        return self.counted("jobs", queue, state)

    def settings_of(self, queue: str) -> QueueSettings:
        """Tell the settings in force of a queue."""
        if queue not in self._settings:
            found, own = self.queue(queue), self.itself.settings
            layers = checked_settings(own, namespace=True), checked_settings(found.settings if found else {})
            self._settings[queue] = in_force(*layers)
        return self._settings[queue]

    def settings(self) -> NamespaceSettings:
        """Tell what the namespace was told."""
        return namespace_settings(checked_settings(self.itself.settings, namespace=True), self.itself.frozen)

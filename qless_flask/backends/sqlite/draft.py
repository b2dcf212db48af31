"""What an operation that writes has read and changed, before all of it is saved."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager

from qless_flask.backends.numbers import TOLD_AT_ONCE
from qless_flask.backends.sqlite.lanes import Lanes
from qless_flask.backends.sqlite.look import Look, QueueRow
from qless_flask.backends.sqlite.record import (
    LANED,
    WAITING,
    Record,
    Value,
    changed_values,
    new_values,
)
from qless_flask.backends.sqlite.statements import (
    JOB,
    LAST_JOB_ID,
    NEW_ENTRY,
    NEW_JOB,
    NEW_NAMESPACE,
    NEW_QUEUE,
    QUEUE,
    QUEUE_BY_ID,
    QUEUES,
    RELEASE_ITEM,
    ROLLBACK_TO_ITEM,
    SAVE_JOB,
    SAVE_QUEUE,
    SAVEPOINT_ITEM,
    SEEN,
    SET_UNTOLD,
)
from qless_flask.errors import JobNotFound, QlessError
from qless_flask.models import Actor

TAG_END = "\x1f"
"""What stands between the tags in a line of the event log."""

TOOK_FIELD = 12
"""Which field behind the name of the event tells how long it took: the first of the last three."""

SEEN_EXACT_MS = 1_000
"""How exactly it is kept when a worker was seen: written at most once in that time."""

Seen = MutableMapping[tuple[str, str], tuple[int, str | None]]
"""By namespace and worker: when it was seen last, and what it offered as far as is known."""


class Draft(Look):
    """A write. Records are read once and saved together at the end, or before an index is read."""

    def __init__(self, connection: sqlite3.Connection, name: str, now: int, seen: Seen) -> None:
        super().__init__(connection, name, now)
        self.wakes: dict[str, int] = {}
        """How many jobs became available in each queue."""
        self.seen: dict[str, str | None] = {}
        """Workers whose sight was written, and what they offered if it was said."""
        self.workers_replaced = False
        """Whether what is known of when workers were seen here holds no more."""
        self.told = False
        """Whether there are new events."""
        self.left_tags: set[str] = set()
        """Tags that a job no longer has: who keeps their figures adds them, and looks at the end whether any has."""
        self.actor: Actor | None = None
        """By whose hand all of it happens."""
        self.tellable = TOLD_AT_ONCE
        """How many dependents of ended jobs may be told still."""
        self._seen_before = seen
        self._queues: dict[str, QueueRow] = {}
        self._queues_by_id: dict[int, QueueRow] = {}
        self._records: dict[str, Record] = {}
        self._changed: dict[int, Record] = {}
        self._new: dict[int, Record] = {}
        self._lanes: Lanes | None = None
        self._transitions: list[str] = []
        self._untold_before = self.untold
        self._last_id: int | None = None

    # Reading

    def queue(self, name: str) -> QueueRow | None:
        """Find a queue that is known."""
        if name not in self._queues:
            row = self.connection.execute(QUEUE, (self.namespace, name)).fetchone()
            if row is None:
                return None
            self._keep(QueueRow.of(row))
        return self._queues[name]

    def known_queue(self, name: str) -> QueueRow:
        """Find a queue, or make it known."""
        queue = self.queue(name)
        if queue is None:
            [number] = self.connection.execute(NEW_QUEUE, (self.begun(), name)).fetchone()
            queue = self._keep(QueueRow(number, name, False, None, 0, [0] * (LANED + 1)))
        return queue

    def queue_of(self, record: Record) -> QueueRow:
        """Find the queue that a job is in."""
        queue = self._queues_by_id.get(record.queue)
        if queue is None:
            queue = self._keep(QueueRow.of(self.connection.execute(QUEUE_BY_ID, (record.queue,)).fetchone()))
        return queue

    def all_queues(self) -> list[QueueRow]:
        """All queues that are known, by name."""
        for row in self.connection.execute(QUEUES, (self.namespace,)).fetchall():
            if row[1] not in self._queues:
                self._keep(QueueRow.of(row))
        return [self._queues[name] for name in sorted(self._queues)]

    def find(self, jid: str) -> Record | None:
        """Find a job, if it is there."""
        record = self._records.get(jid)
        if record is None:
            row = self.connection.execute(JOB, (self.namespace, jid)).fetchone()
            if row is not None:
                record = self._records[jid] = Record(*row)
        return record

    def record(self, jid: str) -> Record:
        """Find a job. Raise JobNotFound."""
        record = self.find(jid)
        if record is None:
            raise JobNotFound.about(jid)
        return record

    def records(self, rows: Sequence[Sequence[Value]]) -> list[Record]:
        """Take up jobs found through an index, after `save`."""
        # One object for a job in a step: a second would save what the first had overtaken.
        found = [Record(*row) for row in rows]  # type: ignore[arg-type]
        return [self._records.setdefault(record.jid, record) for record in found]

    @property
    def lanes(self) -> Lanes:
        """The lanes that jobs with a key or requirements wait in."""
        if self._lanes is None:
            self._lanes = Lanes(self)
        return self._lanes

    # Writing

    def begun(self) -> int:
        """The row of the namespace, made by its first write."""
        if not self.namespace:
            [self.namespace] = self.connection.execute(NEW_NAMESPACE, (self.name,)).fetchone()
        return self.namespace

    def see(self, worker: str, offered: str | None = None) -> None:
        """Note that a worker was here, and what it offers if it says so."""
        at, known = self._seen_before.get((self.name, worker), (None, None))
        if at is None or abs(self.now - at) >= SEEN_EXACT_MS or offered not in (None, known):
            self.connection.execute(SEEN, (self.begun(), worker, self.now, offered))
            self.seen[worker] = known if offered is None else offered

    def new_id(self) -> int:
        """Number a new job."""
        if self._last_id is None:
            self.save()
            [last] = self.connection.execute(LAST_JOB_ID).fetchone()
            self._last_id = last or 0
        self._last_id += 1
        return self._last_id

    def create(self, record: Record) -> None:
        """Take up a job that is not in the store yet, and is in no state until it is transferred to one."""
        self._new[record.id] = self._records[record.jid] = record

    def touch(self, record: Record) -> None:
        """Save a record that changed otherwise."""
        self._changed[record.id] = record

    def drop_queue(self, queue: QueueRow) -> None:
        """Think no more of a queue that is being deleted."""
        del self._queues[queue.name], self._queues_by_id[queue.id]

    # Telling

    def tell(
        self,
        event: str,
        *fields: str | None,
        actor: Actor | None = None,
        tags: str | None = None,
        tracked: int = 0,
        recurrence: str | None = None,
        took: str = "",
    ) -> None:
        """Add a line to the event log: jid, queue, state, to, worker, group, actor's name and address, tags (as a
        record has them), whether the job is tracked, recurrence; then, as one text, klass and the milliseconds that the
        job waited, and ran; the last few if there is something to say."""
        actor = actor or self.actor
        if actor or tags or tracked or recurrence:
            name, address = (actor.name, actor.address) if actor else (None, None)
            listed = tags.replace("\t", TAG_END) if tags else None
            shown = "1" if tracked else None
            fields = (*fields, *[None] * (6 - len(fields)), name, address, listed, shown, recurrence)
        self._add_line(event, fields, took)

    # Saving

    def save(self) -> None:
        """Write what changed, so that the indexes tell the truth."""
        if self._new:
            self.connection.executemany(NEW_JOB, [new_values(record) for record in self._new.values()])
            for number in self._new:
                self._changed.pop(number, None)
            self._new.clear()
        if self._changed:
            self.connection.executemany(SAVE_JOB, [changed_values(record) for record in self._changed.values()])
            self._changed.clear()
        if self._lanes is not None:
            self._lanes.save()

    def finish(self) -> None:
        """Write all that is left to write, before the commit."""
        self.save()
        for queue in self._queues.values():
            if queue.name in self.wakes:
                # Where limits hold, the listener finds out how many may be popped.
                held = queue.paused or self.limits_of(queue) is not None
                self.wakes[queue.name] = 0 if held else min(self.wakes[queue.name], queue.counts[WAITING])
        self._save_queues()
        if self.untold != self._untold_before:
            self.connection.execute(SET_UNTOLD, (self.untold, self.namespace))
        if self._transitions:
            self.connection.execute(NEW_ENTRY, (self.now, "\n".join(self._transitions), self.namespace))
            self.told = True

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo what is done inside, and nothing else, where it is refused."""
        self.save()
        self._save_queues()
        told, wakes, left_tags = len(self._transitions), dict(self.wakes), set(self.left_tags)
        tellable, untold = self.tellable, self.untold
        self.connection.execute(SAVEPOINT_ITEM)
        try:
            yield
        except QlessError:
            self.connection.execute(ROLLBACK_TO_ITEM)
            del self._transitions[told:]
            self.wakes, self.left_tags, self.tellable, self.untold = wakes, left_tags, tellable, untold
            # All of it is read anew: what is in memory is what has been undone.
            for read in (self._queues, self._queues_by_id, self._records, self._changed, self._new):
                read.clear()
            self._last_id = self._lanes = None
            self.connection.execute(RELEASE_ITEM)
            raise
        self.connection.execute(RELEASE_ITEM)

    def _save_queues(self) -> None:
        for queue in self._queues.values():
            if queue.changed:
                self.connection.execute(SAVE_QUEUE, (queue.place, *queue.counts[1:], queue.expiring, queue.id))
                queue.changed = False

    def _add_line(self, event: str, fields: tuple[str | None, ...], took: str) -> None:
        line = "\t".join([event, *[each or "" for each in fields]])
        self._transitions.append(line + "\t" * (TOOK_FIELD - len(fields)) + took if took else line.rstrip("\t"))

    def _keep(self, queue: QueueRow) -> QueueRow:
        self._queues[queue.name] = self._queues_by_id[queue.id] = queue
        return queue

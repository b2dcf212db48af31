"""One atomic step: what it has read, what it changes, and what it tells when it is done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager

from qless_flask.backends.numbers import TOLD_AT_ONCE
from qless_flask.backends.sqlite import figures
from qless_flask.backends.sqlite.look import Look, QueueRow
from qless_flask.backends.sqlite.options import read_options
from qless_flask.backends.sqlite.record import (
    CANCELED,
    DEPENDS,
    FAILED,
    NEVER,
    PRIORITY_STEP,
    RUNNING,
    SCHEDULED,
    STATE_NAMES,
    WAITING,
    Record,
    Value,
    changed_values,
    new_values,
)
from qless_flask.backends.sqlite.statements import (
    DELETE_FAILURE,
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
    SAVE_FAILURE,
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

SEEN_EXACT_MS = 1_000
"""How exactly it is kept when a worker was seen: written at most once in that time."""

Seen = MutableMapping[tuple[str, str], int]


class Step(Look):
    """A write. Records are read once and saved together at the end, or before an index is read."""

    def __init__(self, connection: sqlite3.Connection, name: str, now: int, seen: Seen) -> None:
        super().__init__(connection, name, now)
        self.wakes: dict[str, int] = {}
        """How many jobs became available in each queue."""
        self.seen: list[str] = []
        """Workers whose sight was written."""
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
            queue = self._keep(QueueRow(number, name, False, None, 0, [0] * (len(STATE_NAMES) + 1)))
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

    # Writing

    def begun(self) -> int:
        """The row of the namespace, made by its first write."""
        if not self.namespace:
            [self.namespace] = self.connection.execute(NEW_NAMESPACE, (self.name,)).fetchone()
        return self.namespace

    def see(self, worker: str) -> None:
        """Note that a worker was here."""
        before = self._seen_before.get((self.name, worker))
        if before is None or abs(self.now - before) >= SEEN_EXACT_MS:
            self.connection.execute(SEEN, (self.begun(), worker, self.now))
            self.seen.append(worker)

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

    def transfer(self, record: Record, queue: QueueRow, state: int, ord: int) -> None:
        """Put a job into the index of a state of a queue."""
        old = record.state
        if record.tags or old == FAILED:
            self._leave(record, state)
        source = self.queue_of(record)
        source.count(old, -1)
        queue.count(state, 1)
        if record.start_by is not None and source is not queue:
            source.count_expiring(-1)
            queue.count_expiring(1)
        record.queue, record.state, record.ord = queue.id, state, ord
        if state != RUNNING:
            record.worker = record.expires_at = None
            # The last holder of a canceled job is told so by its token.
            record.token = record.token if state == CANCELED else None
        if state in (SCHEDULED, WAITING, DEPENDS):
            record.ended_at = None
        if state == FAILED:
            figures.failed_in(self, record)
        self._changed[record.id] = record

    def make_waiting(self, record: Record, queue: QueueRow, *, new_place: bool) -> None:
        """Make a job available now."""
        if new_place:
            record.place = queue.next_place()
        record.available_at = self.now
        self.transfer(record, queue, WAITING, waiting_ord(record.priority, record.place))
        self.wakes[queue.name] = self.wakes.get(queue.name, 0) + 1

    def make_available(self, record: Record, queue: QueueRow, due: int) -> None:
        """Make a job available at a new place: now, or when it is due."""
        if due <= self.now:
            self.make_waiting(record, queue, new_place=True)
        else:
            record.place, record.available_at = 0, due
            self.transfer(record, queue, SCHEDULED, due)

    def make_depend(self, record: Record, queue: QueueRow) -> None:
        """Let a job wait for others, since now."""
        record.place, record.available_at = 0, self.now
        self.transfer(record, queue, DEPENDS, self.now)

    def make_running(self, record: Record, queue: QueueRow, worker: str, token: str) -> None:
        """Lease a job."""
        record.worker, record.token, record.started_at = worker, token, self.now
        record.runs += 1
        if record.start_by is not None:
            self.bind(record, None)
        record.expires_at = self.expiry(record, queue)
        self.transfer(record, queue, RUNNING, NEVER if record.expires_at is None else record.expires_at)

    def expiry(self, record: Record, queue: QueueRow) -> int | None:
        """When a lease expires that is given or renewed now."""
        settings = queue.settings
        expires_at = None if settings.heartbeat is None else self.now + round(settings.heartbeat * 1000)
        if record.options is None and settings.max_run is None:
            return expires_at
        over_at = self.over_at(record, queue)
        return min((at for at in (expires_at, over_at) if at is not None), default=None)

    def over_at(self, record: Record, queue: QueueRow) -> int | None:
        """When the run of a job has taken as long as it may."""
        max_run = read_options(record.options).max_run if record.options else None
        max_run = queue.settings.max_run if max_run is None else max_run
        return None if max_run is None or record.started_at is None else record.started_at + round(max_run * 1000)

    def bind(self, record: Record, start_by: int | None) -> None:
        """Let a job expire that is not popped by then; None: let it be."""
        difference = (start_by is not None) - (record.start_by is not None)
        record.start_by = start_by
        if difference:
            self.queue_of(record).count_expiring(difference)

    def enter(self, record: Record, queue: QueueRow) -> None:
        """Renew what counts by the stage."""
        record.remaining = queue.settings.retries if record.retries is None else record.retries
        record.losses = 0

    def blame(self, record: Record, group: str, message: str, worker: str | None) -> None:
        """Keep why a run did not end well."""
        record.failure_group = group
        self._changed[record.id] = record
        self.connection.execute(SAVE_FAILURE, (record.id, message, self.now, worker, record.runs))

    def forgive(self, record: Record) -> None:
        """Clear the failure."""
        if record.failure_group is not None:
            record.failure_group = None
            self.connection.execute(DELETE_FAILURE, (record.id,))

    def touch(self, record: Record) -> None:
        """Save a record that changed otherwise."""
        self._changed[record.id] = record

    def drop(self, record: Record) -> None:
        """Count a job out that is being deleted."""
        if record.state == FAILED:
            figures.failed_out(self, record)
        if record.tags:
            figures.state_changed(self, record, record.state, 0)
        self.bind(record, None)
        self.queue_of(record).count(record.state, -1)
        self._changed.pop(record.id, None)
        self._new.pop(record.id, None)
        self._records.pop(record.jid, None)

    def drop_queue(self, queue: QueueRow) -> None:
        """Think no more of a queue that is being deleted."""
        del self._queues[queue.name], self._queues_by_id[queue.id]

    # Telling

    def happened(
        self,
        record: Record,
        event: str,
        queue: QueueRow,
        *,
        to: str | None = None,
        worker: str | None = None,
        group: str | None = None,
    ) -> None:
        """Tell a transition to the job's history and to the event log; `queue` is where it happened."""
        detail = to or group or (worker if event in ("popped", "lost") else queue.name if event == "put" else None)
        record.note(self.now, event, detail)
        self._changed[record.id] = record
        fields = record.jid, queue.name, str(record.state), to, worker, group
        if self.actor or record.tags or record.tracked:
            self.tell(event, *fields, tags=record.tags, tracked=record.tracked)
        else:
            self._add_line(event, fields)

    def tell(
        self,
        event: str,
        *fields: str | None,
        actor: Actor | None = None,
        tags: str | None = None,
        tracked: int = 0,
        recurrence: str | None = None,
    ) -> None:
        """Add a line to the event log: jid, queue, state, to, worker, group, actor's name and address, tags (as a
        record has them), whether the job is tracked, recurrence; the last few if there is something to say."""
        actor = actor or self.actor
        if actor or tags or tracked or recurrence:
            name, address = (actor.name, actor.address) if actor else (None, None)
            listed = tags.replace("\t", TAG_END) if tags else None
            fields = (*fields, *[None] * (6 - len(fields)), name, address, listed, "1" if tracked else None, recurrence)
        self._add_line(event, fields)

    def _add_line(self, event: str, fields: tuple[str | None, ...]) -> None:
        self._transitions.append("\t".join([event, *[each or "" for each in fields]]).rstrip("\t"))

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

    def finish(self) -> None:
        """Write all that is left to write, before the commit."""
        self.save()
        if self.left_tags:
            figures.sweep(self)
        for queue in self._queues.values():
            if queue.name in self.wakes:
                self.wakes[queue.name] = 0 if queue.paused else min(self.wakes[queue.name], queue.counts[WAITING])
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
            self._last_id = None
            self.connection.execute(RELEASE_ITEM)
            raise
        self.connection.execute(RELEASE_ITEM)

    def _save_queues(self) -> None:
        for queue in self._queues.values():
            if queue.changed:
                self.connection.execute(SAVE_QUEUE, (queue.place, *queue.counts[1:], queue.expiring, queue.id))
                queue.changed = False

    def _leave(self, record: Record, state: int) -> None:
        """Count a job that leaves its state for another."""
        if record.state == FAILED:
            figures.failed_out(self, record)
        if record.tags:
            if record.state == RUNNING:
                figures.ran(self, record)
            if state == RUNNING:
                figures.waited(self, record)
            figures.state_changed(self, record, record.state, state)

    def _keep(self, queue: QueueRow) -> QueueRow:
        self._queues[queue.name] = self._queues_by_id[queue.id] = queue
        return queue


def waiting_ord(priority: int, place: int) -> int:
    """Where a waiting job stands: higher priorities first, then by place. Exact below 2^44 places."""
    return -priority * PRIORITY_STEP + place

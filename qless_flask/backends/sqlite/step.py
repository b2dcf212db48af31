"""One atomic step: the transitions of jobs, and what is told of them."""

from __future__ import annotations

from qless_flask.backends.sqlite import figures
from qless_flask.backends.sqlite.draft import Draft
from qless_flask.backends.sqlite.lanes import count_pop
from qless_flask.backends.sqlite.limits import Limits
from qless_flask.backends.sqlite.look import QueueRow
from qless_flask.backends.sqlite.options import read_options
from qless_flask.backends.sqlite.record import (
    CANCELED,
    DEPENDS,
    FAILED,
    LANED,
    NEVER,
    PRIORITY_STEP,
    RUNNING,
    SCHEDULED,
    WAITING,
    Record,
    shown,
)
from qless_flask.backends.sqlite.statements import (
    DELETE_FAILURE,
    KLASS_OF,
    SAVE_FAILURE,
)


class Step(Draft):
    """A write, in the words of what happens to jobs."""

    def transfer(self, record: Record, queue: QueueRow, state: int, ord: int) -> None:
        """Put a job into the index of a state of a queue."""
        old = record.state
        if record.tags or old == FAILED:
            self._leave(record, state)
        source = self.queue_of(record)
        source.count(old, -1)
        queue.count(state, 1)
        if record.requires is not None:
            self.lanes.transfer(record, source, queue, state)
        if record.start_by is not None and source is not queue:
            source.count_expiring(-1)
            queue.count_expiring(1)
        record.queue, record.state, record.ord = queue.id, state, ord
        if state != RUNNING:
            record.worker = record.expires_at = None
            # The last holder of a canceled job is told so by its token.
            record.token = record.token if state == CANCELED else None
        if state in (SCHEDULED, WAITING, LANED, DEPENDS):
            record.ended_at = None
        if state == FAILED:
            figures.failed_in(self, record)
        self._changed[record.id] = record

    def make_waiting(self, record: Record, queue: QueueRow, *, new_place: bool) -> None:
        """Make a job available now."""
        if new_place:
            record.place = queue.next_place()
        record.available_at = self.now
        ord = waiting_ord(record.priority, record.place)
        if record.requires is None:
            self.transfer(record, queue, WAITING, ord)
            self.wakes[queue.name] = self.wakes.get(queue.name, 0) + 1
        else:
            self.transfer(record, queue, LANED, ord)

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
        """Lease a job, and count that by the rates of its queue."""
        record.worker, record.token, record.started_at = worker, token, self.now
        record.runs += 1
        if record.start_by is not None:
            self.bind(record, None)
        record.expires_at = self.expiry(record, queue)
        self.transfer(record, queue, RUNNING, NEVER if record.expires_at is None else record.expires_at)
        limits = self.limits_of(queue)
        if limits is not None:
            self._count_pop(record, queue, limits)

    def expiry(self, record: Record, queue: QueueRow) -> int | None:
        """When a lease expires that is given or renewed now."""
        settings = self.settings_of(queue)
        expires_at = None if settings.heartbeat is None else self.now + round(settings.heartbeat * 1000)
        if record.options is None and settings.max_run is None:
            return expires_at
        over_at = self.over_at(record, queue)
        return min((at for at in (expires_at, over_at) if at is not None), default=None)

    def over_at(self, record: Record, queue: QueueRow) -> int | None:
        """When the run of a job has taken as long as it may."""
        max_run = read_options(record.options).max_run if record.options else None
        max_run = self.settings_of(queue).max_run if max_run is None else max_run
        return None if max_run is None or record.started_at is None else record.started_at + round(max_run * 1000)

    def bind(self, record: Record, start_by: int | None) -> None:
        """Let a job expire that is not popped by then; None: let it be."""
        difference = (start_by is not None) - (record.start_by is not None)
        record.start_by = start_by
        if difference:
            self.queue_of(record).count_expiring(difference)

    def enter(self, record: Record, queue: QueueRow) -> None:
        """Renew what counts by the stage."""
        record.remaining = self.settings_of(queue).retries if record.retries is None else record.retries
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

    def drop(self, record: Record) -> None:
        """Count a job out that is being deleted."""
        if record.state == FAILED:
            figures.failed_out(self, record)
        if record.tags:
            figures.state_changed(self, record, shown(record.state), 0)
        self.bind(record, None)
        queue = self.queue_of(record)
        queue.count(record.state, -1)
        if record.requires is not None:
            self.lanes.transfer(record, queue, queue, 0)
        self._changed.pop(record.id, None)
        self._new.pop(record.id, None)
        self._records.pop(record.jid, None)

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
        fields = record.jid, queue.name, str(shown(record.state)), to, worker, group
        # Who held a job that was put anew has lost it without an end.
        took = "" if worker is None or event == "put" else self._took(record, event)
        if self.actor or record.tags or record.tracked:
            self.tell(event, *fields, tags=record.tags, tracked=record.tracked, took=took)
        else:
            self._add_line(event, fields, took)

    def finish(self) -> None:
        if self.left_tags:
            self.save()
            figures.sweep(self)
        super().finish()

    def _leave(self, record: Record, state: int) -> None:
        """Count a job that leaves its state for another."""
        if record.state == FAILED:
            figures.failed_out(self, record)
        if record.tags:
            if record.state == RUNNING:
                figures.ran(self, record)
            # One that is loaded while it runs has waited elsewhere.
            if state == RUNNING and record.state:
                figures.waited(self, record)
            figures.state_changed(self, record, shown(record.state), shown(state))

    def _count_pop(self, record: Record, queue: QueueRow, limits: Limits) -> None:
        if limits.rate is not None:
            count_pop(self, queue, limits.rate.limit)
        if limits.key_rate is not None and record.key is not None:
            self.lanes.count_pop(self.lanes.key(queue, record.key), limits.key_rate.limit)

    def _took(self, record: Record, event: str) -> str:
        """Spell the klass of a job and how many milliseconds it waited, if it is popped, or ran, if its lease ends."""
        if record.klass is None:
            [record.klass] = self.connection.execute(KLASS_OF, (record.id,)).fetchone()
        if event == "popped":
            return f"{record.klass}\t{max(0, self.now - record.available_at)}"
        assert record.started_at is not None
        return f"{record.klass}\t\t{max(0, self.now - record.started_at)}"


def waiting_ord(priority: int, place: int) -> int:
    """Where a waiting job stands: higher priorities first, then by place. Exact below 2^44 places."""
    return -priority * PRIORITY_STEP + place

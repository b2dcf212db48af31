"""Jobs go out: leased by queue, priority and place."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice

from qless_flask.backends.numbers import REQUEST_SECONDS, UPKEEP_AT_ONCE
from qless_flask.backends.sqlite import wishes
from qless_flask.backends.sqlite.ended import tell_left
from qless_flask.backends.sqlite.gate import Gate
from qless_flask.backends.sqlite.leases import holds
from qless_flask.backends.sqlite.look import QueueRow
from qless_flask.backends.sqlite.outlook import next_change
from qless_flask.backends.sqlite.record import (
    COLUMNS,
    LANED,
    NEVER,
    RUNNING,
    WAITING,
    Record,
    Surroundings,
    Value,
    job_of,
    read_failure,
)
from qless_flask.backends.sqlite.settling import settle
from qless_flask.backends.sqlite.statements import (
    BODY,
    FAILURE,
    NEXT_TURN,
    NEXT_WAITING,
    REQUEST,
    SAVE_REQUEST,
    TURN,
)
from qless_flask.backends.sqlite.step import Step
from qless_flask.backends.sqlite.upkeep import expire, forget_requests, promote_due, take_back_lost
from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.backends.waiting import offers
from qless_flask.models import Exchanged, Lease, Pop, Popped, Settlement

FORGET_AT_ONCE = 10


def pop(step: Step, asked: Pop) -> Popped:
    """Lease what there is, or tell when to look again."""
    step.see(asked.worker, offers(asked.capabilities))
    again = _remembered(step, asked)
    quiet, stop = wishes.wished(step, asked.worker) if step.wishes else (False, False)
    if again or quiet or stop:
        return Popped(again, None, quiet, stop)
    queues = [queue for name in asked.queues if (queue := step.queue(name))]
    popper = _Popper(step, asked)
    leases = tuple(popper.take(queues))
    if leases:
        _remember(step, asked, leases)
        return Popped(leases)
    if popper.unsettled:
        return Popped((), to_seconds(step.now))
    return Popped((), _retry_at(step, [queue for queue in queues if not queue.paused]))


def exchange(step: Step, settlements: Sequence[Settlement], asked: Pop) -> Exchanged:
    """Settle, then pop."""
    results = tuple(settle(step, settlements))
    return Exchanged(results, pop(step, asked))


class _Popper:
    """One pop: its tokens, and the leases it gives."""

    def __init__(self, step: Step, asked: Pop) -> None:
        self._step = step
        self._asked = asked
        self._nonce = secrets.token_urlsafe(12)
        self._leases: list[Lease] = []
        self._gates: list[Gate] = []

    def take(self, queues: Sequence[QueueRow]) -> list[Lease]:
        if self._asked.order == "listed":
            self._take_listed(queues)
        else:
            self._take_in_turn(queues)
        return self._leases

    def _take_listed(self, queues: Sequence[QueueRow]) -> None:
        for queue in queues:
            if not self._left:
                return
            self._look_after(queue)
            if queue.paused:
                continue
            for row in islice(self._waiting(queue), self._left):
                self._lease(queue, row)

    def _take_in_turn(self, queues: Sequence[QueueRow]) -> None:
        for queue in queues:
            self._look_after(queue)
        [turn] = self._step.connection.execute(TURN, (self._step.begun(),)).fetchone()
        names = self._asked.queues
        start = turn % len(names)
        by_name = {queue.name: queue for queue in queues if not queue.paused}
        ring = deque(by_name[name] for name in (*names[start:], *names[:start]) if name in by_name)
        rows = {queue.id: iter(self._waiting(queue)) for queue in ring}
        while ring and self._left:
            queue = ring.popleft()
            row = next(rows[queue.id], None)
            if row is not None:
                self._lease(queue, row)
                ring.append(queue)
        if self._leases:
            self._step.connection.execute(NEXT_TURN, (self._step.namespace,))

    @property
    def unsettled(self) -> bool:
        """Whether there may be more, when more keys have been judged."""
        return any(gate.unsettled for gate in self._gates)

    @property
    def _left(self) -> int:
        return self._asked.limit - len(self._leases)

    def _look_after(self, queue: QueueRow) -> None:
        step = self._step
        expire(step, queue, UPKEEP_AT_ONCE)
        # Lost leases before what is due: their workers may be gone, and they have waited longest.
        take_back_lost(step, queue, UPKEEP_AT_ONCE)
        promote_due(step, queue, UPKEEP_AT_ONCE)
        if step.untold:
            step.tellable -= tell_left(step, step.tellable)

    def _waiting(self, queue: QueueRow) -> Iterator[Sequence[Value]]:
        limits = self._step.limits_of(queue)
        if queue.counts[LANED] or (limits and limits.rate):
            gate = Gate(self._step, queue, self._asked.capabilities)
            self._gates.append(gate)
            return gate.jobs()
        most = self._left
        if limits and limits.concurrency is not None:
            most = min(most, limits.concurrency - queue.counts[RUNNING])
        if not queue.counts[WAITING] or most <= 0:
            return iter(())
        self._step.save()
        # Read row by row: in turn, most of the queues give only a few of those asked for.
        return self._step.connection.execute(NEXT_WAITING, (queue.id, most))

    def _lease(self, queue: QueueRow, row: Sequence[Value]) -> None:
        step, worker = self._step, self._asked.worker
        [record] = step.records([row[:COLUMNS]])
        if record.start_by is not None and record.start_by <= step.now:
            # More had expired than this pop has seen to.
            return
        record.klass = str(row[COLUMNS])
        token = f"{self._nonce}.{len(self._leases)}"
        step.make_running(record, queue, worker, token)
        step.happened(record, "popped", queue, worker=worker)
        self._leases.append(_lease(step, record, queue, row[COLUMNS:]))


def _lease(step: Step, record: Record, queue: QueueRow, body: Sequence[Value]) -> Lease:
    assert record.token is not None
    klass, data = body
    failure = step.connection.execute(FAILURE, (record.id,)).fetchone() if record.failure_group else ()
    around = Surroundings(queue.name, klass, data, read_failure(record.failure_group, failure))  # type: ignore[arg-type]
    expires_at = None if record.expires_at is None else to_seconds(record.expires_at)
    return Lease(record.jid, record.token, expires_at, job_of(record, around))


def _retry_at(step: Step, queues: Sequence[QueueRow]) -> float | None:
    step.save()
    earliest = min((next_change(step, queue) for queue in queues), default=NEVER)
    return None if earliest == NEVER else to_seconds(earliest)


def _remembered(step: Step, asked: Pop) -> tuple[Lease, ...]:
    if asked.request is None:
        return ()
    found = step.connection.execute(REQUEST, (step.namespace, asked.worker, asked.request)).fetchone()
    if found is None or found[0] <= step.now:
        return ()
    leases = []
    for line in found[1].split("\n"):
        jid, token = line.split("\t")
        record = step.find(jid)
        if record is not None and holds(record, token):
            body = step.connection.execute(BODY, (record.id,)).fetchone()
            leases.append(_lease(step, record, step.queue_of(record), body))
    return tuple(leases)


def _remember(step: Step, asked: Pop, leases: Sequence[Lease]) -> None:
    if asked.request is None:
        return
    forget_requests(step, FORGET_AT_ONCE)
    heartbeat = step.settings_of(step.queue_of(step.record(leases[0].jid))).heartbeat
    until = step.now + (to_milliseconds(REQUEST_SECONDS) if heartbeat is None else to_milliseconds(heartbeat))
    lines = "\n".join(f"{lease.jid}\t{lease.token}" for lease in leases)
    step.connection.execute(SAVE_REQUEST, (step.namespace, asked.worker, asked.request, until, lines))

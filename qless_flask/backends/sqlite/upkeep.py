"""What becomes due, lost or old: promoted, taken back, pruned; all in bounded steps."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice, takewhile

from qless_flask.backends.numbers import EVENT_ENTRIES, EVENT_SECONDS, PRUNE_SCANNED, RETENTION, WORKER_SECONDS
from qless_flask.backends.sqlite import depends
from qless_flask.backends.sqlite.deletion import delete
from qless_flask.backends.sqlite.ended import end, tell_left
from qless_flask.backends.sqlite.leases import take_back
from qless_flask.backends.sqlite.look import QueueRow
from qless_flask.backends.sqlite.record import CANCELED, COMPLETE, FAILED, LANED, RUNNING, SCHEDULED, Record
from qless_flask.backends.sqlite.statements import (
    DELETE_REQUEST,
    DUE,
    DUE_TO_START,
    ENTRY_TIMES,
    HOLDS_LEASE,
    LAST_ENTRY,
    LONGEST_ENDED,
    OVER_REQUESTS,
    SET_TRIMMED,
    TRIM_ENTRIES,
    UNSEEN_WORKERS,
)
from qless_flask.backends.sqlite.step import Step
from qless_flask.backends.sqlite.unique import forget_over
from qless_flask.backends.sqlite.wishes import forget_worker
from qless_flask.backends.store import to_milliseconds
from qless_flask.models import Promoted, Pruned

TRIM_AT_ONCE = 1_000
"""How many events, workers and remembered pops one prune deletes at most."""
_RETENTION = {COMPLETE: RETENTION["complete"], CANCELED: RETENTION["canceled"], FAILED: RETENTION["failed"]}


def expire(step: Step, queue: QueueRow, limit: int) -> int:
    """Fail up to `limit` jobs of a queue that nobody has popped in time; tell how many."""
    if not queue.expiring or not limit:
        return 0
    step.save()
    found = step.records(step.connection.execute(DUE_TO_START, (queue.id, step.now, limit)).fetchall())
    for record in found:
        step.blame(record, "expired", "", None)
        end(step, record, FAILED, "expired", group="expired")
    return len(found)


def take_back_lost(step: Step, queue: QueueRow, limit: int) -> int:
    """Take back up to `limit` leases of a queue that are over; tell how many."""
    found = _due(step, queue, RUNNING, limit)
    for record in found:
        take_back(step, record, queue)
    return len(found)


def promote_due(step: Step, queue: QueueRow, limit: int) -> int:
    """Make up to `limit` jobs of a queue that are due available; tell how many."""
    found = _due(step, queue, SCHEDULED, limit)
    for record in found:
        step.make_waiting(record, queue, new_place=True)
        step.happened(record, "promoted", queue)
    return len(found)


def promote(step: Step, limit: int) -> Promoted:
    """Do all of it for all queues, by name, then tell dependents that are left; up to `limit` together."""
    if step.frozen:
        return Promoted(0, 0, False)
    expired = lost = promoted = 0
    unsettled = False
    for queue in step.all_queues():
        if queue.counts[LANED]:
            unsettled |= step.lanes.look_again(queue)
        expired += expire(step, queue, limit - expired - lost - promoted)
        lost += take_back_lost(step, queue, limit - expired - lost - promoted)
        promoted += promote_due(step, queue, limit - expired - lost - promoted)
        if expired + lost + promoted == limit:
            break
    told = tell_left(step, limit - expired - lost - promoted)
    more = expired + lost + promoted + told == limit or step.untold > 0 or unsettled
    return Promoted(promoted, lost, more, expired, told)


def prune(step: Step, limit: int) -> Pruned:
    """Delete up to `limit` jobs past their retention, the longest ended first, and old events, workers and requests."""
    step.save()
    candidates = heapq.merge(
        *[_past_retention(step, queue, state) for queue in step.all_queues() for state in _RETENTION]
    )
    found = list(islice(candidates, limit + 1))
    records = [record for _, _, record in found[:limit]]
    for record in records:
        step.tell("pruned", record.jid, step.queue_of(record).name, tags=record.tags, tracked=record.tracked)
    delete(step, records)
    more = len(found) > limit
    forget_requests(step, TRIM_AT_ONCE)
    forget_over(step, TRIM_AT_ONCE)
    return Pruned(len(records), more=_trim_events(step) | _forget_workers(step) | more)


def forget_requests(step: Step, limit: int) -> None:
    """Delete remembered pops whose time is over."""
    over = step.connection.execute(OVER_REQUESTS, (step.namespace, step.now, limit)).fetchall()
    step.connection.executemany(DELETE_REQUEST, [(step.namespace, worker, request) for worker, request in over])


def _due(step: Step, queue: QueueRow, state: int, limit: int) -> list[Record]:
    if not queue.counts[state] or not limit:
        return []
    step.save()
    return step.records(step.connection.execute(DUE, (queue.id, state, step.now, limit)).fetchall())


def _past_retention(step: Step, queue: QueueRow, state: int) -> Iterator[tuple[int, int, Record]]:
    kept, number = _RETENTION[state], 0
    surplus = queue.counts[state] - kept.jobs
    if not queue.counts[state]:
        return
    rows = step.connection.execute(LONGEST_ENDED, (queue.id, state))
    for row in islice(rows, PRUNE_SCANNED):
        record = Record(*row)
        ended_at = -record.ord
        if number >= surplus and ended_at + to_milliseconds(kept.seconds) > step.now:
            return
        if record.awaited and depends.dependents(step, record.jid, 1):
            continue
        number += 1
        yield ended_at, record.id, record


def _trim_events(step: Step) -> bool:
    rows = step.connection.execute(ENTRY_TIMES, (step.namespace, TRIM_AT_ONCE)).fetchall()
    if not rows:
        return False
    [last] = step.connection.execute(LAST_ENTRY, (step.namespace,)).fetchone()
    over, since = last - EVENT_ENTRIES, step.now - to_milliseconds(EVENT_SECONDS)
    old = [entry for entry, _ in takewhile(lambda row: row[0] <= over or row[1] <= since, rows)]
    if old:
        step.connection.execute(TRIM_ENTRIES, (step.namespace, old[-1]))
        step.connection.execute(SET_TRIMMED, (old[-1], step.namespace))
    return len(old) == TRIM_AT_ONCE


def _forget_workers(step: Step) -> bool:
    since = step.now - to_milliseconds(WORKER_SECONDS)
    rows = step.connection.execute(UNSEEN_WORKERS, (step.namespace, since, TRIM_AT_ONCE)).fetchall()
    for row in rows:
        if not step.connection.execute(HOLDS_LEASE, (step.namespace, *row)).fetchone():
            forget_worker(step, *row)
    return False

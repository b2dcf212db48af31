"""What becomes due, lost or too late: promoted, taken back, expired; all in bounded steps."""

from __future__ import annotations

from qless_flask.backends.sqlite.ended import end, tell_left
from qless_flask.backends.sqlite.leases import take_back
from qless_flask.backends.sqlite.look import QueueRow
from qless_flask.backends.sqlite.record import FAILED, LANED, RUNNING, SCHEDULED, Record
from qless_flask.backends.sqlite.statements import (
    DELETE_REQUEST,
    DUE,
    DUE_TO_START,
    OVER_REQUESTS,
)
from qless_flask.backends.sqlite.step import Step
from qless_flask.models import Promoted


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


def forget_requests(step: Step, limit: int) -> None:
    """Delete remembered pops whose time is over."""
    over = step.connection.execute(OVER_REQUESTS, (step.namespace, step.now, limit)).fetchall()
    step.connection.executemany(DELETE_REQUEST, [(step.namespace, worker, request) for worker, request in over])


def _due(step: Step, queue: QueueRow, state: int, limit: int) -> list[Record]:
    if not queue.counts[state] or not limit:
        return []
    step.save()
    return step.records(step.connection.execute(DUE, (queue.id, state, step.now, limit)).fetchall())

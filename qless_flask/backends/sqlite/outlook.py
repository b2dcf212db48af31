"""What a waiting pop has to hope for in one queue, seen without writing."""

from __future__ import annotations

from collections.abc import Sequence

from qless_flask.backends.sqlite.gate import covered_sets, has_room
from qless_flask.backends.sqlite.lane_statements import FIRST_KEPT_BACK, LANES_WITH_HEAD, TO_LOOK_AT, WAITING_IN_LANES
from qless_flask.backends.sqlite.limits import next_slot, spell_key_limits
from qless_flask.backends.sqlite.look import Look, QueueRow
from qless_flask.backends.sqlite.record import LANED, NEVER, RUNNING, SCHEDULED, WAITING
from qless_flask.backends.sqlite.statements import FIRST_ORD, FIRST_START_BY, QUEUE

WOKEN_AT_ONCE = 100
"""How many are woken for the lanes of one set of requirements, before the next look."""


def outlook(look: Look, name: str, capabilities: Sequence[str]) -> tuple[int, int] | None:
    """Tell how many jobs of a queue may be popped now, about, and when more may be; None where none may be."""
    row = look.connection.execute(QUEUE, (look.namespace, name)).fetchone()
    queue = QueueRow.of(row) if row else None
    if queue is None or queue.paused or look.frozen:
        return None
    return _available(look, queue, capabilities), next_change(look, queue)


def next_change(look: Look, queue: QueueRow) -> int:
    """When something of a queue will be due, lost, expired, or let through by a rate; NEVER where nothing will."""
    firsts = [
        look.connection.execute(FIRST_ORD, (queue.id, state)).fetchone()
        for state in (SCHEDULED, RUNNING)
        if queue.counts[state]
    ]
    if queue.expiring:
        firsts.append(look.connection.execute(FIRST_START_BY, (queue.id,)).fetchone())
    if queue.waiting:
        firsts.append((next_slot(look, queue),))
    if queue.counts[LANED]:
        firsts.append(look.connection.execute(FIRST_KEPT_BACK, (queue.id, spell_key_limits(look, queue))).fetchone())
    return min((first[0] for first in firsts if first and first[0] is not None), default=NEVER)


def _available(look: Look, queue: QueueRow, capabilities: Sequence[str]) -> int:
    limits = look.limits_of(queue)
    if not queue.waiting or not has_room(look, queue):
        return 0
    found = queue.counts[WAITING] + (_available_in_lanes(look, queue, capabilities) if queue.counts[LANED] else 0)
    if limits is None:
        return found
    if limits.concurrency is not None:
        found = min(found, limits.concurrency - queue.counts[RUNNING])
    return found if limits.rate is None else min(found, limits.rate.limit)


def _available_in_lanes(look: Look, queue: QueueRow, capabilities: Sequence[str]) -> int:
    spelled = spell_key_limits(look, queue)
    # With limits on keys a lane gives one job for certain; each pop that takes one is seen, and the next is woken.
    statement = LANES_WITH_HEAD if spelled else WAITING_IN_LANES
    found = sum(
        len(look.connection.execute(statement, (queue.id, requires, WOKEN_AT_ONCE)).fetchall())
        for requires in covered_sets(look, queue, capabilities)
    )
    if not found and look.connection.execute(TO_LOOK_AT, (queue.id, spelled, look.now, 1)).fetchone():
        return 1
    return found

"""Jobs come to an end, and those that wait for them are told: in bounded steps, and none is forgotten."""

from __future__ import annotations

from collections import deque

from qless_flask.backends.sqlite import depends, unique
from qless_flask.backends.sqlite.options import read_options
from qless_flask.backends.sqlite.record import CANCELED, COMPLETE, DEPENDS, Record
from qless_flask.backends.sqlite.statements import (
    DELETE_DEPENDENCY,
    DELETE_UNTOLD,
    DEPENDENTS,
    NEW_UNTOLD,
    SAVE_UNTOLD,
    UNTOLD,
)
from qless_flask.backends.sqlite.step import Step


def end(step: Step, record: Record, state: int, event: str, *, group: str | None = None, telling: bool = True) -> None:
    """Bring a job to an end in its queue, tell of it, then those that wait for it."""
    holder, queue = record.worker, step.queue_of(record)
    if record.state == DEPENDS:
        depends.drop(step, record.jid)
        record.later = None
    if record.start_by is not None:
        step.bind(record, None)
    record.ended_at = step.now
    step.transfer(record, queue, state, -step.now)
    if record.options:
        unique.let_go(step, record, for_good=state == CANCELED)
    step.happened(record, event, queue, worker=holder, group=group)
    if telling and record.awaited:
        # It may have ended before, with some still untold: it stands behind all others now.
        forget_untold(step, record.jid)
        step.tellable -= _tell(step, record, "", step.tellable)


def unblock(step: Step, record: Record) -> None:
    """Let a job go on that waits for nothing any more."""
    later, queue = record.later or 0, step.queue_of(record)
    record.later = None
    step.make_available(record, queue, step.now - later if later <= 0 else later)
    step.happened(record, "unblocked", queue)


def tell_left(step: Step, most: int) -> int:
    """Tell up to `most` of those dependents that are left from operations before; tell how many."""
    told = 0
    while step.untold and told < most:
        jid, after = step.connection.execute(UNTOLD, (step.namespace,)).fetchone()
        parent = step.find(jid)
        if parent is None:
            # It was loaded, and its job never was.
            forget_untold(step, jid)
        else:
            told += _tell(step, parent, after, most - told)
    return told


def forget_untold(step: Step, jid: str) -> None:
    """Leave those alone that a job has not told yet."""
    if step.untold:
        step.untold -= step.connection.execute(DELETE_UNTOLD, (step.namespace, jid)).rowcount


def _tell(step: Step, record: Record, after: str, most: int) -> int:
    told, line = 0, deque([(record, after)])
    while line:
        parent, after = line.popleft()
        # One more than may be told shows whether anybody is left.
        sought = (step.namespace, parent.jid, after, most - told + 1)
        children = [jid for (jid,) in step.connection.execute(DEPENDENTS, sought)]
        for jid in children[: most - told]:
            child, after = step.record(jid), jid
            told += 1
            _tell_one(step, parent, child)
            if child.state == CANCELED:
                line.append((child, ""))
        if children and after != children[-1]:
            _remember(step, parent.jid, after)
        else:
            forget_untold(step, parent.jid)
    return told


def _tell_one(step: Step, parent: Record, child: Record) -> None:
    choice = read_options(child.options).on_parent_end
    if parent.state == COMPLETE or choice == "run":
        step.connection.execute(DELETE_DEPENDENCY, (step.namespace, parent.jid, child.jid))
        if not depends.is_open(step, child.jid):
            unblock(step, child)
    elif choice == "cancel":
        end(step, child, CANCELED, "canceled", telling=False)


def _remember(step: Step, jid: str, after: str) -> None:
    if not step.connection.execute(SAVE_UNTOLD, (after, step.namespace, jid)).rowcount:
        step.connection.execute(NEW_UNTOLD, (step.namespace, jid, after))
        step.untold += 1

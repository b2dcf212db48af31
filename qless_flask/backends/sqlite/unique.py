"""Who holds a unique key."""

from __future__ import annotations

from qless_flask.backends.sqlite.options import read_options
from qless_flask.backends.sqlite.record import Record
from qless_flask.backends.sqlite.statements import DELETE_UNIQUE, OVER_UNIQUE, SAVE_UNIQUE, UNIQUE
from qless_flask.backends.sqlite.step import Step
from qless_flask.backends.store import to_milliseconds
from qless_flask.models import Unique


def holder(step: Step, key: str) -> Record | None:
    """Find the job that holds a key now."""
    found = step.connection.execute(UNIQUE, (step.namespace, key)).fetchone()
    if found is None:
        return None
    jid, until = found
    return None if until is not None and until <= step.now else step.find(jid)


def take(step: Step, record: Record) -> None:
    """Let a job hold its key, if it has one whose time is not over and that nobody else holds."""
    unique = read_options(record.options).unique
    if unique is None:
        return
    until = _until(record, unique)
    if (until is None or until > step.now) and not holder(step, unique.key):
        step.connection.execute(SAVE_UNIQUE, (step.namespace, unique.key, record.jid, until))


def let_go(step: Step, record: Record, *, for_good: bool) -> None:
    """Let a job that has ended hold its key no longer; one held for a time only `for_good`: canceled or deleted."""
    unique = read_options(record.options).unique
    if unique is not None and (for_good or unique.seconds is None):
        step.connection.execute(DELETE_UNIQUE, (step.namespace, unique.key, record.jid))


def forget_over(step: Step, limit: int) -> None:
    """Delete keys whose time is over."""
    over = step.connection.execute(OVER_UNIQUE, (step.namespace, step.now, limit)).fetchall()
    step.connection.executemany(DELETE_UNIQUE, [(step.namespace, key, jid) for key, jid in over])


def _until(record: Record, unique: Unique) -> int | None:
    return None if unique.seconds is None else record.created_at + to_milliseconds(unique.seconds)

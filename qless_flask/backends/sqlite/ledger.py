"""Leaders and records: small things that are compared and set."""

from __future__ import annotations

from qless_flask.backends.numbers import OWN_PREFIXES
from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.sqlite.statements import (
    DELETE_LEADER,
    DELETE_RECORD,
    LEADER,
    RECORD,
    SAVE_LEADER,
    SAVE_RECORD,
)
from qless_flask.backends.sqlite.step import Step
from qless_flask.backends.store import to_milliseconds
from qless_flask.errors import Frozen


def lead(step: Step, role: str, holder: str, seconds: float) -> bool:
    """Become or stay the leader of a role; with 0 seconds, give it up."""
    found = step.connection.execute(LEADER, (step.namespace, role)).fetchone()
    if found and found[0] != holder and found[1] > step.now:
        return False
    if seconds:
        step.connection.execute(SAVE_LEADER, (step.begun(), role, holder, step.now + to_milliseconds(seconds)))
    elif found and found[0] == holder:
        step.connection.execute(DELETE_LEADER, (step.namespace, role))
    return bool(seconds)


def remember(step: Step, name: str, value: str | None, expected: str | None) -> bool:
    """Set or delete a record if it is as expected. Raise Frozen; but those that belong to the store go on."""
    if step.frozen and not name.startswith(OWN_PREFIXES):
        raise Frozen.about(step.name)
    if recall(step, name) != expected:
        return False
    if value is not None:
        step.connection.execute(SAVE_RECORD, (step.begun(), name, value))
    elif expected is not None:
        step.connection.execute(DELETE_RECORD, (step.namespace, name))
    return True


def recall(look: Look, name: str) -> str | None:
    """Read a record."""
    found = look.connection.execute(RECORD, (look.namespace, name)).fetchone()
    return found[0] if found else None

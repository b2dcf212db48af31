"""Leaders and memos, small things that are compared and set; and rows of statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from qless_flask.backends.folding import Row
from qless_flask.backends.numbers import OWN_PREFIXES
from qless_flask.backends.store import to_milliseconds
from qless_flask.errors import Frozen
from qless_lmdb.look import Look
from qless_lmdb.records import LEADER, Leader
from qless_lmdb.step import Step

FORGOTTEN_AT_ONCE = 10_000


def lead(step: Step, role: str, holder: str, seconds: float) -> bool:
    """Become or stay the leader of a role; with 0 seconds, give it up."""
    found = step.record(LEADER, "leader", role)
    if found and found.holder != holder and found.until > step.now:
        return False
    if seconds:
        step.set(Leader(holder=holder, until=step.now + to_milliseconds(seconds)).encoded(), "leader", role)
    elif found and found.holder == holder:
        step.unset("leader", role)
    return bool(seconds)


def remember(step: Step, name: str, value: str | None, expected: str | None) -> bool:
    """Set or delete a memo if it is as expected. Raise Frozen; but those that belong to the store go on."""
    if step.itself.frozen and not name.startswith(OWN_PREFIXES):
        raise Frozen.about(step.name)
    if recall(step, name) != expected:
        return False
    if value is None:
        step.unset("memo", name)
    else:
        step.keep_text(value, "memo", name)
    return True


def recall(look: Look, name: str) -> str | None:
    """Read a memo."""
    return look.text("memo", name)


def read_figures(look: Look, rows: Sequence[Row]) -> tuple[str | None, list[str | None]]:
    """Read the cursor up to which events are folded, and rows."""
    return look.itself.folded, [look.text("figures", *row) for row in rows]


def fold(step: Step, seen: str | None, cursor: str, rows: Mapping[Row, str]) -> bool:
    """Set rows and the cursor, if it is still as it was seen."""
    if step.itself.folded != seen:
        return False
    for row, text in rows.items():
        step.keep_text(text, "figures", *row)
    step.itself.folded = cursor
    step.save_itself()
    return True


def forget_figures(step: Step, day: str, hour: str) -> None:
    """Delete rows of days before one, and of hours before one."""
    old = (period for period in step.branches("figures") if str(period) < (hour if "T" in str(period) else day))
    rows = ((period, *row) for period in old for row, _ in step.walk("figures", period))
    for row in islice(rows, FORGOTTEN_AT_ONCE):
        step.unset("figures", *row)

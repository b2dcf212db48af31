"""Rows of statistics: opaque text, and the cursor up to which the log is folded into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qless_flask.backends.folding import Row
from qless_flask.backends.sqlite.figure_statements import (
    FOLDED,
    FORGET_STATISTICS,
    SAVE_STATISTIC,
    SET_FOLDED,
    STATISTIC,
)
from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.sqlite.step import Step

FORGOTTEN_AT_ONCE = 10_000
_DAY_LETTERS, _HOUR_LETTERS = len("2026-11-24"), len("2026-11-24T10")


def folded(look: Look) -> str | None:
    """Read the cursor up to which events are folded."""
    found = look.connection.execute(FOLDED, (look.namespace,)).fetchone()
    return found[0] if found else None


def read_rows(look: Look, rows: Sequence[Row]) -> tuple[str | None, list[str | None]]:
    """Read the cursor, and rows."""
    found = (look.connection.execute(STATISTIC, (look.namespace, *row)).fetchone() for row in rows)
    return folded(look), [row[0] if row else None for row in found]


def fold(step: Step, seen: str | None, cursor: str, rows: Mapping[Row, str]) -> bool:
    """Set rows and the cursor, if it is still as it was seen."""
    if folded(step) != seen:
        return False
    namespace = step.begun()
    step.connection.executemany(SAVE_STATISTIC, [(namespace, *row, text) for row, text in rows.items()])
    step.connection.execute(SET_FOLDED, (cursor, namespace))
    return True


def forget_before(step: Step, day: str, hour: str) -> None:
    """Delete rows of days before one, and of hours before one."""
    for before, letters in ((day, _DAY_LETTERS), (hour, _HOUR_LETTERS)):
        step.connection.execute(FORGET_STATISTICS, (step.namespace, before, letters, FORGOTTEN_AT_ONCE))

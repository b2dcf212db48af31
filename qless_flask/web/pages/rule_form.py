"""The rule of a recurrence as the boxes of a form, and back."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from qless_flask.errors import Invalid
from qless_flask.models import Catchup, Recurrence
from qless_flask.web.pages.moments import read_moment, write_moment
from qless_flask.web.pages.shown import show_json, unshown_json
from qless_flask.web.pages.typed import Faults, read_backoff, read_lines, read_number

MOST_EDITED = 30_000
"""How many characters of data can be edited on a page."""
_NUMBERS: tuple[tuple[str, type[int] | type[float]], ...] = (
    ("interval", float),
    ("count", int),
    ("priority", int),
    ("retries", int),
    ("max_run", float),
    ("expires_in", float),
)
_LISTS = ("tags", "pipeline", "requires")


def show_rule(rule: Recurrence) -> dict[str, str]:
    """Write a rule as it is typed; without its data where that is too long to be edited here."""
    data = show_json(rule.data, MOST_EDITED)
    shown = {name: _number(getattr(rule, name)) for name, _ in _NUMBERS}
    lists = {name: "\n".join(getattr(rule, name)) for name in _LISTS}
    return {
        **shown,
        **lists,
        **({"data": data.text} if data is not None and data.is_whole else {}),
        "queue": rule.queue,
        "klass": rule.klass,
        "cron": rule.cron or "",
        "timezone": rule.timezone,
        "first_at": "" if rule.first_at is None else write_moment(rule.first_at),
        "overlap": rule.overlap,
        "catchup": str(rule.catchup),
        "key": rule.key or "",
        "backoff": json.dumps(rule.backoff.as_message()) if rule.backoff else "",
    }


def read_rule(form: Mapping[str, str], id: str | None, data: str = "{}") -> Recurrence:
    """Build a rule of what was typed; `data` is what it has where the form has no box for it. Raise Invalid."""
    faults: Faults = {}
    values: dict[str, Any] = {name: read_number(form, name, kind, faults) for name, kind in _NUMBERS}
    backoff = read_backoff(form, "backoff", faults)
    first_at = _first_at(form.get("first_at", "").strip(), faults)
    if faults:
        raise Invalid.of(faults)
    values.update({name: read_lines(form, name) for name in _LISTS}, priority=values["priority"] or 0)
    return Recurrence(
        form.get("klass", "").strip(),
        (unshown_json(form["data"]) or "{}") if "data" in form else data,
        queue=form.get("queue", "").strip(),
        id=id,
        cron=form.get("cron", "").strip() or None,
        timezone=form.get("timezone", "").strip() or "UTC",
        first_at=first_at,
        overlap=form.get("overlap", "allow"),  # type: ignore[arg-type]
        catchup=_catchup(form.get("catchup", "").strip()),
        key=form.get("key", "").strip() or None,
        backoff=backoff,
        **values,
    )


def _first_at(typed: str, faults: Faults) -> float | None:
    at = read_moment(typed, time.time()) if typed else None
    if typed and at is None:
        faults["first_at"] = [f"is a time like 2026-11-24T10:00, in UTC, or +2h, not {typed}"]
    return at


def _catchup(typed: str) -> Catchup:
    """Read what to make up for; what it cannot be is refused by the rule."""
    return int(typed) if typed.isdecimal() and len(typed) < 16 else typed or "one"  # type: ignore[return-value]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.15g}"

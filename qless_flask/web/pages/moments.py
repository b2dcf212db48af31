"""Times as people type them: in UTC, or by how long ago that is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from qless_flask.bounds import MAX_DELAY_SECONDS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ].+)?")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(min|[smhdw])")
_AWAY = re.compile(rf"\+?(?:{_PART.pattern})+")
_UNITS = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}


def is_relative(text: str) -> bool:
    """Tell whether a time is typed as so long ago (`90s`, `2h30min`, `1d`) or, with a plus, so far ahead (`+2h`)."""
    return _AWAY.fullmatch(text) is not None


def read_moment(text: str, now: float) -> float | None:
    """Read a relative time, or one of ISO 8601, in UTC if it says nothing else, as Unix seconds; None: neither."""
    if is_relative(text):
        away = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
        at = now // 1 + away if text.startswith("+") else max(0.0, now // 1 - away)
    elif _ISO.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text.upper())
        except ValueError:
            return None
        at = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH).total_seconds()
    else:
        return None
    return at if 0 <= at <= 2 * MAX_DELAY_SECONDS else None


def write_moment(at: float) -> str:
    """Write a time, in UTC, no more precisely than it is."""
    moment = _EPOCH + timedelta(milliseconds=round(at * 1000))
    precision = "milliseconds" if moment.microsecond else "seconds" if moment.second else "minutes"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")

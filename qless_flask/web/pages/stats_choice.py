"""What statistics are asked for: of what, from when to when, and of which day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from qless_flask.web.pages.moments import read_moment, write_moment

DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600
FINE_SECONDS = 48 * HOUR_SECONDS
"""How far back there are figures by the minute."""
KEPT_DAYS = 90
STEPS = (60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)
MOST_STEPS = 150
"""How many points a curve has: each is a row of the table behind it."""
KINDS = {"": "everything", "queue": "queue", "klass": "klass", "tag": "tag"}
LASTS = {"1h": 1, "6h": 6, "24h": 24, "48h": 48, "7d": 168, "30d": 720, "90d": 2_160}
"""The ranges that are offered, in hours."""
USUAL = "24h"
DAYS = (7, 30, 90)
USUAL_DAYS = 30

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the query of the page asks for."""

    of: str
    """One of KINDS."""
    name: str
    last: str
    """One of LASTS; empty where the range is typed."""
    since: float
    until: float
    step: int
    days: int
    """How many days up to today are compared."""
    day: str
    """Whose histograms are shown."""
    today: str
    faults: tuple[str, ...] = ()

    @property
    def subject(self) -> dict[str, str]:
        """Name what it is of, as `stats` takes it."""
        return {self.of: self.name} if self.of else {}

    def neighbours(self) -> dict[str, str]:
        """Name the days beside the one whose histograms are shown, as far as there are figures of them."""
        at, today = begin_of(self.day), begin_of(self.today)
        beside = {"The day before": at - DAY_SECONDS, "The day after": at + DAY_SECONDS}
        return {label: day_of(day) for label, day in beside.items() if today - KEPT_DAYS * DAY_SECONDS <= day <= today}

    def query(self, **more: Any) -> dict[str, Any]:
        """Tell the query that asks for the same, but for what is told; None leaves a part out."""
        since, until = (None, None) if self.last else (write_moment(self.since), write_moment(self.until))
        days = self.days if self.days != USUAL_DAYS else None
        day = self.day if self.day != self.today else None
        same = {"of": self.of or None, "name": self.name or None, "last": self.last or None}
        return {**same, "since": since, "until": until, "days": days, "day": day, **more}


def read_choice(query: Mapping[str, str], now: float) -> Choice:
    """Read the query. What it does not know it says, and takes what is usual."""
    faults: list[str] = []
    name = query.get("name", "").strip()
    of = query.get("of", "") if name else ""
    if of not in KINDS:
        faults.append(f"there are statistics of a queue, a klass or a tag, not of a {of}")
    if of not in KINDS or not of:
        of = name = ""
    last, since, until = _range(query, now, faults)
    days = query.get("days", "")
    day = query.get("day", "")
    if day and not _is_day(day):
        faults.append(f"a day is written like 2026-11-24, not {day}")
    return Choice(
        of,
        name,
        last,
        since,
        until,
        _step(since, until, now),
        int(days) if days in map(str, DAYS) else USUAL_DAYS,
        day if _is_day(day) else day_of(now),
        day_of(now),
        tuple(faults),
    )


def day_of(at: float) -> str:
    """Name the day (UTC) of a time."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def begin_of(day: str) -> int:
    """Tell when a day begins, as Unix seconds."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def _range(query: Mapping[str, str], now: float, faults: list[str]) -> tuple[str, float, float]:
    """Tell which range is asked for: a last one by its name or, where one is typed, from when to when."""
    last = query.get("last", "")
    usual = last if last in LASTS else USUAL
    length = LASTS[usual] * HOUR_SECONDS
    typed = {each: query[each].strip() for each in ("since", "until") if query.get(each, "").strip()}
    read = {each: read_moment(text, now) for each, text in typed.items()}
    for each in [each for each, at in read.items() if at is None]:
        faults.append(f"{each} is a time like 2026-11-24T10:00, in UTC, or 2h for two hours ago, not {typed[each]}")
    since, until = read.get("since"), read.get("until")
    if since is None and until is None:
        return usual, now - length, now
    until = now if until is None else min(until, now)
    since = max(until - length if since is None else since, now - KEPT_DAYS * DAY_SECONDS)
    if since >= until:
        faults.append(f"a range begins before it ends, before now, and within the last {KEPT_DAYS} days")
        return usual, now - length, now
    return "", since, until


def _step(since: float, until: float, now: float) -> int:
    least = 60 if since >= now - FINE_SECONDS else HOUR_SECONDS
    return next(step for step in STEPS if step >= least and (until - since) / step <= MOST_STEPS)


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False

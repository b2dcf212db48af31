"""What the five fields of crontab(5) say, as sets of numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from qless_flask.errors import Invalid

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?:\*|(?P<low>[0-9]+|[a-z]+)(?:-(?P<high>[0-9]+|[a-z]+))?)(?:/(?P<step>[0-9]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Crontab:
    """When a rule is due by the clock on the wall and the calendar beside it; a weekday of 0 is Sunday."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """Day of month and day of week are both restricted (neither begins with `*`): it is enough that one matches."""
    wildcard: bool
    """Hour or minute begins with `*`: it follows real time when the clocks change (Debian's cron(8))."""


def parse(text: str) -> Crontab:
    """Read a rule, or raise Invalid that says which of its fields is wrong, or that it never comes."""
    fields = text.lower().split()
    if len(fields) != 5:
        _refuse(f"must have five fields (minute, hour, day of month, month, day of week), not {len(fields)}")
    minute, hour, day, month, weekday = fields
    rule = Crontab(
        _numbers("minute", minute, 0, 59),
        _numbers("hour", hour, 0, 23),
        _numbers("day of month", day, 1, 31),
        _numbers("month", month, 1, 12, _MONTHS),
        frozenset(each % 7 for each in _numbers("day of week", weekday, 0, 7, _WEEKDAYS)),
        not day.startswith("*") and not weekday.startswith("*"),
        minute.startswith("*") or hour.startswith("*"),
    )
    if not rule.either_day and all(min(rule.days) > _LONGEST[each - 1] for each in rule.months):
        _refuse(f"never comes: day {min(rule.days)} is in no such month")
    return rule


def _numbers(name: str, field: str, low: int, high: int, words: tuple[str, ...] = ()) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.fullmatch(part)
        if not match:
            _refuse(f"{name}: {part!r} is no number, range or *")
        first, last, step = match["low"], match["high"], match["step"]
        if first is None:
            begin, end = low, high
        else:
            if step and last is None:
                _refuse(f"{name}: a step follows a range or *, as in {first}-{high}/{step}")
            begin = _number(name, first, low, high, words)
            end = begin if last is None else _number(name, last, low, high, words)
            # Sunday ends a week as well as it begins one.
            if last == "sun" and begin > end:
                end = high
        if begin > end:
            _refuse(f"{name}: {part} runs backwards; give two ranges, as in {begin}-{high},{low}-{end}")
        if step and int(step) == 0:
            _refuse(f"{name}: a step must be at least 1")
        found.update(range(begin, end + 1, int(step or 1)))
    return frozenset(found)


def _number(name: str, text: str, low: int, high: int, words: tuple[str, ...]) -> int:
    if text in words:
        return words.index(text) + (low if words is _MONTHS else 0)
    if not text.isdigit():
        _refuse(f"{name}: {text} is no {name}" + (f"; there are {', '.join(words)}" if words else ""))
    number = int(text)
    if not low <= number <= high:
        _refuse(f"{name}: {text} is not from {low} to {high}")
    return number


def _refuse(why: str) -> NoReturn:
    raise Invalid.of({"cron": [why]})

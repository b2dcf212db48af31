"""Times, durations, numbers and JSON as pages show them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

MOST_JSON = 10_000
"""How many characters of a job's data, result or progress a page shows; the rest is a click away."""
_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))


class Excerpt(NamedTuple):
    """As much of a text as a page shows, and how long it is in all."""

    text: str
    length: int

    @property
    def is_whole(self) -> bool:
        """Tell whether that is all of it."""
        return len(self.text) == self.length


def show_seconds(seconds: float | None) -> str:
    """Show a duration by its two largest units: 250 ms, 3.2 s, 4 min 5 s, 2 h 10 min, 3 d 4 h."""
    if seconds is None:
        return "-"
    if seconds < 0:
        return f"-{show_seconds(-seconds)}"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else "1 s"
    if seconds < 59.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    left = round(seconds)
    for index, (unit, name) in enumerate(_UNITS[:-1]):
        if left >= unit:
            many, rest = divmod(left, unit)
            smaller, smaller_name = _UNITS[index + 1]
            part = int(rest // smaller)
            return f"{many:.0f} {name}" + (f" {part} {smaller_name}" if part and many < 100 else "")
    return f"{left} s"


def show_time(at: float | None) -> str:
    """Show a time to the second, in UTC: pages say so once, and a script shows it in the zone of whoever looks."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def machine_time(at: float) -> str:
    """Write a time for the `datetime` of a `<time>`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def show_number(number: float | None) -> str:
    """Show a whole number with a comma every three digits."""
    return "-" if number is None else f"{number:,.0f}"


def show_json(text: str | None, most: int = MOST_JSON) -> Excerpt | None:
    """Show JSON indented, its numbers as they are written: the first `most` characters of it."""
    if text is None:
        return None
    try:
        indented = msgspec.json.format(text, indent=2)
    except (msgspec.DecodeError, RecursionError):
        # Nested too deep to be indented: as it is, then.
        indented = text
    return Excerpt(indented[:most], len(indented))


def unshown_json(text: str) -> str:
    """Take the white space out again that JSON was indented with; what is no JSON stays as it is."""
    try:
        return msgspec.json.format(text.strip(), indent=-1)
    except (msgspec.DecodeError, RecursionError):
        return text.strip()

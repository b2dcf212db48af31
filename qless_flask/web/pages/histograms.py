"""How times are spread, as rows of a table with a bar in each: between times that people think in."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass

from qless_flask.models import Times
from qless_flask.web.pages.shown import show_seconds

_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
EDGES = (
    *(0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0),
    *(_MINUTE * minutes for minutes in (1, 2, 5, 10, 20, 30)),
    *(_HOUR * hours for hours in (1, 2, 4, 8, 12)),
    *(_DAY * days for days in (1, 2, 4, 7, 14, 30)),
)


@dataclass(frozen=True, slots=True)
class Spread:
    """How many times lie between two edges."""

    label: str
    count: int
    width: float
    """Of the bar, in percent: the longest is 100."""
    below: float
    """How many percent are shorter than its end."""


def spread(times: Times) -> list[Spread]:
    """Count times between EDGES, from the shortest to the longest that there are.

    What is kept of them is counted by buckets that are at most 1/16 wide; one lies where its middle does.
    """
    counts: Counter[int] = Counter()
    for bar in times.histogram:
        counts[bisect_right(EDGES, (bar.low + bar.high) / 2) - 1] += bar.count
    if not counts:
        return []
    most, seen, rows = max(counts.values()), 0, []
    for index in range(min(counts), max(counts) + 1):
        seen += counts[index]
        rows.append(Spread(_label(index), counts[index], 100 * counts[index] / most, 100 * seen / times.count))
    return rows


def _label(index: int) -> str:
    if index + 1 == len(EDGES):
        return f"{show_seconds(EDGES[index])} and longer"
    high = show_seconds(EDGES[index + 1])
    return f"below {high}" if index == 0 else f"{show_seconds(EDGES[index])} to {high}"

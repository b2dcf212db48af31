"""Waits, runs and transitions in figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_SPLIT_BITS = 4
_EXACT = 2 << _SPLIT_BITS
"""Times of fewer milliseconds than these 32 have a bucket each."""


def bucket_of(milliseconds: int) -> int:
    """Number the bucket of a time: 16 to each power of two, so a bucket is at most 1/16 of its times wide.

    The middle of a bucket is thus within 1/32 (3.2%) of each of its times; below 32 ms it is exact. (The log-linear
    buckets are those of HdrHistogram, by Gil Tene.)
    """
    if milliseconds < _EXACT:
        return max(0, milliseconds)
    power = milliseconds.bit_length() - _SPLIT_BITS - 1
    return (power << _SPLIT_BITS) + (milliseconds >> power)


def bucket_bounds(bucket: int) -> tuple[int, int]:
    """Tell from which to below which millisecond a bucket goes."""
    if bucket < _EXACT:
        return bucket, bucket + 1
    power = (bucket >> _SPLIT_BITS) - 1
    low = (bucket - (power << _SPLIT_BITS)) << power
    return low, low + (1 << power)


@dataclass(frozen=True, slots=True)
class Bar:
    """How many times lie from `low` to below `high` seconds."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Times:
    """Many times, in seconds. The mean and the deviation are exact, the percentiles within 3.2%.

    `std` is the deviation of all of them (population formula: the root of the mean square less the squared mean); a
    percentile is the middle of the bucket in which the time of that rank lies (nearest rank). None of no times.
    """

    count: int
    mean: float | None
    std: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    histogram: tuple[Bar, ...]
    """Of the buckets that have any, shortest first."""


@dataclass(frozen=True, slots=True)
class Stats:
    """One day (UTC) of a queue, a klass, a tag or a namespace."""

    wait: Times
    """From available to popped."""
    run: Times
    """From popped to the end of the lease, however it ended."""
    failed: int
    """Of a klass: those that failed in a run; else those that were not popped in time too."""
    retried: int
    """Runs that cost a retry, those timed out among them."""
    lost: int


@dataclass(frozen=True, slots=True)
class Throughput:
    """Transitions by the time: each list has a number for each of `times`, when its step begins (Unix seconds)."""

    times: tuple[float, ...]
    put: tuple[int, ...]
    popped: tuple[int, ...]
    completed: tuple[int, ...]
    """Runs completed, whether the job went on to another queue or not."""
    failed: tuple[int, ...]
    retried: tuple[int, ...]
    lost: tuple[int, ...]


COUNTED: dict[str, int] = {
    "put": 0,
    "popped": 1,
    "completed": 2,
    "advanced": 2,
    "failed": 3,
    "expired": 3,
    "retried": 4,
    "timed_out": 4,
    "lost": 5,
}
"""Which of Throughput's numbers an event counts for, in the order of its fields."""
COUNTERS = 6


class Spread:
    """Times as they are gathered: their count, sums, and how many lie in each bucket."""

    __slots__ = ("buckets", "count", "squares", "total")

    def __init__(
        self, count: int = 0, total: int = 0, squares: int = 0, buckets: Mapping[str, int] | None = None
    ) -> None:
        self.count, self.total, self.squares = count, total, squares
        self.buckets: dict[int, int] = {int(number): many for number, many in (buckets or {}).items()}

    def add(self, milliseconds: int) -> None:
        """Take one more time in."""
        self.count += 1
        self.total += milliseconds
        self.squares += milliseconds * milliseconds
        bucket = bucket_of(milliseconds)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def as_message(self) -> list[Any]:
        """Write it as the JSON that its constructor takes."""
        buckets = {str(number): self.buckets[number] for number in sorted(self.buckets)}
        return [self.count, self.total, self.squares, buckets]

    def times(self) -> Times:
        """Sum it up, in seconds."""
        bars = tuple(
            Bar(low / 1000, high / 1000, self.buckets[number])
            for number in sorted(self.buckets)
            for low, high in [bucket_bounds(number)]
        )
        if not self.count:
            return Times(0, None, None, None, None, None, bars)
        # Whole numbers to the end: squares of milliseconds are beyond what floats tell apart.
        variance = (self.count * self.squares - self.total * self.total) / (self.count * self.count)
        p50, p95, p99 = (self._percentile(percent) for percent in (50, 95, 99))
        return Times(self.count, self.total / self.count / 1000, math.sqrt(variance) / 1000, p50, p95, p99, bars)

    def _percentile(self, percent: int) -> float:
        rank, seen = -(-self.count * percent // 100), 0
        for number in sorted(self.buckets):
            seen += self.buckets[number]
            if seen >= rank:
                break
        low, high = bucket_bounds(number)
        return (low + high - 1) / 2 / 1000


def no_counts() -> list[int]:
    """Begin to count what Throughput counts."""
    return [0] * COUNTERS


def throughput(times: Iterable[float], counts: Iterable[list[int]]) -> Throughput:
    """Turn counts by the time into lists by what they count."""
    columns = list(zip(*counts, strict=True)) or [()] * COUNTERS
    return Throughput(tuple(times), *columns)

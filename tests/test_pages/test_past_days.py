"""Days that are over are read once, and no page reads days for long."""

from __future__ import annotations

import dataclasses

from qless_flask.models import Spread, Stats
from qless_flask.testing import ManualClock
from qless_flask.web.pages.past_days import FRESH_SECONDS, PastDays

NAMES = ["2026-11-24", "2026-11-23", "2026-11-22"]


class Store:
    """Counts what is read; reading takes its time."""

    def __init__(self, clock: ManualClock, seconds: float = 0) -> None:
        self.read: list[str] = []
        self._clock, self._seconds = clock, seconds

    def stats(self, day: str) -> Stats:
        self.read.append(day)
        self._clock.advance(self._seconds)
        waits = Spread()
        waits.add(1000)
        return Stats(waits.times(), Spread().times(), len(self.read), 0, 0)


def test_past_days_are_read_once_and_today_each_time() -> None:
    clock = ManualClock()
    store, days = Store(clock), PastDays(clock)

    first = days.read(NAMES, "shop", store.stats)
    second = days.read(NAMES, "shop", store.stats)

    assert store.read == [*NAMES, NAMES[0]]
    assert second[1:] == first[1:]
    assert second[0] != first[0]


def test_what_was_read_of_a_day_before_its_end_is_not_kept() -> None:
    clock = ManualClock()
    store, days = Store(clock), PastDays(clock)
    days.read(NAMES[1:], "shop", store.stats)

    days.read(NAMES, "shop", store.stats)

    assert store.read == [*NAMES[1:], *NAMES[:2]]


def test_after_a_while_they_are_read_anew() -> None:
    clock = ManualClock()
    store, days = Store(clock), PastDays(clock)
    days.read(NAMES, "shop", store.stats)

    clock.advance(FRESH_SECONDS)
    days.read(NAMES, "shop", store.stats)

    assert store.read == NAMES * 2


def test_what_they_are_of_is_told_apart() -> None:
    clock = ManualClock()
    store, days = Store(clock), PastDays(clock)

    days.read(NAMES, ("shop", "queue", "a"), store.stats)
    days.read(NAMES, ("shop", "klass", "a"), store.stats)

    assert store.read == NAMES * 2


def test_where_reading_takes_long_the_rest_is_left_for_the_next_time() -> None:
    clock = ManualClock()
    store, days = Store(clock, seconds=0.6), PastDays(clock, patience=1)

    first = days.read(NAMES, "shop", store.stats)
    assert [day.stats is None for day in first] == [False, False, True]

    second = days.read(NAMES, "shop", store.stats)
    assert [day.stats is None for day in second] == [False, False, False]


def test_today_is_read_however_long_that_takes() -> None:
    clock = ManualClock()

    [day] = PastDays(clock, patience=0).read(NAMES[:1], "shop", Store(clock).stats)

    assert day.stats is not None


def test_no_histograms_are_kept() -> None:
    clock = ManualClock()

    [day] = PastDays(clock).read(NAMES[:1], "shop", Store(clock).stats)

    assert day.stats is not None
    assert (day.stats.wait.count, day.stats.wait.histogram) == (1, ())
    assert dataclasses.replace(day.stats.wait, histogram=()) == day.stats.wait

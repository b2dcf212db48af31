"""The query of the statistics: a range that there are figures of, by steps that a curve can show."""

from __future__ import annotations

import pytest

from qless_flask.web.pages.stats_choice import (
    HOUR_SECONDS,
    KEPT_DAYS,
    MOST_STEPS,
    Choice,
    begin_of,
    day_of,
    read_choice,
)

NOW = begin_of("2026-11-24") + 12.5 * HOUR_SECONDS
DAY = 24 * HOUR_SECONDS


def chosen(**query: str) -> Choice:
    return read_choice(query, NOW)


@pytest.mark.parametrize(
    ("last", "step"),
    [("1h", 60), ("6h", 300), ("24h", 600), ("48h", 1_200), ("7d", 7_200), ("30d", 21_600), ("90d", 86_400)],
)
def test_a_longer_range_has_longer_steps(last: str, step: int) -> None:
    choice = chosen(last=last)

    assert choice.step == step
    assert (choice.until - choice.since) / step <= MOST_STEPS


def test_of_long_ago_there_are_whole_hours_only() -> None:
    assert chosen(since="2026-11-23T00:00", until="2026-11-23T01:00").step == 60
    assert chosen(since="2026-11-22T00:00", until="2026-11-22T01:00").step == HOUR_SECONDS


def test_what_is_typed_wins_over_a_last_range() -> None:
    choice = chosen(last="7d", since="2h", until="1h")

    assert (choice.last, choice.since, choice.until) == ("", NOW - 2 * HOUR_SECONDS, NOW - HOUR_SECONDS)


def test_an_end_alone_ends_the_last_range() -> None:
    choice = chosen(last="6h", until="2026-11-24T10:00")

    assert (choice.last, choice.until - choice.since) == ("", 6 * HOUR_SECONDS)


def test_nothing_is_asked_for_of_what_is_to_come_or_no_longer_kept() -> None:
    choice = chosen(since="2025-01-01", until="2027-01-01")

    assert (choice.since, choice.until, choice.faults) == (NOW - KEPT_DAYS * DAY, NOW, ())


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"of": "tag", "name": "a b&c", "last": "7d", "days": "90", "day": "2026-11-20"},
        {"of": "queue", "name": "fetch", "since": "2026-11-24T10:00:30Z", "until": "2026-11-24T11:00Z"},
    ],
)
def test_a_link_to_the_same_asks_for_the_same(query: dict[str, str]) -> None:
    choice = chosen(**query)
    again = {name: str(value) for name, value in choice.query().items() if value is not None}

    assert chosen(**again) == choice
    assert choice.query(day=None, last="1h")["last"] == "1h"


def test_days_are_those_of_utc() -> None:
    assert (day_of(NOW), chosen().day) == ("2026-11-24", "2026-11-24")


@pytest.mark.parametrize(
    ("day", "beside"),
    [
        ("2026-11-24", ["2026-11-23"]),
        ("2026-10-01", ["2026-09-30", "2026-10-02"]),
        ("2026-08-26", ["2026-08-27"]),
        ("1970-01-01", []),
        ("9999-12-31", []),
        ("0001-01-01", []),
    ],
)
def test_one_goes_from_day_to_day_as_far_as_there_are_figures(day: str, beside: list[str]) -> None:
    assert list(chosen(day=day).neighbours().values()) == beside

"""When rules are due: intervals, crontab(5), and what clocks do twice a year."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from qless_flask import recurrence
from qless_flask.errors import Invalid
from qless_flask.models import Recurrence, Recurring

HOUR, DAY = 3_600.0, 86_400.0
PARIS, NEW_YORK, LORD_HOWE = "Europe/Paris", "America/New_York", "Australia/Lord_Howe"

FORWARD = {PARIS: "2026-03-29", NEW_YORK: "2026-03-08", LORD_HOWE: "2026-10-04"}
"""The days on which 02:00 becomes 03:00 (02:30 on Lord Howe Island)."""
BACK = {PARIS: ("2026-10-25", 3, 2), NEW_YORK: ("2026-11-01", 2, 1), LORD_HOWE: ("2026-04-05", 2, 1.5)}
"""The days on which the clocks go back, from which hour, and to which."""


def build(**named: object) -> Recurrence:
    return Recurrence("Crawl", queue="fetch", id="rule", **named)  # type: ignore[arg-type]


def seen(rule: Recurrence, next_at: float, fired: int = 0) -> Recurring:
    return Recurring(rule, next_at, False, fired, None, None)


def at(text: str, timezone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)).timestamp()


def runs(cron: str, timezone: str, since: str, count: int) -> list[str]:
    """The next runs from a local midnight on, as the clocks there show them, each with its offset from UTC."""
    found = recurrence.upcoming(build(cron=cron, timezone=timezone), at(since, timezone) - 1, count)
    return [datetime.fromtimestamp(each, ZoneInfo(timezone)).strftime("%m-%d %H:%M %z") for each in found]


# Intervals


def test_an_interval_begins_one_interval_from_now() -> None:
    assert recurrence.first(build(interval=90), 1_000.25) == 1_090.25


def test_an_interval_is_counted_from_its_first_run() -> None:
    rule = build(interval=60, first_at=1_000)

    assert recurrence.first(rule, 5_000) == 1_000
    assert recurrence.following(seen(rule, 1_000), 1_059) == 1_060
    assert recurrence.following(seen(rule, 1_000), 1_060) == 1_120
    assert recurrence.following(seen(rule, 1_000), 900) == 1_000


def test_a_preview_shows_only_what_is_to_come() -> None:
    assert recurrence.upcoming(build(interval=60, first_at=1_000), 5_000, 3) == [5_020, 5_080, 5_140]
    assert recurrence.upcoming(build(interval=60), 5_000, 2) == [5_060, 5_120]
    assert recurrence.upcoming(build(interval=60, count=2), 5_000, 10) == [5_060, 5_120]


def test_an_interval_does_not_drift_by_fractions() -> None:
    rule = build(interval=1.001, first_at=0)

    at_last = recurrence.following(seen(rule, 0), 1.001 * 10**9)

    assert at_last == 1_001_000_001.001


@given(
    step=st.integers(1_000, 10**9),
    begin=st.integers(0, 2 * 10**12),
    late=st.integers(0, 10**12),
    most=st.integers(1, 20),
)
def test_intervals_are_whole_milliseconds(step: int, begin: int, late: int, most: int) -> None:
    rule = build(interval=step / 1000, catchup=most)

    firing = recurrence.fire(seen(rule, begin / 1000), (begin + late) / 1000)

    missed = late // step + 1
    assert [round(each * 1000) for each in firing.due] == [
        begin + each * step for each in range(max(0, missed - most), missed)
    ]
    assert firing.next_at == (begin + missed * step) / 1000


def test_millions_of_missed_runs_are_not_walked_through() -> None:
    began = time.monotonic()

    every_second = recurrence.fire(seen(build(interval=1), 0), 1_790_000_000.5)
    every_minute = recurrence.fire(seen(build(cron="* * * * *"), 60), 1_790_000_000)

    assert (every_second.due, every_second.next_at) == ((1_790_000_000,), 1_790_000_001)
    assert (every_minute.due, every_minute.next_at) == ((1_789_999_980,), 1_790_000_040)
    assert time.monotonic() - began < 1


# What a firing comes to


def test_what_is_due_is_put_and_the_next_run_found() -> None:
    assert recurrence.fire(seen(build(interval=60), 1_000), 1_000.2) == recurrence.Firing((1_000,), 1_060)


def test_one_makes_up_for_the_latest_time_missed() -> None:
    assert recurrence.fire(seen(build(interval=60), 1_000), 1_310).due == (1_300,)


def test_so_many_makes_up_for_each_of_the_latest() -> None:
    assert recurrence.fire(seen(build(interval=60, catchup=3), 1_000), 1_310).due == (1_180, 1_240, 1_300)
    assert recurrence.fire(seen(build(interval=60, catchup=100), 1_000), 1_130).due == (1_000, 1_060, 1_120)


@pytest.mark.parametrize(
    ("interval", "now", "due"),
    [(600, 1_060, (1_000,)), (600, 1_060.1, ()), (60, 1_061, (1_060,)), (10, 1_005, (1_000,)), (600, 1_650, (1_600,))],
)
def test_none_passes_over_what_is_missed_or_late(interval: float, now: float, due: tuple[float, ...]) -> None:
    firing = recurrence.fire(seen(build(interval=interval, catchup="none"), 1_000), now)

    assert firing.due == due
    assert firing.next_at is not None
    assert firing.next_at > now


def test_without_overlap_at_most_the_latest_is_put() -> None:
    rule = build(interval=60, catchup=10, overlap="skip")

    assert recurrence.fire(seen(rule, 1_000), 1_310).due == (1_300,)


def test_a_count_ends_it() -> None:
    rule = build(interval=60, count=5, catchup=10)

    assert recurrence.fire(seen(rule, 1_000, fired=3), 1_000) == recurrence.Firing((1_000,), 1_060)
    assert recurrence.fire(seen(rule, 1_000, fired=4), 1_000) == recurrence.Firing((1_000,), None)
    assert recurrence.fire(seen(rule, 1_000, fired=3), 1_310) == recurrence.Firing((1_240, 1_300), None)
    assert recurrence.fire(seen(rule, 1_000, fired=5), 1_310) == recurrence.Firing((), None)


def test_a_run_that_may_be_skipped_is_not_taken_for_the_last() -> None:
    rule = build(interval=60, count=5, overlap="skip")

    assert recurrence.fire(seen(rule, 1_000, fired=4), 1_000) == recurrence.Firing((1_000,), 1_060)
    assert recurrence.fire(seen(rule, 1_060, fired=5), 1_060) == recurrence.Firing((), None)


def test_cron_makes_up_as_intervals_do() -> None:
    rule = build(cron="30 4 * * *", catchup=3)
    first = at("2026-01-01T04:30")

    firing = recurrence.fire(seen(rule, first), at("2026-05-01T00:00"))

    assert firing.due == tuple(at(f"2026-04-{day}T04:30") for day in (28, 29, 30))
    assert firing.next_at == at("2026-05-01T04:30")


def test_a_time_that_the_rule_no_longer_has_is_made_up_for_all_the_same() -> None:
    assert recurrence.fire(seen(build(cron="0 4 * * *"), at("2026-01-01T03:00")), at("2026-01-01T03:00")).due == (
        at("2026-01-01T03:00"),
    )


def test_nothing_is_due_after_the_last_time_that_stores_take() -> None:
    century = 100 * 366 * DAY

    assert recurrence.following(seen(build(interval=century), 4e9), 5e9) is None
    assert recurrence.following(seen(build(cron="0 0 1 1 *"), 4e9), 2 * century - DAY) is None


# The five fields


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 12 * JAN mon", "2026-01-05T12:00"),
        ("0 12 * Dec *", "2026-12-01T12:00"),
        ("0 0 * * 0", "2026-01-04T00:00"),
        ("0 0 * * 7", "2026-01-04T00:00"),
        ("0 0 * * SUN", "2026-01-04T00:00"),
        ("0 0 * * 1", "2026-01-05T00:00"),
        ("0 0 * * sat-sun", "2026-01-03T00:00"),
        ("0 0 * * 6-7", "2026-01-03T00:00"),
        ("0 0 31 * *", "2026-01-31T00:00"),
        ("0 0 31 2,4,6,7 *", "2026-07-31T00:00"),
        ("0 0 29 feb *", "2028-02-29T00:00"),
        ("*/25 * * * *", "2026-01-01T00:25"),
        ("10-40/15 * * * *", "2026-01-01T00:10"),
        ("5,4,3 6 * * *", "2026-01-01T06:03"),
        ("0 0 13 * fri", "2026-01-02T00:00"),
        ("0 0 13 * */5", "2026-02-13T00:00"),
        ("0 0 */2 * tue", "2026-01-13T00:00"),
        (" 0\t0  *  * * ", "2026-01-02T00:00"),
    ],
)
def test_fields_mean_what_crontab_says(cron: str, expected: str) -> None:
    assert recurrence.first(build(cron=cron), at("2026-01-01T00:00")) == at(expected)


def test_a_month_without_a_31st_is_passed_over() -> None:
    assert [each[:5] for each in runs("0 0 31 * *", "UTC", "2026-01-01", 4)] == ["01-31", "03-31", "05-31", "07-31"]


def test_a_leap_day_comes_in_leap_years() -> None:
    found = recurrence.upcoming(build(cron="0 0 29 2 *"), at("2090-01-01"), 4)

    assert [datetime.fromtimestamp(each, UTC).year for each in found] == [2092, 2096, 2104, 2108]


def test_either_of_two_restricted_days_will_do() -> None:
    assert [each[:5] for each in runs("0 0 1,15 * mon", "UTC", "2026-06-01", 6)] == [
        "06-01", "06-08", "06-15", "06-22", "06-29", "07-01",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "cron",
    [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *",
        "* * * * 8", "*/0 * * * *", "5/10 * * * *", "5-1 * * * *", "* * * * 5-0", "1, * * * *", ",1 * * * *",
        "* * * janu *", "* * * mon *", "* * * * jan", "-1 * * * *", "1--2 * * * *", "*-5 * * * *", "+1 * * * *",
        "\u0663 * * * *", "@daily", "a * * * *", "1.5 * * * *", "*/ * * * *", "? * * * *", "L * * * *",
        "0 0 30 2 *", "0 0 31 4,6 *", "0 0 last * *", "9" * 499 + " * * * *",
    ],
)  # fmt: skip
def test_what_is_no_rule_or_never_comes_is_invalid(cron: str) -> None:
    with pytest.raises(Invalid) as raised:
        recurrence.first(build(cron=cron), 0)

    assert list(raised.value.fields) == ["cron"]


@pytest.mark.parametrize(
    "timezone",
    ["Nowhere", "utc", "Europe", "../etc/passwd", "/etc/localtime", "posix/UTC", "localtime", "Europe/", "."],
)
@pytest.mark.parametrize("when", [{"cron": "* * * * *"}, {"interval": 60}])
def test_an_unknown_time_zone_is_invalid(timezone: str, when: dict[str, object]) -> None:
    with pytest.raises(Invalid) as raised:
        recurrence.first(build(timezone=timezone, **when), 0)

    assert list(raised.value.fields) == ["timezone"]


# The clocks change


@pytest.mark.parametrize("zone", FORWARD)
def test_a_fixed_time_that_is_left_out_runs_once_at_the_change(zone: str) -> None:
    found = runs("10,20 2 * * *", zone, FORWARD[zone], 3)

    change = {PARIS: "03-29 03:00 +0200", NEW_YORK: "03-08 03:00 -0400", LORD_HOWE: "10-04 02:30 +1100"}
    assert found[0] == change[zone]
    assert [each[6:11] for each in found[1:]] == ["02:10", "02:20"]


@pytest.mark.parametrize("zone", FORWARD)
def test_a_wildcard_runs_by_real_time_when_clocks_go_forward(zone: str) -> None:
    since = at(f"{FORWARD[zone]}T00:00", zone)
    found = recurrence.upcoming(build(cron="*/10 * * * *", timezone=zone), since, 40)

    assert {later - sooner for sooner, later in itertools.pairwise(found)} == {600}


@pytest.mark.parametrize("zone", BACK)
def test_a_fixed_time_that_comes_twice_runs_once_the_first_time(zone: str) -> None:
    day, from_hour, to_hour = BACK[zone]
    wall = timedelta(hours=(from_hour + to_hour) / 2)
    minutes = int(wall.total_seconds()) // 60

    found = runs(f"{minutes % 60} {minutes // 60} * * *", zone, day, 2)

    summer = {PARIS: "+0200", NEW_YORK: "-0400", LORD_HOWE: "+1100"}
    assert found[0].endswith(summer[zone])
    assert found[0][:5] == day[5:]
    assert found[1][:5] != day[5:]


@pytest.mark.parametrize("zone", BACK)
def test_a_wildcard_runs_by_real_time_when_clocks_go_back(zone: str) -> None:
    since = at(f"{BACK[zone][0]}T00:00", zone)
    found = recurrence.upcoming(build(cron="*/10 * * * *", timezone=zone), since, 40)

    assert {later - sooner for sooner, later in itertools.pairwise(found)} == {600}


def test_a_wildcard_minute_runs_in_both_hours_of_the_same_name() -> None:
    assert runs("*/30 1 * * *", NEW_YORK, "2026-11-01", 5) == [
        "11-01 01:00 -0400",
        "11-01 01:30 -0400",
        "11-01 01:00 -0500",
        "11-01 01:30 -0500",
        "11-02 01:00 -0500",
    ]


def test_midnight_runs_once_where_the_clocks_change_at_midnight() -> None:
    assert runs("0 0 * * *", "America/Havana", "2024-03-10", 2) == ["03-10 01:00 -0400", "03-11 00:00 -0400"]
    assert runs("0 0 * * *", "America/Havana", "2024-11-03", 2) == ["11-03 00:00 -0400", "11-04 00:00 -0500"]


def test_clocks_that_go_back_over_midnight_begin_the_day_twice() -> None:
    zone = "America/St_Johns"

    assert runs("0 0 * * *", zone, "2010-11-06", 3) == ["11-06 00:00 -0230", "11-07 00:00 -0230", "11-08 00:00 -0330"]
    since = at("2010-11-06T12:00", zone)
    found = recurrence.upcoming(build(cron="*/15 * * * *", timezone=zone), since, 100)
    assert {later - sooner for sooner, later in itertools.pairwise(found)} == {900}


def test_a_day_that_a_country_left_out_is_not_made_up_for() -> None:
    assert runs("0 5 * * *", "Pacific/Apia", "2011-12-29", 2) == ["12-29 05:00 -1000", "12-31 05:00 +1400"]


# Against a walk minute by minute


@dataclass(frozen=True)
class Field:
    """What stands in a field, and what it means."""

    text: str
    numbers: frozenset[int]

    @property
    def star(self) -> bool:
        return self.text.startswith("*")


@st.composite
def drawn_fields(draw: st.DrawFn, low: int, high: int, star_high: int | None = None) -> Field:
    if draw(st.booleans()):
        step = draw(st.integers(1, 9))
        return Field("*" if step == 1 else f"*/{step}", frozenset(range(low, (star_high or high) + 1, step)))
    texts, numbers = [], set[int]()
    for _ in range(draw(st.integers(1, 2))):
        begin = draw(st.integers(low, high))
        end = draw(st.integers(begin, high))
        step = draw(st.integers(1, 5))
        texts.append(draw(st.sampled_from([f"{begin}-{end}/{step}", f"{begin}"])))
        numbers |= set(range(begin, end + 1, step)) if "-" in texts[-1] else {begin}
    return Field(",".join(texts), frozenset(numbers))


Rule = tuple[Field, Field, Field, Field, Field]
rules = st.tuples(
    drawn_fields(0, 59), drawn_fields(0, 4, 23), drawn_fields(1, 31), drawn_fields(1, 12), drawn_fields(0, 7)
)


def walk(rule: Rule, zone: str, since: int, minutes: int) -> list[float]:
    """Do as cron(8) does: look at the clock each minute; run at once what was skipped, don't repeat what has run."""
    minute, hour, day, month, weekday = rule
    wildcard = minute.star or hour.star
    found = []

    def matches(wall: datetime) -> bool:
        on_day, on_weekday = wall.day in day.numbers, (wall.isoweekday() % 7) in {each % 7 for each in weekday.numbers}
        either = not day.star and not weekday.star
        return (
            wall.minute in minute.numbers
            and wall.hour in hour.numbers
            and wall.month in month.numbers
            and (on_day or on_weekday if either else on_day and on_weekday)
        )

    clock = ZoneInfo(zone)
    previous = datetime.fromtimestamp(since - 60, clock).replace(tzinfo=None, fold=0)
    for moment in range(since, since + minutes * 60, 60):
        shown = datetime.fromtimestamp(moment, clock)
        wall = shown.replace(tzinfo=None, fold=0)
        skipped = [previous + timedelta(minutes=each) for each in range(1, (wall - previous) // timedelta(minutes=1))]
        if (matches(wall) and (wildcard or not shown.fold)) or (not wildcard and any(map(matches, skipped))):
            found.append(float(moment))
        previous = wall
    return found


CHANGES = [
    (zone, round(at(f"{day}T00:00", zone)) - 6 * 3600)
    for zone, day in [*FORWARD.items(), *((zone, back[0]) for zone, back in BACK.items())]
]
STAR = Field("*", frozenset(range(60)))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)
@given(
    rule=rules.filter(lambda rule: not rule[2].numbers <= {30, 31}),
    change=st.sampled_from(CHANGES),
    most=st.integers(1, 50),
)
@example((Field("0-59", frozenset(range(60))), Field("0-3", frozenset(range(4))), STAR, STAR, STAR), CHANGES[0], 3)
@example((STAR, STAR, STAR, STAR, STAR), CHANGES[5], 50)
def test_cron_runs_as_a_walk_minute_by_minute(rule: Rule, change: tuple[str, int], most: int) -> None:
    zone, since = change
    cron = build(cron=" ".join(field.text for field in rule), timezone=zone, catchup=most)

    expected = walk(rule, zone, since, 36 * 60)

    end = since + 36 * HOUR
    runs_found = []
    next_at = recurrence.first(cron, since - 1)
    while next_at is not None and next_at < end:
        runs_found.append(next_at)
        next_at = recurrence.following(seen(cron, next_at), next_at)
    assert runs_found == expected
    if expected:
        assert recurrence.fire(seen(cron, expected[0]), end - 1) == recurrence.Firing(tuple(expected[-most:]), next_at)


def test_every_process_finds_the_same() -> None:
    script = """
from qless_flask import recurrence
from qless_flask.models import Recurrence
for zone in ("Europe/Paris", "America/New_York"):
    rule = Recurrence("K", queue="q", cron="*/7 1-3 25,29 * sun", timezone=zone)
    print(recurrence.upcoming(rule, 1_790_000_000, 300))
"""
    answers = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "TZ": timezone, "PYTHONHASHSEED": seed, "PYTHONTZPATH": ""},
            check=True,
            capture_output=True,
        ).stdout
        for timezone, seed in (("UTC", "1"), ("Asia/Tokyo", "2"), ("America/New_York", "3"))
    }

    assert len(answers) == 1

"""Statistics: buckets, sums and percentiles held against plain lists of times, and how events are folded into rows."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qless_flask.backends.folding import NAMES_A_DAY, FoldingNamespace, Row
from qless_flask.errors import Invalid
from qless_flask.models import Event, EventPage, FiguresRecord, Spread, Stats, check_records
from qless_flask.models.statistics import bucket_bounds, bucket_of
from qless_flask.testing import ManualClock

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
times = st.lists(st.integers(0, 200_000) | st.integers(0, 10**13), min_size=1, max_size=60)


class TestBuckets:
    def test_below_32_milliseconds_each_time_has_its_own(self) -> None:
        assert [bucket_of(each) for each in range(32)] == list(range(32))

    def test_buckets_follow_each_other_without_a_gap(self) -> None:
        bounds = [bucket_bounds(bucket) for bucket in range(600)]

        assert bounds[0][0] == 0
        assert all(one[1] == other[0] for one, other in itertools.pairwise(bounds))

    @given(st.integers(0, 1 << 60))
    def test_a_time_lies_in_its_bucket(self, milliseconds: int) -> None:
        low, high = bucket_bounds(bucket_of(milliseconds))

        assert low <= milliseconds < high

    @given(st.integers(0, 1 << 60))
    def test_the_middle_is_within_3_point_2_percent(self, milliseconds: int) -> None:
        low, high = bucket_bounds(bucket_of(milliseconds))

        assert abs((low + high - 1) / 2 - milliseconds) <= milliseconds / 32

    def test_a_time_before_0_counts_as_none(self) -> None:
        assert bucket_of(-5) == 0


class TestSpreads:
    @given(times)
    def test_mean_and_deviation_are_exact(self, found: list[int]) -> None:
        spread = Spread()
        for each in found:
            spread.add(each)

        summed = spread.times()

        assert summed.count == len(found)
        assert summed.mean == pytest.approx(statistics.fmean(found) / 1000)
        assert summed.std == pytest.approx(statistics.pstdev(found) / 1000, rel=1e-9, abs=1e-9)

    @given(times)
    def test_percentiles_are_within_3_point_2_percent_of_the_nearest_rank(self, found: list[int]) -> None:
        spread = Spread()
        for each in found:
            spread.add(each)

        summed = spread.times()

        for percent, told in ((50, summed.p50), (95, summed.p95), (99, summed.p99)):
            right = sorted(found)[math.ceil(len(found) * percent / 100) - 1]
            assert told is not None
            assert abs(told * 1000 - right) <= right / 32 + 1e-6

    @given(times)
    def test_the_histogram_counts_every_time_once(self, found: list[int]) -> None:
        spread = Spread()
        for each in found:
            spread.add(each)

        bars = spread.times().histogram

        assert sum(bar.count for bar in bars) == len(found)
        assert all(bar.count > 0 for bar in bars)
        assert [bar.low for bar in bars] == sorted(bar.low for bar in bars)
        for bar in bars:
            assert bar.count == sum(round(bar.low * 1000) <= each < round(bar.high * 1000) for each in found)

    @given(times)
    def test_a_spread_is_built_again_from_what_it_wrote(self, found: list[int]) -> None:
        spread = Spread()
        for each in found:
            spread.add(each)

        assert Spread(*spread.as_message()).times() == spread.times()

    def test_no_times_have_no_mean(self) -> None:
        summed = Spread().times()

        assert (summed.count, summed.mean, summed.std, summed.p50, summed.histogram) == (0, None, None, None, ())

    def test_many_long_times_are_summed_without_loss(self) -> None:
        spread = Spread()
        for _ in range(10_000):
            spread.add(90 * 86_400_000)
        spread.add(90 * 86_400_000 + 1)

        assert spread.times().std == pytest.approx(1e-5, rel=1e-3)


class Folding(FoldingNamespace):
    """Rows and events in memory."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOON)
        self.told: list[Event] = []
        self.rows: dict[Row, str] = {}
        self.seen: str | None = None
        self.read = 0
        self.meanwhile: list[str] = []

    def tell(self, event: str, queue: str | None = "work", **more: Any) -> None:
        at = more.pop("at", self.clock())
        self.told.append(Event(str(len(self.told) + 1), at, event, "a", queue, **more))

    def fold(self) -> None:
        while self._fold_some():
            pass

    def _now(self) -> float:
        return self.clock()

    def _events(self, after: str | None, limit: int, wait: float) -> EventPage:
        self.read += 1
        found = self.told[int(after or 0) :][:limit]
        return EventPage(tuple(found), found[-1].cursor if found else after or "0")

    def _figures(self, rows: Sequence[Row]) -> tuple[str | None, list[str | None]]:
        return self.seen, [self.rows.get(row) for row in rows]

    def _fold(self, seen: str | None, cursor: str, rows: Mapping[Row, str]) -> bool:
        if self.meanwhile:
            self.seen = self.meanwhile.pop()
        if seen != self.seen:
            return False
        self.seen = cursor
        self.rows.update(rows)
        return True

    def _forget_figures(self, day: str, hour: str) -> None:
        self.rows = {row: text for row, text in self.rows.items() if row.period >= (hour if "T" in row.period else day)}


Folding.__abstractmethods__ = frozenset()


@pytest.fixture
def folding() -> Folding:
    return Folding()  # type: ignore[abstract]


def summed(stats: Stats) -> tuple[int, int, int, int, int]:
    return stats.wait.count, stats.run.count, stats.failed, stats.retried, stats.lost


class TestFolding:
    def live(self, folding: Folding, **more: Any) -> None:
        """Tell of a life of all that counts."""
        folding.tell("put")
        folding.tell("popped", klass="Crawl", waited=1.5, **more)
        folding.tell("retried", klass="Crawl", ran=2.0, **more)
        folding.tell("popped", klass="Crawl", waited=0.5, **more)
        folding.tell("lost", klass="Crawl", ran=60.0, **more)
        folding.tell("popped", klass="Crawl", waited=0.0, **more)
        folding.tell("timed_out", klass="Crawl", ran=5.0, **more)
        folding.tell("released", klass="Crawl", ran=1.0, **more)
        folding.tell("failed", klass="Crawl", ran=3.0, **more)
        folding.tell("configured", None)
        folding.tell("gap", None)

    @pytest.mark.parametrize("folded", [False, True])
    def test_a_day_is_summed_up_whether_it_is_folded_or_not(self, folding: Folding, folded: bool) -> None:
        self.live(folding, tags=("red", "blue"))
        if folded:
            folding.fold()

        everything = folding.stats()

        assert summed(everything) == (3, 5, 1, 2, 1)
        assert everything.wait.mean == pytest.approx(2 / 3)
        assert everything.run.mean == pytest.approx(71 / 5)
        assert folding.stats("2026-11-24") == everything
        assert folding.stats(queue="work") == everything
        assert folding.stats(klass="Crawl") == everything
        assert folding.stats(tag="red") == folding.stats(tag="blue") == everything
        assert summed(folding.stats(queue="other")) == (0, 0, 0, 0, 0)
        assert summed(folding.stats("2026-11-23")) == (0, 0, 0, 0, 0)

    def test_half_folded_is_the_same(self, folding: Folding) -> None:
        self.live(folding)
        folding.fold()
        self.live(folding)

        told = folding.stats(), folding.throughput()
        folding.fold()

        assert (folding.stats(), folding.throughput()) == told
        assert summed(told[0]) == (6, 10, 2, 4, 2)

    def test_a_day_ends_at_midnight_utc(self, folding: Folding) -> None:
        midnight = NOON + 12 * 3600
        folding.tell("popped", waited=1.0, at=midnight - 0.001)
        folding.tell("popped", waited=2.0, at=midnight)
        folding.fold()

        assert folding.stats("2026-11-24").wait.mean == 1.0
        assert folding.stats("2026-11-25").wait.mean == 2.0

    def test_folding_twice_counts_once(self, folding: Folding) -> None:
        self.live(folding)
        folding.fold()
        rows = dict(folding.rows)
        folding.fold()

        assert folding.rows == rows

    def test_what_another_folded_meanwhile_is_not_folded_again(self, folding: Folding) -> None:
        self.live(folding)
        folding.meanwhile = ["11"]

        assert folding._fold_some()

        assert folding.rows == {}
        assert not folding._fold_some()

    def test_rows_can_be_dumped_and_loaded(self, folding: Folding) -> None:
        self.live(folding, tags=("red",))
        folding.fold()

        check_records([FiguresRecord(**row._asdict(), text=text) for row, text in folding.rows.items()])
        assert {row.period for row in folding.rows} == {"2026-11-24", "2026-11-24T12"}

    def test_klasses_and_tags_of_a_day_are_bounded(self, folding: Folding) -> None:
        for number in range(NAMES_A_DAY + 100):
            folding.tell("popped", klass=f"klass-{number}", waited=1.0, tags=(f"tag-{number}",))
        folding.fold()
        folding.tell("popped", klass="klass-0", waited=1.0)
        folding.tell("popped", klass="one more", waited=1.0)
        folding.fold()

        assert len([row for row in folding.rows if row.of == "klass" and row.name]) == NAMES_A_DAY
        assert len([row for row in folding.rows if row.of == "tag" and row.name]) == NAMES_A_DAY
        assert folding.stats(klass="klass-0").wait.count == 2
        assert folding.stats(klass="one more").wait.count == 0
        assert folding.stats(queue="work").wait.count == NAMES_A_DAY + 102

    def test_old_rows_go(self, folding: Folding) -> None:
        self.live(folding)
        folding.fold()
        folding.clock.advance(50 * 3600)
        folding._forget_old_figures()
        assert {row.period for row in folding.rows} == {"2026-11-24"}
        folding.clock.advance(88 * 86_400)
        folding._forget_old_figures()
        assert folding.rows
        folding.clock.advance(2 * 86_400)
        folding._forget_old_figures()

        assert folding.rows == {}

    def test_a_look_reads_a_bounded_number_of_events(self, folding: Folding) -> None:
        for _ in range(1_500):
            folding.tell("popped", waited=1.0)

        assert folding.stats().wait.count == 1_500
        assert folding.read <= 3

    @pytest.mark.parametrize(
        ("field", "asked"),
        [
            ("day", {"day": "2026-11-31"}),
            ("day", {"day": "today"}),
            ("day", {"day": "2026-11-24T10"}),
            ("day", {"day": ""}),
            ("day", {"day": 5}),
            ("queue", {"queue": "a b"}),
            ("queue", {"queue": ""}),
            ("klass", {"klass": ""}),
            ("tag", {"tag": "a\n"}),
            ("tag", {"klass": "a", "tag": "a"}),
            ("klass", {"queue": "a", "klass": "a"}),
        ],
    )
    def test_what_is_no_day_or_too_much_is_refused(self, folding: Folding, field: str, asked: dict[str, str]) -> None:
        with pytest.raises(Invalid) as caught:
            folding.stats(**asked)

        assert field in caught.value.fields


class TestThroughput:
    @pytest.mark.parametrize("folded", [False, True])
    def test_transitions_are_counted_by_the_minute(self, folding: Folding, folded: bool) -> None:
        for at, event in ((0, "put"), (59.999, "put"), (60, "popped"), (61, "completed"), (180, "failed")):
            folding.tell(event, at=NOON + at)
        folding.clock.advance(200)
        if folded:
            folding.fold()

        found = folding.throughput("work", since=NOON)

        assert found.times == (NOON, NOON + 60, NOON + 120, NOON + 180)
        assert found.put == (2, 0, 0, 0)
        assert found.popped == (0, 1, 0, 0)
        assert found.completed == (0, 1, 0, 0)
        assert found.failed == (0, 0, 0, 1)
        assert found == folding.throughput(since=NOON)
        assert sum(folding.throughput("other", since=NOON).put) == 0

    @pytest.mark.parametrize(
        ("event", "column"),
        [
            ("put", "put"),
            ("popped", "popped"),
            ("completed", "completed"),
            ("advanced", "completed"),
            ("failed", "failed"),
            ("expired", "failed"),
            ("retried", "retried"),
            ("timed_out", "retried"),
            ("lost", "lost"),
        ],
    )
    def test_each_transition_counts_for_one_thing(self, folding: Folding, event: str, column: str) -> None:
        folding.tell(event)

        found = folding.throughput()

        counted = {name: sum(getattr(found, name)) for name in found.__slots__ if name != "times"}
        assert {name for name, count in counted.items() if count} == {column}

    def test_by_itself_it_tells_the_last_sixty_steps_and_the_one_that_has_just_begun(self, folding: Folding) -> None:
        folding.tell("put")

        found = folding.throughput()

        assert len(found.times) == 60
        assert found.times[-1] == NOON
        assert found.put[-1] == 1

    def test_steps_begin_at_multiples_of_themselves(self, folding: Folding) -> None:
        folding.tell("put", at=NOON + 100)

        found = folding.throughput(since=NOON + 70, until=NOON + 310, step=120)

        assert found.times == (NOON, NOON + 120, NOON + 240)
        assert found.put == (1, 0, 0)

    @pytest.mark.parametrize("folded", [False, True])
    def test_an_hour_is_the_sum_of_its_minutes(self, folding: Folding, folded: bool) -> None:
        for minute in range(0, 180, 7):
            folding.tell("put", at=NOON + minute * 60)
        folding.clock.advance(3 * 3600)
        if folded:
            folding.fold()

        hours = folding.throughput(since=NOON, step=3600, until=NOON + 3 * 3600)
        minutes = folding.throughput(since=NOON, until=NOON + 3 * 3600)

        assert hours.put == tuple(sum(minutes.put[hour * 60 : hour * 60 + 60]) for hour in range(3))
        assert folding.throughput(since=NOON, step=7200, until=NOON + 2 * 3600).put == (sum(hours.put[:2]),)

    def test_days_reach_back_ninety_days(self, folding: Folding) -> None:
        folding.tell("put")
        folding.fold()
        folding.clock.advance(89 * 86_400)
        folding._forget_old_figures()

        assert sum(folding.throughput(since=NOON, step=86_400).put) == 1
        assert sum(folding.throughput(since=NOON, step=3600 * 24).put) == 1
        assert sum(folding.throughput(since=NOON, until=NOON + 3600).put) == 0

    @pytest.mark.parametrize(
        ("field", "asked"),
        [
            ("step", {"step": 59}),
            ("step", {"step": 61}),
            ("step", {"step": 0}),
            ("step", {"step": 60.0}),
            ("step", {"since": NOON - 3_001 * 60}),
            ("since", {"since": NOON + 1}),
            ("since", {"since": NOON, "until": NOON - 1}),
            ("since", {"since": "5"}),
            ("until", {"until": -1}),
            ("until", {"until": math.inf}),
            ("queue", {"queue": "a b"}),
        ],
    )
    def test_what_cannot_be_counted_is_refused(self, folding: Folding, field: str, asked: dict[str, Any]) -> None:
        with pytest.raises(Invalid) as caught:
            folding.throughput(**asked)

        assert field in caught.value.fields

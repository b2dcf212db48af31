"""Statistics: waits and runs by the day, transitions by the time."""

from __future__ import annotations

import statistics
import time

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid
from qless_flask.models import Complete, Fail, Finish, Release, Retry, Stats
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import Check, end, pop, put, run, settle, unchanged

HOUR = 3600


def to_the_hour(clock: ManualClock) -> float:
    """Move on to the next hour, and answer its beginning."""
    clock.advance(HOUR - clock() % HOUR)
    return clock()


def to_the_day(clock: ManualClock) -> str:
    """Move on to the next day, and answer its name."""
    clock.advance(24 * HOUR - clock() % (24 * HOUR))
    return time.strftime("%Y-%m-%d", time.gmtime(clock()))


def fold(namespace: Namespace) -> None:
    while namespace.promote().more:
        pass


def counts(stats: Stats) -> tuple[int, int, int, int, int]:
    return stats.wait.count, stats.run.count, stats.failed, stats.retried, stats.lost


folded = pytest.mark.parametrize("folded", [False, True], ids=["unfolded", "folded"])


class TestStats:
    """Each wait and each run counts once, for its queue, klass and tags."""

    @folded
    def test_waits_and_runs_are_summed_up(self, namespace: Namespace, clock: ManualClock, folded: bool) -> None:
        to_the_day(clock)
        for jid, waits, runs in (("a", 1.5, 10), ("b", 2.5, 20), ("c", 0, 0.25)):
            put(namespace, jid, tags=("red",))
            clock.advance(waits)
            lease = pop(namespace)
            clock.advance(runs)
            settle(namespace, Complete(lease))
        if folded:
            fold(namespace)

        stats = namespace.stats()

        assert counts(stats) == (3, 3, 0, 0, 0)
        assert stats.wait.mean == pytest.approx(4 / 3)
        assert stats.run.mean == pytest.approx(30.25 / 3)
        assert stats.run.std == pytest.approx(statistics.pstdev([10, 20, 0.25]))
        assert stats.run.p50 == pytest.approx(10, rel=0.032)
        assert stats.run.p95 == stats.run.p99 == pytest.approx(20, rel=0.032)
        assert sum(bar.count for bar in stats.run.histogram) == 3
        assert namespace.stats(queue="work") == namespace.stats(klass="Crawl") == namespace.stats(tag="red") == stats

    @folded
    def test_every_end_of_a_lease_is_a_run(self, namespace: Namespace, clock: ManualClock, folded: bool) -> None:
        to_the_day(clock)
        jids = ("advanced", "complete", "retried", "failed", "released", "canceled", "moved", "finished", "timed out")
        for jid in jids:
            put(namespace, jid, queue=jid.replace(" ", "-"), pipeline=("next",) if jid == "advanced" else ())
        leases = {jid: pop(namespace, jid.replace(" ", "-")) for jid in jids}
        clock.advance(4)
        settle(namespace, Complete(leases["advanced"]))
        settle(namespace, Complete(leases["complete"]))
        settle(namespace, Retry(leases["retried"]))
        settle(namespace, Fail(leases["failed"], group="broken"))
        settle(namespace, Release(leases["released"]))
        namespace.cancel(["canceled"])
        namespace.move(["moved"], "elsewhere")
        namespace.finish(["finished"], Finish("failed"))
        namespace.timeout(["timed out"])
        if folded:
            fold(namespace)

        assert counts(namespace.stats()) == (9, 9, 1, 2, 0)
        for jid in jids:
            stats = namespace.stats(queue=jid.replace(" ", "-"))
            assert (stats.wait.count, stats.run.count, stats.run.mean) == (1, 1, 4)
        assert counts(namespace.stats(queue="elsewhere")) == (0, 0, 0, 0, 0)
        assert counts(namespace.stats(klass="Crawl")) == (9, 9, 1, 2, 0)

    def test_a_lost_lease_is_a_run_till_it_is_taken_back(self, namespace: Namespace, clock: ManualClock) -> None:
        to_the_day(clock)
        run(namespace)
        clock.advance(100)

        fold(namespace)

        stats = namespace.stats(queue="work")
        assert counts(stats) == (1, 1, 0, 0, 1)
        assert stats.run.mean == 100

    def test_what_never_ran_is_no_run(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", "c")
        put(namespace, "late", queue="late", expires_in=1)
        namespace.cancel(["a"])
        namespace.move(["b"], "other")
        namespace.finish(["c"], Finish("complete"))
        clock.advance(1)
        fold(namespace)

        stats = namespace.stats()
        assert (stats.wait.count, stats.run.count) == (0, 0)
        assert namespace.stats(queue="late").failed == 1

    def test_a_wait_begins_when_a_job_becomes_available(self, namespace: Namespace, clock: ManualClock) -> None:
        to_the_day(clock)
        put(namespace, "a", delay=100)
        clock.advance(100)
        namespace.promote()
        clock.advance(7)

        lease = pop(namespace)
        clock.advance(5)
        settle(namespace, Release(lease))
        clock.advance(1)
        pop(namespace)

        wait = namespace.stats(queue="work").wait
        assert (wait.count, wait.mean) == (2, 4)

    def test_a_wait_ends_alike_with_a_pop_in_turn(self, namespace: Namespace, clock: ManualClock) -> None:
        to_the_day(clock)
        put(namespace, "a", delay=100)
        clock.advance(100)
        namespace.promote()
        clock.advance(7)

        namespace.pop(["work"], "ann", order="round_robin")

        assert namespace.stats(queue="work").wait.mean == 7

    @folded
    def test_each_day_has_figures_of_its_own(self, namespace: Namespace, clock: ManualClock, folded: bool) -> None:
        first = to_the_day(clock)
        run(namespace, "a")
        second = to_the_day(clock)
        run(namespace, "b", queue="other")
        if folded:
            fold(namespace)

        assert namespace.stats(first).wait.count == 1
        assert namespace.stats(first, queue="work").wait.count == 1
        assert namespace.stats(second, queue="other") == namespace.stats(queue="other")
        assert namespace.stats(second, queue="other").wait.count == 1

    def test_figures_stay_when_jobs_events_and_queues_are_gone(self, namespace: Namespace, clock: ManualClock) -> None:
        day = to_the_day(clock)
        put(namespace, "a", tags=("red",))
        end(namespace, "a")
        clock.advance(30 * 24 * HOUR)
        while namespace.prune().more:
            pass
        namespace.forget("work")

        assert namespace.get(["a"]) == [None]
        for stats in (
            namespace.stats(day),
            namespace.stats(day, queue="work"),
            namespace.stats(day, klass="Crawl"),
            namespace.stats(day, tag="red"),
        ):
            assert (stats.wait.count, stats.run.count) == (1, 1)

    def test_figures_are_kept_for_ninety_days(self, namespace: Namespace, clock: ManualClock) -> None:
        day = to_the_day(clock)
        run(namespace)
        fold(namespace)
        clock.advance(90 * 24 * HOUR)
        namespace.prune()
        assert namespace.stats(day).wait.count == 1

        clock.advance(24 * HOUR)
        namespace.prune()

        assert namespace.stats(day).wait.count == 0

    def test_prune_folds_what_it_trims(self, namespace: Namespace, clock: ManualClock) -> None:
        day = to_the_day(clock)
        run(namespace)
        clock.advance(25 * HOUR)

        while namespace.prune().more:
            pass

        assert namespace.events().events == ()
        assert namespace.stats(day).wait.count == 1

    def test_folding_again_counts_nothing_twice(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace)
        for _ in range(3):
            namespace.promote()
            namespace.prune()

        assert namespace.stats().wait.count == 1

    def test_what_never_was_has_no_times(self, namespace: Namespace) -> None:
        stats = namespace.stats("2020-02-29", queue="nothing")

        assert counts(stats) == (0, 0, 0, 0, 0)
        assert (stats.wait.mean, stats.wait.std, stats.wait.p50, stats.wait.histogram) == (None, None, None, ())

    @pytest.mark.parametrize(
        ("field", "asked"),
        [
            ("day", {"day": "2026-02-29"}),
            ("day", {"day": "yesterday"}),
            ("queue", {"queue": "a b"}),
            ("klass", {"klass": ""}),
            ("tag", {"tag": "\n"}),
            ("tag", {"queue": "a", "tag": "b"}),
        ],
    )
    def test_what_cannot_be_told_is_refused(self, namespace: Namespace, field: str, asked: dict[str, str]) -> None:
        with pytest.raises(Invalid) as caught:
            namespace.stats(**asked)

        assert field in caught.value.fields

    def test_a_look_writes_nothing(self, namespace: Namespace, check: Check) -> None:
        run(namespace)

        with unchanged(namespace, check):
            namespace.stats()
            namespace.throughput()


class TestThroughput:
    """Each transition counts once, when it happened."""

    @folded
    def test_transitions_are_counted_by_the_minute(
        self, namespace: Namespace, clock: ManualClock, folded: bool
    ) -> None:
        begin = to_the_hour(clock)
        put(namespace, "a", "b", "c")
        clock.advance(60)
        leases = [pop(namespace) for _ in "abc"]
        clock.advance(59.999)
        settle(namespace, Complete(leases[0]))
        clock.advance(0.001)
        settle(namespace, Fail(leases[1], group="broken"))
        settle(namespace, Retry(leases[2]))
        if folded:
            fold(namespace)

        found = namespace.throughput("work", since=begin)

        assert found.times == (begin, begin + 60, begin + 120)
        assert found.put == (3, 0, 0)
        assert found.popped == (0, 3, 0)
        assert found.completed == (0, 1, 0)
        assert found.failed == (0, 0, 1)
        assert found.retried == (0, 0, 1)
        assert found.lost == (0, 0, 0)
        assert namespace.throughput(since=begin) == found
        assert sum(namespace.throughput("other", since=begin).put) == 0

    @folded
    def test_hours_are_the_sums_of_their_minutes(self, namespace: Namespace, clock: ManualClock, folded: bool) -> None:
        begin = to_the_hour(clock)
        for number in range(9):
            put(namespace, f"job-{number}", queue=f"queue-{number % 2}")
            clock.advance(20 * 60)
        if folded:
            fold(namespace)

        assert namespace.throughput(since=begin, until=begin + 3 * HOUR, step=HOUR).put == (3, 3, 3)
        assert namespace.throughput(since=begin, until=begin + HOUR, step=600).put == (1, 0, 1, 0, 1, 0)
        assert sum(namespace.throughput("queue-0", since=begin, step=HOUR).put) == 5

    def test_by_itself_it_tells_the_last_sixty_steps(self, namespace: Namespace, clock: ManualClock) -> None:
        now = to_the_hour(clock)
        put(namespace, "a")

        found = namespace.throughput()

        assert len(found.times) == 60
        assert found.times[-1] == now
        assert found.put[-1] == 1

    def test_minutes_are_kept_two_days_and_hours_ninety(self, namespace: Namespace, clock: ManualClock) -> None:
        begin = to_the_hour(clock)
        put(namespace, "a")
        clock.advance(47 * HOUR)
        namespace.prune()
        assert namespace.throughput(since=begin, until=begin + 60).put == (1,)

        clock.advance(3 * HOUR)
        namespace.prune()
        assert namespace.throughput(since=begin, until=begin + 60).put == (0,)
        assert namespace.throughput(since=begin, until=begin + HOUR, step=HOUR).put == (1,)

        clock.advance(91 * 24 * HOUR)
        namespace.prune()
        assert namespace.throughput(since=begin, until=begin + HOUR, step=HOUR).put == (0,)

    @pytest.mark.parametrize(
        ("field", "asked"),
        [
            ("queue", {"queue": "a b"}),
            ("step", {"step": 30}),
            ("step", {"step": 90}),
            ("step", {"step": 0}),
            ("step", {"since": 0.0}),
            ("since", {"since": 500.0, "until": 400.0}),
            ("since", {"since": -1.0}),
            ("until", {"until": -1.0}),
        ],
    )
    def test_what_cannot_be_told_is_refused(self, namespace: Namespace, field: str, asked: dict[str, int]) -> None:
        with pytest.raises(Invalid) as caught:
            namespace.throughput(**asked)  # type: ignore[arg-type]

        assert field in caught.value.fields

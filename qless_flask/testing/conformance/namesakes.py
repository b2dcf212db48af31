"""What has the same name in two namespaces: what happens to the one is not told of the other."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.models import Complete, EventFilter, Fail, Filter, Recurrence
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import end, family, many, pop, pop_all, put, run, seen_events, settle, walk

DAY = 86_400.0

Pair = tuple[Namespace, Namespace]


class TestNamesakes:
    """Jobs, tags, groups, workers, recurrences and records."""

    @pytest.fixture(params=["first", "second"])
    def pair(self, request: pytest.FixtureRequest, backend: Backend, namespace: Namespace) -> Pair:
        """Two namespaces, both begun. Something happens to the one: that which began first, or second."""
        both = namespace, backend.namespace(f"{namespace.name}-other")
        for each in both:
            each.configure("work", {})
        return both if request.param == "first" else (both[1], both[0])

    def test_a_pop_in_turn_moves_on_its_own_turn_alone(self, pair: Pair) -> None:
        one, other = pair
        for each in pair:
            put(each, "a1", "a2", queue="a")
            put(each, "b1", queue="b")

        one.pop(["a", "b"], "ann", order="round_robin")

        assert other.pop(["a", "b"], "ann", order="round_robin")[0].jid == "a1"

    def test_each_tells_all_that_are_left(self, pair: Pair) -> None:
        one, other = pair
        for each in pair:
            family(each, *many(150))
        for each in pair:
            end(each, "parent")

        assert one.promote().told == 50
        assert other.promote().told == 50

    def test_a_log_is_that_of_the_job_here(self, pair: Pair) -> None:
        leases = [run(each) for each in pair]

        for each, lease, message in zip(pair, leases, ("mine", "yours"), strict=True):
            each.log(lease, message)

        assert [[line.message for line in each.lines("a")] for each in pair] == [["mine"], ["yours"]]

    def test_a_run_counts_for_the_tag_here(self, pair: Pair, clock: ManualClock) -> None:
        one, other = pair
        leases = [run(each, tags=("t",)) for each in pair]
        clock.advance(5)

        settle(one, Complete(leases[0]))

        assert [each.tags(["t"])[0].run_mean for each in pair] == [5, None]
        assert other.tags(["t"])[0].wait_mean == 0

    def test_a_tag_is_tracked_here(self, pair: Pair) -> None:
        one, other = pair
        for each in pair:
            put(each, "a", tags=("t",))

        one.track("t")

        assert one.events(filter=EventFilter(tracked=True, jid="a")).events
        assert not other.events(filter=EventFilter(tracked=True, jid="a")).events

    def test_a_group_was_last_failed_in_here(self, pair: Pair, clock: ManualClock) -> None:
        one, other = pair
        times = []
        for each in (other, one):
            settle(each, Fail(run(each), group="broken"))
            times.append(clock())
            clock.advance(5)

        assert [each.failures()[0].last_at for each in (other, one)] == times

    def test_a_worker_counts_what_it_runs_here(self, pair: Pair) -> None:
        one, other = pair
        run(one)
        other.pop(["work"], "ann")

        assert [each.workers()[0].running for each in pair] == [1, 0]

    def test_a_worker_is_forgotten_though_its_namesake_runs_something(self, pair: Pair, clock: ManualClock) -> None:
        one, other = pair
        one.configure("work", {"heartbeat": None})
        run(one)
        other.pop(["work"], "ann")
        clock.advance(DAY)

        for each in pair:
            each.prune()

        assert [len(each.workers()) for each in pair] == [1, 0]

    def test_a_worker_is_asked_here(self, pair: Pair) -> None:
        one, other = pair
        for each in pair:
            each.pop(["work"], "ann")
            each.pop(["work"], "bob")
            put(each, "a")

        one.quiet("ann")
        other.quiet("bob")

        assert not one.pop(["work"], "ann").leases
        assert other.pop(["work"], "ann").leases

    def test_a_recurrence_is_deleted_here(self, pair: Pair) -> None:
        one, _ = pair
        for each in pair:
            each.recur(Recurrence("Crawl", queue="work", id="r", interval=60))

        one.unrecur("r")

        assert [len(each.recurrences()) for each in pair] == [0, 1]

    def test_a_record_is_deleted_here(self, pair: Pair) -> None:
        one, _ = pair
        for each in pair:
            each.remember("record", "1", None)

        one.remember("record", None, "1")

        assert [each.recall("record") for each in pair] == [None, "1"]

    def test_old_events_are_trimmed_here(self, pair: Pair, clock: ManualClock) -> None:
        one, other = pair
        put(one, "a")
        clock.advance(3_600)
        put(other, "a")

        one.prune()

        assert [event.event for event in seen_events(other)][-1:] == ["put"]
        assert not seen_events(one)

    def test_a_setting_holds_here(self, pair: Pair) -> None:
        one, _ = pair
        for each in pair:
            put(each, "a", "b")

        one.configure_namespace({"max_concurrency": 1})

        assert [pop_all(each) for each in pair] == [["a"], ["a", "b"]]

    def test_it_is_frozen_here(self, pair: Pair) -> None:
        one, other = pair

        one.freeze()

        put(other, "a")
        assert [each.settings().frozen for each in pair] == [True, False]

    def test_it_is_erased_here(self, pair: Pair) -> None:
        one, other = pair
        for each in pair:
            put(each, "a", tags=("t",))
            each.remember("record", "1", None)

        cursor = one.erase(one.name).next
        while cursor:
            cursor = one.erase(one.name, cursor).next

        assert walk(other, Filter(tag="t")) == ["a"]
        assert [each.recall("record") for each in pair] == [None, "1"]

    def test_what_is_folded_here_is_counted_there_still(self, pair: Pair, clock: ManualClock) -> None:
        for each in pair:
            settle(each, Complete(run(each)))
            put(each, "b")

        for each in pair:
            while each.promote().more:
                pass

        for each in pair:
            pop(each)
            assert each.stats().wait.count == 2

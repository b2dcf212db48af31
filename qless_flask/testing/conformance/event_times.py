"""What events tell of times: how long a job waited, and how long it ran."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.models import Cancel, Changes, Complete, Fail, Filter, Finish, NewJob, Release, Retry
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.limits import ENDS_OF_LEASES, Act
from qless_flask.testing.conformance.scenes import family, new, pop, put, run, seen_events, settle


class TestTimesOfEvents:
    """`waited`, `ran` and `klass`."""

    def test_a_pop_tells_how_long_the_job_waited(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a")
        clock.advance(2.125)
        put(namespace, "b")
        clock.advance(1)
        namespace.pop(["work"], "ann", 2)

        a, b = seen_events(namespace, "popped")

        assert (a.klass, a.waited, a.ran) == ("Crawl", 3.125, None)
        assert (b.klass, b.waited, b.ran) == ("Crawl", 1, None)

    def test_a_wait_counts_from_when_the_job_became_available(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", delay=10)
        clock.advance(12)
        namespace.promote()
        clock.advance(3)
        settle(namespace, Retry(pop(namespace)))
        clock.advance(4)
        settle(namespace, Release(pop(namespace)))
        clock.advance(5)
        pop(namespace)

        # What is released keeps the time from which it waits.
        waited = [event.waited for event in seen_events(namespace, "popped")]
        assert waited[:2] == [3, 4]

    def test_a_clock_that_went_back_makes_no_time_negative(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a")
        clock.advance(-5)
        lease = pop(namespace)
        clock.advance(-5)
        settle(namespace, Complete(lease))

        assert [(event.waited, event.ran) for event in seen_events(namespace)] == [(None, None), (0, None), (None, 0)]

    @pytest.mark.parametrize("act", ENDS_OF_LEASES.values(), ids=ENDS_OF_LEASES.keys())
    def test_each_end_of_a_lease_tells_how_long_it_ran(
        self, namespace: Namespace, clock: ManualClock, act: Act
    ) -> None:
        lease = run(namespace, tags=("t",))
        clock.advance(7.5)
        before = len(seen_events(namespace))

        act(namespace, lease)

        event = seen_events(namespace)[before]
        # A job put anew is no end that is told by itself.
        expected = (None, None) if event.event == "put" else ("Crawl", 7.5)
        assert (event.klass, event.ran, event.waited) == (*expected, None)

    @pytest.mark.parametrize(("losses", "event"), [(3, "lost"), (0, "failed")])
    def test_a_lost_lease_ran_until_it_was_taken_back(
        self, namespace: Namespace, clock: ManualClock, losses: int, event: str
    ) -> None:
        namespace.configure("work", {"max_losses": losses})
        run(namespace)
        clock.advance(65)
        namespace.promote()

        [told] = seen_events(namespace, event)

        assert (told.klass, told.ran, told.waited) == ("Crawl", 65, None)

    def test_a_run_over_its_time_ran_until_it_was_taken_back(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace, max_run=5)
        clock.advance(6)
        namespace.promote()

        [told] = seen_events(namespace, "timed_out")

        assert (told.klass, told.ran) == ("Crawl", 6)

    def test_what_did_not_run_has_no_times(self, namespace: Namespace, clock: ManualClock) -> None:
        family(namespace, "child", choice="cancel")
        put(namespace, "a", "b", "c", "d", "e")
        put(namespace, "due", delay=1)
        put(namespace, "late", expires_in=5)
        clock.advance(60)
        namespace.promote()
        namespace.cancel(["a"])
        namespace.move(["b"], "other")
        namespace.finish(["c"], Finish("failed"))
        namespace.update(["d"], Changes(priority=1, tracked=True))
        namespace.change(Filter(state="waiting", queue="other"), Cancel())
        namespace.cancel(["parent"], dependents="choice")
        namespace.configure("work", {"retries": 1})
        namespace.track("t")

        assert {(event.klass, event.waited, event.ran) for event in seen_events(namespace)} == {(None, None, None)}

    def test_each_job_of_a_batch_has_its_own(self, namespace: Namespace, clock: ManualClock) -> None:
        for index, klass in enumerate(("Crawl", "Parse", "Parse", "Crawl")):
            namespace.put([NewJob(klass, queue="work", jid=f"{index}")])
            clock.advance(1)
        leases = list(namespace.pop(["work"], "ann", 2))
        clock.advance(10)
        leases += namespace.pop(["work"], "ann", 2)
        clock.advance(1)
        namespace.settle([Complete(leases[0]), Fail(leases[3], group="broken"), Complete(leases[1]), Retry(leases[2])])

        popped = [(event.jid, event.klass, event.waited) for event in seen_events(namespace, "popped")]
        ends = [(event.jid, event.event, event.klass, event.ran) for event in seen_events(namespace)[-4:]]

        assert popped == [("0", "Crawl", 4), ("1", "Parse", 3), ("2", "Parse", 12), ("3", "Crawl", 11)]
        assert ends == [
            ("0", "completed", "Crawl", 11),
            ("3", "failed", "Crawl", 1),
            ("1", "completed", "Parse", 11),
            ("2", "retried", "Parse", 1),
        ]

    def test_many_of_a_batch_have_theirs(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.put([NewJob(f"Klass {number % 7}", queue="work", jid=f"{number:03}") for number in range(200)])
        clock.advance(0.001)
        leases = namespace.pop(["work"], "ann", 200)
        clock.advance(123.456)
        namespace.settle([Complete(lease) for lease in leases])

        for name, times in (("popped", (0.001, None)), ("completed", (None, 123.456))):
            found = [(each.jid, each.klass, each.waited, each.ran) for each in seen_events(namespace, name)]
            assert found == [(f"{number:03}", f"Klass {number % 7}", *times) for number in range(200)]

    @pytest.mark.parametrize("klass", ["K 1", "é ✓", "a\\b", 'a"b', "x,y;z|w:1", "{}"])
    def test_odd_klasses_are_told_as_they_are(self, namespace: Namespace, klass: str) -> None:
        namespace.put([NewJob(klass, queue="work", jid="a"), new("b"), NewJob(klass, queue="work", jid="c")])
        namespace.settle([Complete(lease) for lease in namespace.pop(["work"], "ann", 3)])

        told = [event.klass for event in seen_events(namespace) if event.event in ("popped", "completed")]
        assert told == [klass, "Crawl", klass] * 2

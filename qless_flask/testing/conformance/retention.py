"""Retention: what prune deletes and in which order, and what is told before failed jobs go."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.models import Complete, Event, Fail, Finish, Keep, Pruned, Retention, State
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.by_hand import bring
from qless_flask.testing.conformance.scenes import (
    get,
    new,
    peek,
    pop,
    put,
    queue,
    seen_events,
    settle,
)

DAY = 86_400.0
LONG = Keep(1000 * DAY, 1_000_000)
each_end = pytest.mark.parametrize("state", ["complete", "canceled", "failed"])


def keep(state: str, age: float, count: int) -> Retention:
    """Keep those of a state so long and so many, and the others for very long."""
    kept = {"complete": LONG, "canceled": LONG, "failed": LONG, state: Keep(age, count)}
    return Retention(**kept)


def end(namespace: Namespace, *jids: str, state: str = "complete", queue: str = "work") -> None:
    """Put jobs, and end them, all at one time."""
    put(namespace, *jids, queue=queue)
    if state == "canceled":
        namespace.cancel(jids)
    else:
        namespace.finish(jids, Finish("complete" if state == "complete" else "failed"))


def pruned(namespace: Namespace) -> list[str | None]:
    """List the jids that were pruned, in order."""
    return [event.jid for event in seen_events(namespace, "pruned")]


def warnings(namespace: Namespace) -> list[tuple[str | None, float]]:
    """List of which queues, and when, it was told that failed jobs will go."""
    return [(event.queue, event.at) for event in seen_events(namespace, "trim_warning")]


class TestRetention:
    """`retention`: by age and by count."""

    @each_end
    def test_a_queue_says_how_old_they_become(self, namespace: Namespace, clock: ManualClock, state: str) -> None:
        namespace.configure("work", {"retention": keep(state, 10, 100)})
        bring(namespace, state)
        clock.advance(9.999)
        assert namespace.prune() == Pruned(0, False)

        clock.advance(0.001)

        assert namespace.prune() == Pruned(1, False)
        assert namespace.get(["a"]) == [None]

    @each_end
    def test_a_queue_says_how_many_it_keeps(self, namespace: Namespace, clock: ManualClock, state: State) -> None:
        namespace.configure("work", {"retention": keep(state, 1000, 2)})
        for jid in "badc":
            end(namespace, jid, state=state)
            clock.advance(1)

        assert namespace.prune() == Pruned(2, False)

        assert pruned(namespace) == ["b", "a"]
        assert peek(namespace, state=state) == ["c", "d"]

    @each_end
    def test_no_state_is_held_to_that_of_another(self, namespace: Namespace, clock: ManualClock, state: str) -> None:
        namespace.configure("work", {"retention": keep(state, 10, 1)})
        for each in ("complete", "canceled", "failed"):
            end(namespace, f"{each} 1", f"{each} 2", state=each)
        clock.advance(10)

        namespace.prune()

        assert sorted(map(str, pruned(namespace))) == [f"{state} 1", f"{state} 2"]

    def test_what_is_kept_for_no_time_goes_at_once(self, namespace: Namespace) -> None:
        namespace.configure("work", {"retention": Retention(Keep(0, 5), Keep(5, 0), Keep(0, 0))})
        for state in ("complete", "canceled", "failed"):
            end(namespace, state, state=state)

        assert namespace.prune().jobs == 3

    def test_each_queue_keeps_its_own(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure_namespace({"retention": keep("complete", 10, 100)})
        namespace.configure("own", {"retention": keep("complete", 20, 100)})
        end(namespace, "a")
        end(namespace, "b", queue="own")
        clock.advance(10)

        assert namespace.prune().jobs == 1
        assert (pruned(namespace), queue(namespace, "own").complete) == (["a"], 1)

    def test_a_changed_one_holds_from_the_next_prune_on(self, namespace: Namespace, clock: ManualClock) -> None:
        end(namespace, "a")
        clock.advance(60)
        assert namespace.prune().jobs == 0
        namespace.configure("work", {"retention": keep("complete", 60, 100)})
        namespace.configure("work", {}, inherit=["retention"])
        assert namespace.prune().jobs == 0

        namespace.configure_namespace({"retention": keep("complete", 60, 100)})

        assert namespace.prune().jobs == 1

    def test_those_that_others_wait_for_are_kept(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"retention": keep("failed", 5, 1)})
        for jid in "abc":
            end(namespace, jid, state="failed")
            clock.advance(1)
        put(namespace, "child", queue="other", depends=("a",))

        # Of three, two are too many: one must stay, so the two that ended after it go.
        assert namespace.prune() == Pruned(2, False)
        assert pruned(namespace) == ["b", "c"]
        clock.advance(10)
        assert namespace.prune().jobs == 0
        namespace.cancel(["child"])
        end(namespace, "d", state="failed")
        namespace.prune()
        assert pruned(namespace) == ["b", "c", "a"]

    def test_a_job_that_comes_back_is_counted_no_more(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"retention": keep("failed", 1000, 2)})
        for jid in "abc":
            end(namespace, jid, state="failed")
            clock.advance(1)

        namespace.move(["b"], "work")

        assert namespace.prune().jobs == 0

    def test_a_job_counts_in_the_queue_that_it_ended_in(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("next", {"retention": keep("complete", 10, 100)})
        namespace.put([new("a", pipeline=("next",))])
        settle(namespace, Complete(pop(namespace)))
        settle(namespace, Complete(pop(namespace, "next")))
        clock.advance(10)

        assert namespace.prune().jobs == 1


class TestOrderOfPrune:
    """Queue by queue; complete, canceled, failed; the longest ended first."""

    def test_all_that_is_too_old_goes_in_order(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure_namespace({"retention": Retention(Keep(50, 100), Keep(50, 100), Keep(50, 100))})
        for name in ("b", "C", "a"):
            for state in ("failed", "canceled", "complete"):
                for jid in ("y", "x"):
                    end(namespace, f"{name} {state} {jid}", state=state, queue=name)
                    clock.advance(1)
        clock.advance(50)
        expected = [
            f"{name} {state} {jid}"
            for name in ("C", "a", "b")
            for state in ("complete", "canceled", "failed")
            for jid in ("y", "x")
        ]

        steps = []
        while (step := namespace.prune(5)).jobs:
            steps.append(step)

        assert [step.jobs for step in steps] == [5, 5, 5, 3]
        assert [step.more for step in steps] == [True, True, True, False]
        assert pruned(namespace) == expected

    def test_of_those_that_ended_at_one_time_the_last_jid_goes_first(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.configure("work", {"retention": keep("complete", 50, 100)})
        end(namespace, "b", "é", "a", "c", "Z")
        clock.advance(1)
        end(namespace, "z")
        clock.advance(50)

        assert namespace.prune(3) == Pruned(3, True)
        assert namespace.prune(3).jobs == 3

        assert pruned(namespace) == ["é", "c", "b", "a", "Z", "z"]

    def test_of_too_many_that_ended_at_one_time_the_last_jids_go(self, namespace: Namespace) -> None:
        namespace.configure("work", {"retention": keep("complete", 1000, 2)})
        end(namespace, *"cadb")

        namespace.prune()

        assert pruned(namespace) == ["d", "c"]
        assert peek(namespace, state="complete") == ["a", "b"]

    def test_too_many_and_too_old_go_alike(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"retention": keep("canceled", 10, 3)})
        for jid in "abcdef":
            end(namespace, jid, state="canceled")
            clock.advance(2)

        # Three are too many, and the first two are too old besides.
        assert namespace.prune() == Pruned(3, False)
        assert pruned(namespace) == ["a", "b", "c"]
        clock.advance(6)
        assert namespace.prune().jobs == 2
        assert pruned(namespace)[3:] == ["d", "e"]


class TestTrimWarnings:
    """It is told before failed jobs go."""

    def test_it_is_told_at_nine_tenths_of_their_age(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"retention": keep("failed", 100, 1000)})
        end(namespace, "a", state="failed")
        clock.advance(89.999)
        namespace.prune()
        assert warnings(namespace) == []

        clock.advance(0.001)
        namespace.prune()

        [event] = seen_events(namespace, "trim_warning")
        assert event == Event(event.cursor, clock(), "trim_warning", queue="work")

    def test_it_is_told_over_nine_tenths_of_their_count(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"retention": keep("failed", 1000 * DAY, 10)})
        end(namespace, *"abcdefghi", state="failed")
        namespace.prune()
        assert warnings(namespace) == []

        end(namespace, "j", state="failed")
        namespace.prune()

        assert warnings(namespace) == [("work", clock())]
        assert queue(namespace).failed == 10

    @pytest.mark.parametrize("state", ["complete", "canceled"])
    def test_it_is_not_told_of_others(self, namespace: Namespace, clock: ManualClock, state: str) -> None:
        namespace.configure("work", {"retention": Retention(Keep(100, 1), Keep(100, 1), Keep(100, 1))})
        end(namespace, "a", state=state)
        clock.advance(95)

        namespace.prune()

        assert warnings(namespace) == []

    def test_it_is_told_once_a_day_while_that_is_so(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"retention": keep("failed", 100 * DAY, 1000)})
        end(namespace, "a", state="failed")
        clock.advance(90 * DAY)
        told = []
        for seconds in (0, 1, DAY - 1.001, 0.001, DAY / 2, DAY / 2):
            clock.advance(seconds)
            namespace.prune()
            told.append(("work", clock()) in warnings(namespace))

        assert told == [True, False, False, True, False, True]

    def test_it_is_told_anew_when_it_was_not_so_meanwhile(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"retention": keep("failed", 100, 1000)})
        end(namespace, "a", state="failed")
        clock.advance(95)
        namespace.prune()
        namespace.move(["a"], "work")
        namespace.prune()
        settle(namespace, Fail(pop(namespace), group="broken"))
        clock.advance(95)

        namespace.prune()

        assert [at for _, at in warnings(namespace)] == [clock() - 95, clock()]

    def test_it_is_told_anew_of_the_next_when_the_first_one_has_gone(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.configure("work", {"retention": keep("failed", 100, 1000)})
        end(namespace, "a", state="failed")
        clock.advance(95)
        namespace.prune()
        end(namespace, "b", state="failed")
        clock.advance(5)
        namespace.prune()
        namespace.prune()
        clock.advance(85)
        namespace.prune()

        assert [at for _, at in warnings(namespace)] == [clock() - 90, clock()]
        assert pruned(namespace) == ["a"]

    def test_a_lower_count_is_told_before_it_trims(self, namespace: Namespace) -> None:
        end(namespace, *"abc", state="failed")
        namespace.configure("work", {"retention": keep("failed", 1000 * DAY, 1)})

        namespace.prune()

        assert [event.event for event in seen_events(namespace)][-3:] == ["trim_warning", "pruned", "pruned"]

    def test_it_is_told_of_all_queues_by_name_before_anything_goes(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.configure_namespace({"retention": Retention(Keep(100, 5), Keep(100, 5), Keep(100, 5))})
        for name in ("b", "a", "C"):
            end(namespace, f"{name} failed", state="failed", queue=name)
            end(namespace, f"{name} complete", queue=name)
        namespace.pause("a")
        end(namespace, "fine", queue="fine")
        clock.advance(100)

        namespace.prune(1)

        told = [(event.event, event.queue) for event in seen_events(namespace)][-4:]
        assert told == [("trim_warning", name) for name in ("C", "a", "b")] + [("pruned", "C")]
        assert (get(namespace, "C failed").state, namespace.get(["C complete"])) == ("failed", [None])

    def test_it_goes_by_the_longest_failed(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"retention": keep("failed", 100, 1000)})
        end(namespace, "old", state="failed")
        clock.advance(80)
        end(namespace, "new", state="failed")
        clock.advance(9.999)
        namespace.prune()
        assert warnings(namespace) == []
        clock.advance(0.001)
        namespace.prune()
        assert len(warnings(namespace)) == 1
        namespace.move(["old"], "other")
        clock.advance(1)

        namespace.prune()

        assert len(warnings(namespace)) == 1

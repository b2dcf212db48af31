"""Tags in figures: how many jobs in each state, and how long they waited and ran."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.models import STATES, Changes, Complete, Fail, Finish, Lease, Release, Retry, State, Tag
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.by_hand import bring
from qless_flask.testing.conformance.scenes import pop, put, run


def tag(namespace: Namespace, name: str = "t") -> Tag:
    """Sum one tag up."""
    [found] = namespace.tags([name])
    return found


def states_of(namespace: Namespace, name: str = "t") -> dict[State, int]:
    """Count the jobs of a tag in each state, but for those states that none is in."""
    return {state: count for state, count in tag(namespace, name).states.items() if count}


def names(namespace: Namespace, after: str | None = None, limit: int = 1000) -> list[str]:
    """List the tags."""
    return [each.name for each in namespace.tags(after=after, limit=limit)]


class TestTagFigures:
    """A tag summed up."""

    def test_a_tag_counts_its_jobs_in_each_state(self, namespace: Namespace) -> None:
        for state in reversed(STATES):
            bring(namespace, state, jid=state)

        namespace.update(STATES, Changes(add_tags=("t",)))

        assert tag(namespace).states == dict.fromkeys(STATES, 1)

    def test_a_job_that_changes_its_state_is_counted_there(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", tags=("t",), delay=5, pipeline=("work",))
        put(namespace, "b", tags=("t",), depends=("a",))
        assert states_of(namespace) == {"scheduled": 1, "depends": 1}
        clock.advance(5)
        namespace.promote()
        assert states_of(namespace) == {"waiting": 1, "depends": 1}
        lease = pop(namespace)
        assert states_of(namespace) == {"running": 1, "depends": 1}
        namespace.settle([Complete(lease)])
        assert states_of(namespace) == {"waiting": 1, "depends": 1}
        namespace.settle([Complete(pop(namespace))])
        assert states_of(namespace) == {"complete": 1, "waiting": 1}
        namespace.settle([Fail(pop(namespace), group="broken")])
        assert states_of(namespace) == {"complete": 1, "failed": 1}
        namespace.cancel(["b"])
        assert states_of(namespace) == {"complete": 1, "canceled": 1}

    def test_tags_that_come_and_go_are_counted(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", tags=("t", "u"))

        namespace.update(["a"], Changes(remove_tags=("t",), add_tags=("v",)))

        assert [states_of(namespace, name) for name in ("t", "u", "v")] == [{"waiting": n} for n in (1, 2, 1)]

    def test_a_job_that_is_replaced_or_pruned_is_taken_off(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", "c", tags=("t",))
        put(namespace, "a", if_exists="replace", tags=("u",))
        namespace.cancel(["b"])
        clock.advance(86_400)

        namespace.prune()

        assert (states_of(namespace), states_of(namespace, "u")) == ({"waiting": 1}, {"waiting": 1})

    def test_a_tag_of_no_job_is_shown_if_it_is_asked_for(self, namespace: Namespace) -> None:
        assert namespace.tags() == []
        assert tag(namespace) == Tag("t", False, dict.fromkeys(STATES, 0), None, None)

    def test_they_are_listed_by_name_in_pages(self, namespace: Namespace) -> None:
        put(namespace, "a", tags=("c", "a", "é"))
        put(namespace, "b", tags=("b", "Z", "c"))

        assert names(namespace) == ["Z", "a", "b", "c", "é"]
        assert (names(namespace, None, 2), names(namespace, "a", 2)) == (["Z", "a"], ["b", "c"])
        assert (names(namespace, "aa", 1), names(namespace, "é")) == (["b"], [])

    def test_those_named_are_given_in_that_order(self, namespace: Namespace) -> None:
        put(namespace, "a", tags=("t", "u"))

        found = namespace.tags(["u", "none", "t", "u"])

        assert [(each.name, each.states["waiting"]) for each in found] == [("u", 1), ("none", 0), ("t", 1), ("u", 1)]

    def test_the_mean_wait_is_that_of_all_pops(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", tags=("t",))
        clock.advance(2)
        lease = pop(namespace)
        assert (tag(namespace).wait_mean, tag(namespace).run_mean) == (2.0, None)
        clock.advance(5)
        pop(namespace)
        namespace.settle([Release(lease)])
        clock.advance(0.5)

        pop(namespace)

        assert tag(namespace).wait_mean == pytest.approx((2 + 7 + 0.5) / 3)

    def test_a_wait_begins_when_a_job_becomes_available(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", queue="parents")
        put(namespace, "b", depends=("a",), tags=("t",), delay=60)
        clock.advance(30)
        namespace.settle([Complete(pop(namespace, "parents"))])
        clock.advance(60)
        namespace.promote()
        clock.advance(3)

        pop(namespace)

        assert tag(namespace).wait_mean == 3.0

    def test_the_mean_run_is_that_of_all_leases_however_they_ended(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.configure("work", {"heartbeat": 10.0})
        ends: dict[str, Callable[[Lease], object]] = {
            "complete": lambda lease: namespace.settle([Complete(lease)]),
            "fail": lambda lease: namespace.settle([Fail(lease, group="broken")]),
            "retry": lambda lease: namespace.settle([Retry(lease, delay=1)]),
            "release": lambda lease: namespace.settle([Release(lease, delay=1)]),
            "cancel": lambda lease: namespace.cancel([lease.jid]),
            "move": lambda lease: namespace.move([lease.jid], "other"),
            "timeout": lambda lease: namespace.timeout([lease.jid]),
            "finish": lambda lease: namespace.finish([lease.jid], Finish("complete")),
            "lost": lambda lease: namespace.promote(),
        }
        for number, (name, act) in enumerate(ends.items()):
            queue = "work" if name == "lost" else f"queue-{number}"
            lease = run(namespace, name, queue=queue, tags=(name,))
            clock.advance(10 + number)

            act(lease)

            assert tag(namespace, name).run_mean == 10 + number, name

    def test_a_run_that_is_replaced_is_not_counted(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace, tags=("t",))
        clock.advance(5)

        put(namespace, "a", tags=("t",), if_exists="replace")

        assert (tag(namespace).wait_mean, tag(namespace).run_mean) == (0.0, None)

    def test_only_the_tags_that_a_job_has_then_count(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", tags=("t", "u"))
        clock.advance(4)
        lease = pop(namespace)
        namespace.update(["a"], Changes(add_tags=("v",), remove_tags=("u",)))
        clock.advance(6)

        namespace.settle([Complete(lease)])

        means = [(each.wait_mean, each.run_mean) for each in namespace.tags(["t", "u", "v"])]
        assert means == [(4.0, 6.0), (None, None), (None, 6.0)]

    def test_a_clock_that_was_set_back_makes_no_time_negative(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", tags=("t",))
        clock.advance(-5)
        lease = pop(namespace)
        clock.advance(-5)

        namespace.settle([Complete(lease)])

        assert (tag(namespace).wait_mean, tag(namespace).run_mean) == (0.0, 0.0)

    def test_a_request_that_is_repeated_counts_once(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", tags=("t",))
        clock.advance(2)
        namespace.pop(["work"], "ann", request="r1")
        clock.advance(8)

        namespace.pop(["work"], "ann", request="r1")

        assert tag(namespace).wait_mean == 2.0

    def test_the_means_are_forgotten_with_the_last_job(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", tags=("t",))
        clock.advance(2)
        namespace.settle([Complete(pop(namespace))])
        namespace.update(["a"], Changes(remove_tags=("t",)))
        assert namespace.tags() == []

        namespace.update(["a"], Changes(add_tags=("t",)))

        assert (tag(namespace).wait_mean, tag(namespace).run_mean) == (None, None)

    def test_those_of_a_tracked_tag_are_forgotten_likewise(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.track("t")
        put(namespace, "a", tags=("t",))
        clock.advance(2)
        namespace.settle([Complete(pop(namespace))])

        namespace.update(["a"], Changes(remove_tags=("t",)))

        assert (tag(namespace).wait_mean, tag(namespace).run_mean) == (None, None)

"""Actions on all jobs that match a filter, in bounded steps."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid
from qless_flask.models import (
    Action,
    Cancel,
    Changed,
    Changes,
    Complete,
    Dependents,
    Filter,
    Finish,
    Move,
    State,
    Timeout,
    Update,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.by_hand import bring
from qless_flask.testing.conformance.scenes import (
    ALICE,
    Check,
    family,
    get,
    history,
    last_event,
    many,
    peek,
    pop_all,
    put,
    run,
    seen_events,
    states,
    unchanged,
    walk,
)


def change(namespace: Namespace, filter: Filter, action: Action) -> tuple[int, int]:
    """Do an action to all that match: how many did, and how many it changed."""
    changed, matched, cursor = 0, 0, None
    while True:
        step = namespace.change(filter, action, cursor=cursor)
        matched, changed, cursor = matched + step.matched, changed + step.changed, step.next
        if cursor is None:
            return matched, changed


class TestChange:
    """One action for many jobs."""

    def test_all_that_match_are_moved(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", tags=("t",))
        put(namespace, "c")

        assert change(namespace, Filter(tag="t"), Move("other")) == (2, 2)

        assert sorted(peek(namespace, "other")) == ["a", "b"]
        assert peek(namespace) == ["c"]

    def test_within_a_queue_and_state_their_order_stays(self, namespace: Namespace) -> None:
        put(namespace, "c", "a", "b")

        namespace.change(Filter(queue="work", state="waiting"), Move("other"))

        assert pop_all(namespace, "other") == ["c", "a", "b"]

    def test_without_a_queue_each_is_moved_into_its_own(self, namespace: Namespace, clock: ManualClock) -> None:
        for jid, queue in (("a", "one"), ("b", "two")):
            put(namespace, jid, queue=queue, retries=0)
            [lease] = namespace.pop([queue], "ann")
            namespace.timeout([lease.jid])

        assert change(namespace, Filter(state="failed"), Move(delay=5.0)) == (2, 2)

        assert (peek(namespace, "one", "scheduled"), peek(namespace, "two", "scheduled")) == (["a"], ["b"])
        assert get(namespace, "a").available_at == clock() + 5

    @pytest.mark.parametrize("state", ["scheduled", "depends", "waiting"])
    def test_a_move_leaves_alone_what_is_on_its_way_there(
        self, namespace: Namespace, check: Check, state: State
    ) -> None:
        bring(namespace, state)

        with unchanged(namespace, check):
            assert change(namespace, Filter(queue="work"), Move("work", delay=9)) == (1, 0)
            assert change(namespace, Filter(queue="work"), Move()) == (1, 0)

    @pytest.mark.parametrize("state", ["running", "complete", "failed", "canceled"])
    def test_a_move_into_its_own_queue_begins_anew_what_is_not(self, namespace: Namespace, state: State) -> None:
        bring(namespace, state)

        assert change(namespace, Filter(queue="work"), Move("work")) == (1, 1)

        assert states(namespace, "a") == ["waiting"]

    def test_all_that_match_are_canceled_but_for_those_that_cannot_be(self, namespace: Namespace) -> None:
        bring(namespace, "complete", "done")
        bring(namespace, "canceled", "gone")
        bring(namespace, "running", "runs")
        put(namespace, "waits")

        assert change(namespace, Filter(queue="work"), Cancel()) == (4, 2)

        assert states(namespace, "done", "gone", "runs", "waits") == ["complete", "canceled", "canceled", "canceled"]

    def test_a_job_that_others_wait_for_is_not_canceled(self, namespace: Namespace) -> None:
        family(namespace, "child")

        assert change(namespace, Filter(queue="parents"), Cancel()) == (1, 0)

        assert states(namespace, "parent", "child") == ["waiting", "depends"]

    @pytest.mark.parametrize(("dependents", "state"), [("cancel", "canceled"), ("choice", "depends")])
    def test_unless_they_are_seen_to(self, namespace: Namespace, dependents: Dependents, state: State) -> None:
        family(namespace, "child")

        assert change(namespace, Filter(queue="parents"), Cancel(dependents)) == (1, 1)

        assert states(namespace, "parent", "child") == ["canceled", state]

    def test_one_that_was_canceled_along_is_not_counted_again(self, namespace: Namespace) -> None:
        put(namespace, "a")
        put(namespace, "b", depends=("a",))
        put(namespace, "c", delay=5, depends=("a",))
        namespace.move(["a"], "work", delay=1)

        first = namespace.change(Filter(queue="work", state="scheduled"), Cancel("cancel"))
        second = namespace.change(Filter(queue="work", state="depends"), Cancel("cancel"))

        assert ((first.matched, first.changed), (second.matched, second.changed)) == ((1, 1), (0, 0))
        assert states(namespace, "a", "b", "c") == ["canceled"] * 3

    def test_one_that_the_step_itself_has_changed_is_left_alone(self, namespace: Namespace) -> None:
        put(namespace, "a", tags=("t",))
        put(namespace, "b", depends=("a",), tags=("t",))
        put(namespace, "c", depends=("b",), tags=("t",))

        changed = namespace.change(Filter(queue="work", state="depends"), Cancel("cancel"))

        assert (changed.matched, changed.changed) == (2, 1)
        assert states(namespace, "a", "b", "c") == ["waiting", "canceled", "canceled"]
        assert len(seen_events(namespace, "canceled")) == 2

    def test_all_that_match_are_updated(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c", tags=("t",))
        namespace.cancel(["b"])

        action = Update(Changes(priority=7, add_tags=("u",), remove_tags=("t",)))
        assert change(namespace, Filter(queue="work", state="waiting"), action) == (2, 2)

        assert [(get(namespace, jid).priority, get(namespace, jid).tags) for jid in "abc"] == [
            (7, ("u",)),
            (0, ("t",)),
            (7, ("u",)),
        ]

    def test_one_that_would_have_too_many_tags_is_not_changed(self, namespace: Namespace) -> None:
        put(namespace, "a", tags=tuple(f"{number}" for number in range(32)))
        put(namespace, "b")

        assert change(namespace, Filter(queue="work"), Update(Changes(add_tags=("t",)))) == (2, 1)

        assert walk(namespace, Filter(tag="t")) == ["b"]

    def test_one_that_is_tracked_already_is_not_changed_by_that_alone(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")
        namespace.update(["a"], Changes(tracked=True))

        assert change(namespace, Filter(queue="work"), Update(Changes(tracked=True))) == (2, 1)
        assert change(namespace, Filter(queue="work"), Update(Changes(tracked=True, priority=1))) == (2, 2)

        assert [job.jid for job in namespace.tracked().jobs] == ["a", "b"]
        assert history(namespace, "a") == ["put", "tracked", "updated"]

    def test_all_that_match_are_timed_out_but_for_those_that_do_not_run(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c")
        namespace.pop(["work"], "ann", 2)

        assert change(namespace, Filter(queue="work"), Timeout()) == (3, 2)

        assert states(namespace, "a", "b", "c") == ["waiting"] * 3

    @pytest.mark.parametrize("state", ["complete", "failed"])
    def test_all_that_match_are_finished_but_for_those_that_are_in_that_state(
        self, namespace: Namespace, state: State
    ) -> None:
        bring(namespace, "complete", "done")
        bring(namespace, "failed", "broke")
        put(namespace, "waits")

        action = Finish("complete") if state == "complete" else Finish("failed", group="given up")
        assert change(namespace, Filter(queue="work"), action) == (3, 2)

        assert states(namespace, "done", "broke", "waits") == [state] * 3

    def test_events_tell_who_did_it(self, namespace: Namespace) -> None:
        put(namespace, "a")

        namespace.change(Filter(queue="work"), Finish("complete"), actor=ALICE)

        event = last_event(namespace)
        assert (event.event, event.jid, event.actor, event.address) == ("finished", "a", "alice", "192.0.2.7")

    def test_a_step_is_bounded_and_the_next_goes_on(self, namespace: Namespace) -> None:
        jids = many(25)
        put(namespace, *jids)

        steps, cursor = [], None
        while True:
            step = namespace.change(Filter(queue="work", state="waiting"), Cancel(), 10, cursor)
            steps.append(step.changed)
            assert step.changed == step.matched <= 10
            cursor = step.next
            if cursor is None:
                break

        assert sum(steps) == 25
        assert sorted(walk(namespace, Filter(state="canceled"))) == jids

    def test_a_thousand_are_changed_at_once(self, namespace: Namespace) -> None:
        put(namespace, *many(1000))

        changed = namespace.change(Filter(queue="work", state="waiting"), Move("other"), 1000)

        assert (changed.matched, changed.changed) == (1000, 1000)
        assert peek(namespace, "other") == many(1000)

    def test_a_dry_run_counts_and_changes_nothing(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a", "b", "c")

        with unchanged(namespace, check):
            whole = namespace.change(Filter(queue="work", state="waiting"), Cancel(), dry_run=True)
            part = namespace.change(Filter(queue="work", state="waiting"), Cancel(), 2, dry_run=True)

        assert whole == Changed(3, 0, None)
        assert (part.matched, part.changed) == (2, 0)
        assert part.next is not None

    def test_where_nothing_matches_nothing_is_done(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a")

        with unchanged(namespace, check):
            assert namespace.change(Filter(tag="none"), Cancel()) == Changed(0, 0, None)

    def test_a_cursor_that_is_none_is_refused(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a")

        with unchanged(namespace, check), pytest.raises(Invalid, match="cursor"):
            namespace.change(Filter(queue="work", state="waiting"), Cancel(), cursor="none")

    @pytest.mark.parametrize("limit", [0, 1001, True])
    def test_a_limit_out_of_bounds_is_refused(self, namespace: Namespace, limit: int) -> None:
        with pytest.raises(Invalid, match="limit"):
            namespace.change(Filter(), Cancel(), limit)

    def test_children_are_freed_as_by_each_for_itself(self, namespace: Namespace) -> None:
        put(namespace, "p", "q", queue="parents")
        put(namespace, "a", depends=("p", "q"))

        namespace.change(Filter(queue="parents"), Finish("complete"))

        assert states(namespace, "a") == ["waiting"]

    def test_a_lease_of_a_job_that_was_changed_is_lost(self, namespace: Namespace) -> None:
        lease = run(namespace)

        namespace.change(Filter(state="running"), Move("other"))

        [answer] = namespace.settle([Complete(lease)])
        assert (getattr(answer, "code", None), states(namespace, "a")) == ("LEASE_LOST", ["waiting"])

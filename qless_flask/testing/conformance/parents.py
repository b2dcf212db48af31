"""Jobs that others wait for: what their ends do, however many wait, and how long they are kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.models import (
    Complete,
    Fail,
    Finish,
    OnParentEnd,
    Promoted,
    Pruned,
    Put,
    Retry,
    State,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    ALICE,
    Check,
    each_choice,
    end,
    end_by_hand,
    family,
    get,
    history,
    last_event,
    many,
    new,
    peek,
    pop,
    pop_all,
    put,
    queue,
    seen_events,
    settle,
    states,
    unchanged,
)

DAY = 86_400
bad_ends = pytest.mark.parametrize("parent_end", ["failed", "canceled"])


class TestEndsOfParents:
    """What the end of a parent does is the child's choice."""

    @bad_ends
    @each_choice
    def test_a_parent_that_ends_badly_leaves_it_to_the_child(
        self, namespace: Namespace, parent_end: State, choice: OnParentEnd, state: State
    ) -> None:
        family(namespace, "child", choice=choice)

        end(namespace, "parent", parent_end)

        assert states(namespace, "child") == [state]
        assert get(namespace, "child").depends == (("parent",) if choice == "wait" else ())
        assert get(namespace, "parent").dependents == (("child",) if choice == "wait" else ())

    @bad_ends
    @each_choice
    def test_a_parent_that_had_ended_badly_before_the_put_leaves_it_to_the_child_as_well(
        self, namespace: Namespace, parent_end: State, choice: OnParentEnd, state: State
    ) -> None:
        end_by_hand(namespace, "parent", parent_end)

        [answer] = namespace.put([new("child", depends=("parent",), on_parent_end=choice)])

        assert answer == Put("child", state, created=True)
        assert states(namespace, "child") == [state]

    def test_a_child_canceled_with_its_put_is_told_as_put_and_canceled(self, namespace: Namespace) -> None:
        end_by_hand(namespace, "parent", "failed")

        put(namespace, "child", depends=("parent",), on_parent_end="cancel")

        told = [(event.event, event.jid, event.state) for event in seen_events(namespace)[-2:]]
        assert told == [("put", "child", "depends"), ("canceled", "child", "canceled")]
        assert history(namespace, "child") == ["put", "canceled"]

    def test_one_bad_parent_cancels_a_child_that_waits_for_others_too(self, namespace: Namespace) -> None:
        put(namespace, "p1", "p2", queue="parents")
        put(namespace, "child", depends=("p1", "p2"), on_parent_end="cancel")

        end(namespace, "p1", "failed")

        assert states(namespace, "child") == ["canceled"]
        assert get(namespace, "p2").dependents == ()

    def test_a_child_that_runs_all_the_same_still_waits_for_the_others(self, namespace: Namespace) -> None:
        put(namespace, "p1", "p2", queue="parents")
        put(namespace, "child", depends=("p1", "p2"), on_parent_end="run")

        end(namespace, "p1", "failed")

        assert (get(namespace, "child").state, get(namespace, "child").depends) == ("depends", ("p2",))

    @bad_ends
    def test_a_child_that_waits_on_is_freed_once_its_parent_works_out_after_all(
        self, namespace: Namespace, parent_end: State
    ) -> None:
        family(namespace, "child")
        end(namespace, "parent", parent_end)

        namespace.move(["parent"], "parents")
        end(namespace, "parent")

        assert states(namespace, "child") == ["waiting"]

    @pytest.mark.parametrize(
        "way", ["complete", "fail", "last retry", "lost", "timeout", "max_run", "expired", "cancel", "finish"]
    )
    def test_every_way_to_an_end_is_told(self, namespace: Namespace, clock: ManualClock, way: str) -> None:
        namespace.configure("parents", {"max_losses": 0})
        max_run = 5 if way == "max_run" else None
        expires_in = 5 if way == "expired" else None
        put(namespace, "parent", queue="parents", retries=0, max_run=max_run, expires_in=expires_in)
        put(namespace, "child", depends=("parent",), on_parent_end="run")
        if way == "expired":
            clock.advance(5)
            namespace.promote()
        else:
            self._end_run(namespace, clock, way)

        assert states(namespace, "child") == ["waiting"]
        assert last_event(namespace).event == "unblocked"

    def _end_run(self, namespace: Namespace, clock: ManualClock, way: str) -> None:
        lease = pop(namespace, "parents")
        if way == "complete":
            settle(namespace, Complete(lease))
        elif way == "fail":
            settle(namespace, Fail(lease, group="broken"))
        elif way == "last retry":
            settle(namespace, Retry(lease))
        elif way == "timeout":
            namespace.timeout(["parent"])
        elif way == "cancel":
            namespace.cancel(["parent"], dependents="choice")
        elif way == "finish":
            namespace.finish(["parent"], Finish("failed"))
        else:
            clock.advance(60)
            namespace.pop(["parents"], "bob")

    def test_a_canceled_child_tells_its_own_children(self, namespace: Namespace) -> None:
        family(namespace, "b", choice="cancel")
        put(namespace, "c", depends=("b",), on_parent_end="cancel")
        put(namespace, "d", depends=("c",), on_parent_end="run")
        put(namespace, "e", depends=("c",), on_parent_end="wait")

        end(namespace, "parent", "failed")

        assert states(namespace, "b", "c", "d", "e") == ["canceled", "canceled", "waiting", "depends"]

    def test_ends_are_told_generation_by_generation(self, namespace: Namespace) -> None:
        family(namespace, "c1", "c2", choice="cancel")
        put(namespace, "g2", depends=("c1",), on_parent_end="cancel")
        put(namespace, "g1", depends=("c2",), on_parent_end="cancel")

        end(namespace, "parent", "failed")

        assert [event.jid for event in seen_events(namespace, "canceled")] == ["c1", "c2", "g2", "g1"]

    def test_what_a_person_brings_about_is_told_with_their_name(self, namespace: Namespace) -> None:
        family(namespace, "child", choice="cancel")
        put(namespace, "grand child", depends=("child",), on_parent_end="run")

        namespace.cancel(["parent"], dependents="choice", actor=ALICE)

        told = [(event.event, event.jid, event.actor, event.address) for event in seen_events(namespace)[-3:]]
        assert told == [
            ("canceled", "parent", "alice", "192.0.2.7"),
            ("canceled", "child", "alice", "192.0.2.7"),
            ("unblocked", "grand child", "alice", "192.0.2.7"),
        ]

    @pytest.mark.parametrize("way", ["cancel", "finish", "replace"])
    def test_a_child_that_ends_or_begins_anew_waits_for_nobody_any_more(self, namespace: Namespace, way: str) -> None:
        family(namespace, "child")

        if way == "cancel":
            namespace.cancel(["child"])
        elif way == "finish":
            namespace.finish(["child"], Finish("complete"))
        else:
            put(namespace, "child", if_exists="replace")

        assert (get(namespace, "child").depends, get(namespace, "parent").dependents) == ((), ())
        end(namespace, "parent")
        assert not seen_events(namespace, "unblocked")

    def test_a_child_finished_by_hand_frees_its_own_children(self, namespace: Namespace) -> None:
        family(namespace, "child")
        put(namespace, "grand child", depends=("child",))

        namespace.finish(["child"], Finish("complete"))

        assert states(namespace, "child", "grand child") == ["complete", "waiting"]

    def test_who_waits_for_a_job_waits_for_the_one_put_in_its_place(self, namespace: Namespace) -> None:
        family(namespace, "child")

        put(namespace, "parent", queue="parents", if_exists="replace")

        assert get(namespace, "parent").dependents == ("child",)
        end(namespace, "parent")
        assert states(namespace, "child") == ["waiting"]

    @bad_ends
    def test_who_waits_on_for_an_ended_job_waits_for_the_one_put_in_its_place(
        self, namespace: Namespace, parent_end: State
    ) -> None:
        family(namespace, "child")
        end(namespace, "parent", parent_end)

        put(namespace, "parent", queue="parents", if_exists="replace")
        end(namespace, "parent")

        assert states(namespace, "child") == ["waiting"]

    def test_keep_leaves_a_job_waiting_for_what_it_waits_for(self, namespace: Namespace, check: Check) -> None:
        family(namespace, "child")
        put(namespace, "other", queue="parents")

        with unchanged(namespace, check):
            answers = namespace.put([new("child", depends=("other",), if_exists="keep")])

        assert answers == [Put("child", "depends", created=False)]


class TestManyDependents:
    """Bounded steps: the first hundred at once, the rest by promote and pop."""

    def test_a_parent_of_many_frees_a_hundred_at_once(self, namespace: Namespace) -> None:
        jids = many(350)
        family(namespace, *jids)

        end(namespace, "parent")

        assert peek(namespace) == jids[:100]
        assert peek(namespace, state="depends") == jids[100:]
        assert get(namespace, jids[100]).depends == ("parent",)

    def test_promotes_free_the_rest_up_to_their_limit(self, namespace: Namespace) -> None:
        jids = many(350)
        family(namespace, *jids)
        end(namespace, "parent")

        steps = [namespace.promote(100) for _ in range(4)]

        assert steps == [
            Promoted(0, 0, more=True, told=100),
            Promoted(0, 0, more=True, told=100),
            Promoted(0, 0, more=False, told=50),
            Promoted(0, 0, more=False),
        ]
        assert pop_all(namespace) == jids

    def test_one_promote_frees_up_to_a_thousand(self, namespace: Namespace) -> None:
        family(namespace, *many(350))
        end(namespace, "parent")

        assert namespace.promote() == Promoted(0, 0, more=False, told=250)

    def test_pops_of_their_queue_free_a_hundred_each(self, namespace: Namespace) -> None:
        jids = many(350)
        family(namespace, *jids)
        end(namespace, "parent")

        popped = [pop_all(namespace) for _ in range(4)]

        assert popped == [jids[:200], jids[200:300], jids[300:], []]

    def test_a_pop_of_one_frees_a_hundred_all_the_same(self, namespace: Namespace) -> None:
        jids = many(250)
        family(namespace, *jids)
        end(namespace, "parent")

        pop(namespace)

        assert (queue(namespace).waiting, queue(namespace).depends) == (199, 50)

    def test_none_is_forgotten_if_the_process_that_freed_some_dies(
        self, namespace: Namespace, another: Callable[[], Backend], check: Check
    ) -> None:
        jids = many(250)
        family(namespace, *jids)
        end(namespace, "parent")

        with another() as elsewhere:
            told = elsewhere.namespace(namespace.name).promote().told

        assert (told, peek(namespace)) == (150, jids)
        check()

    def test_the_limit_of_a_promote_counts_all_that_it_does(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "due 1", "due 2", queue="later", delay=1)
        family(namespace, *many(110))
        end(namespace, "parent")
        clock.advance(1)

        assert namespace.promote(5) == Promoted(promoted=2, lost=0, more=True, told=3)
        assert namespace.promote(8) == Promoted(promoted=0, lost=0, more=False, told=7)

    def test_those_left_by_the_parent_that_ended_first_come_first(self, namespace: Namespace) -> None:
        for parent in ("b", "a"):
            put(namespace, parent, queue="parents")
            put(namespace, *[f"{parent} {jid}" for jid in many(110)], depends=(parent,))
        for parent in ("b", "a"):
            namespace.finish([parent], Finish("complete"))

        assert namespace.promote(10).told == 10
        assert states(namespace, "b 00109", "a 00100") == ["waiting", "depends"]

    def test_those_that_wait_on_count_as_told(self, namespace: Namespace) -> None:
        jids = many(150)
        put(namespace, "parent", queue="parents")
        put(namespace, *jids[:120], depends=("parent",))
        put(namespace, *jids[120:], depends=("parent",), on_parent_end="run")

        end(namespace, "parent", "failed")
        assert peek(namespace) == []

        assert namespace.promote() == Promoted(0, 0, more=False, told=50)
        assert (peek(namespace), len(peek(namespace, state="depends"))) == (jids[120:], 120)

    def test_a_cascade_is_cut_at_a_hundred_and_goes_on(self, namespace: Namespace) -> None:
        children, grand_children = many(80), [f"grand {jid}" for jid in many(80)]
        family(namespace, *children, choice="cancel")
        for child, grand_child in zip(children, grand_children, strict=True):
            put(namespace, grand_child, depends=(child,), on_parent_end="cancel")

        end(namespace, "parent", "failed")
        assert (queue(namespace).canceled, queue(namespace).depends) == (100, 60)
        namespace.promote()

        assert (queue(namespace).canceled, queue(namespace).depends) == (160, 0)

    def test_a_parent_that_came_back_meanwhile_frees_the_rest_when_it_ends_again(self, namespace: Namespace) -> None:
        jids = many(150)
        family(namespace, *jids)
        end(namespace, "parent")

        namespace.move(["parent"], "parents")
        assert namespace.promote().told == 0
        assert peek(namespace) == jids[:100]
        end(namespace, "parent")

        assert peek(namespace) == jids

    def test_a_job_put_in_the_place_of_a_parent_is_waited_for_by_those_left(self, namespace: Namespace) -> None:
        jids = many(150)
        family(namespace, *jids)
        end(namespace, "parent")

        put(namespace, "parent", queue="parents", if_exists="replace")

        assert namespace.promote().told == 0
        assert get(namespace, "parent").dependents == tuple(jids[100:])

    def test_those_that_left_by_themselves_are_not_told(self, namespace: Namespace) -> None:
        jids = many(150)
        family(namespace, *jids)
        end(namespace, "parent")

        namespace.cancel(jids[100:140])

        assert namespace.promote() == Promoted(0, 0, more=False, told=10)

    def test_a_thousand_parents_are_waited_for_batch_by_batch(self, namespace: Namespace) -> None:
        jids = many(100)
        put(namespace, *jids, queue="parents")
        put(namespace, "child", depends=tuple(jids))
        leases = namespace.pop(["parents"], "ann", 100)

        namespace.settle([Complete(lease) for lease in leases.leases[1:]])
        assert get(namespace, "child").depends == (jids[0],)
        namespace.settle([Complete(leases[0])])

        assert states(namespace, "child") == ["waiting"]


class TestPruneOfParents:
    """What others wait for is kept."""

    def test_a_job_that_others_wait_for_is_not_pruned(self, namespace: Namespace, clock: ManualClock) -> None:
        family(namespace, "child")
        end(namespace, "parent", "canceled")
        clock.advance(100 * DAY)

        assert namespace.prune() == Pruned(jobs=0, more=False)
        assert states(namespace, "parent", "child") == ["canceled", "depends"]

    def test_it_is_pruned_once_nobody_waits_for_it(self, namespace: Namespace, clock: ManualClock) -> None:
        family(namespace, "child")
        end(namespace, "parent", "canceled")
        clock.advance(100 * DAY)
        namespace.cancel(["child"])

        assert namespace.prune() == Pruned(jobs=1, more=False)

    def test_those_that_ended_after_it_are_pruned_past_it(self, namespace: Namespace, clock: ManualClock) -> None:
        family(namespace, "child")
        put(namespace, "other", queue="parents")
        end(namespace, "parent", "canceled")
        clock.advance(1)
        end(namespace, "other", "canceled")
        clock.advance(DAY)

        assert namespace.prune(1).jobs == 1
        assert [job.jid for job in namespace.get(["parent", "other"]) if job] == ["parent"]

    def test_a_complete_parent_is_kept_until_all_have_been_told(self, namespace: Namespace, clock: ManualClock) -> None:
        family(namespace, *many(150))
        end(namespace, "parent")
        clock.advance(7 * DAY)

        assert namespace.prune().jobs == 0
        namespace.promote()
        assert namespace.prune().jobs == 1

"""Dependencies: jobs that wait for others."""

from __future__ import annotations

from itertools import pairwise

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.refusals import nothing_follows, search_too_long
from qless_flask.errors import DependencyCycle, Invalid, LeaseLost, UnknownDependency
from qless_flask.models import (
    Changes,
    Complete,
    Filter,
    OnParentEnd,
    Put,
    Renewed,
    Settled,
    State,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    Check,
    each_choice,
    end,
    end_by_hand,
    family,
    get,
    last_event,
    many,
    new,
    pop_all,
    put,
    queue,
    refusal,
    renew,
    run,
    seen_events,
    settle,
    states,
    unchanged,
    walk,
)

DAY = 86_400


class TestDependencies:
    """A job waits until all that it depends on are complete."""

    def test_a_job_put_with_open_dependencies_depends(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "parent", queue="parents")

        assert namespace.put([new("child", depends=("parent",))]) == [Put("child", "depends", created=True)]

        job = get(namespace, "child")
        assert (job.state, job.depends, job.available_at) == ("depends", ("parent",), clock())
        assert (queue(namespace).depends, queue(namespace).waiting) == (1, 0)
        assert (last_event(namespace).event, last_event(namespace).state) == ("put", "depends")
        assert pop_all(namespace) == []

    def test_it_waits_for_pops_once_its_parent_is_complete(self, namespace: Namespace, clock: ManualClock) -> None:
        family(namespace, "child")
        clock.advance(9)

        end(namespace, "parent")

        job = get(namespace, "child")
        assert (job.state, job.depends, job.available_at) == ("waiting", (), clock())
        assert pop_all(namespace) == ["child"]

    def test_the_unblocking_is_told_right_after_what_brought_it_about(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        family(namespace, "child")
        put(namespace, "other", queue="parents")
        leases = namespace.pop(["parents"], "ann", 2)

        namespace.settle([Complete(lease) for lease in leases])

        told = seen_events(namespace)[-3:]
        assert [(event.event, event.jid) for event in told] == [
            ("completed", "parent"),
            ("unblocked", "child"),
            ("completed", "other"),
        ]
        event, entry = told[1], get(namespace, "child").history[-1]
        assert (event.queue, event.to, event.state, event.worker, event.group) == ("work", None, "waiting", None, None)
        assert (event.at, entry.event, entry.worker) == (clock(), "unblocked", None)

    def test_it_waits_for_the_last_of_many_parents(self, namespace: Namespace) -> None:
        put(namespace, "p1", "p2", "p3", queue="parents")
        put(namespace, "child", depends=("p3", "p1", "p2"))

        end(namespace, "p1")
        end(namespace, "p2")

        assert (get(namespace, "child").state, get(namespace, "child").depends) == ("depends", ("p3",))
        end(namespace, "p3")
        assert states(namespace, "child") == ["waiting"]

    def test_one_parent_frees_its_children_in_all_queues_by_jid(self, namespace: Namespace) -> None:
        put(namespace, "parent", queue="parents")
        for jid, name in {"d": "one", "b": "two", "c": "one", "a": "two", "e": "one"}.items():
            put(namespace, jid, queue=name, depends=("parent",))

        end(namespace, "parent")

        assert [event.jid for event in seen_events(namespace, "unblocked")] == ["a", "b", "c", "d", "e"]
        assert pop_all(namespace, "one") == ["c", "d", "e"]

    def test_a_freed_job_takes_a_place_behind_those_that_waited_already(self, namespace: Namespace) -> None:
        family(namespace, "child")
        put(namespace, "other")

        end(namespace, "parent")

        assert pop_all(namespace) == ["other", "child"]

    def test_a_freed_job_keeps_its_priority(self, namespace: Namespace) -> None:
        put(namespace, "parent", queue="parents")
        put(namespace, "child", depends=("parent",), priority=5)
        put(namespace, "other", priority=4)

        end(namespace, "parent")

        assert pop_all(namespace) == ["child", "other"]

    def test_a_chain_is_worked_link_by_link(self, namespace: Namespace) -> None:
        put(namespace, "a")
        put(namespace, "b", depends=("a",))
        put(namespace, "c", depends=("b",))

        for jid in "abc":
            end(namespace, jid)

        assert states(namespace, "a", "b", "c") == ["complete"] * 3

    def test_a_stage_of_the_parent_frees_nobody_only_its_end_does(self, namespace: Namespace) -> None:
        put(namespace, "parent", queue="parents", pipeline=("more",))
        put(namespace, "child", depends=("parent",))

        end(namespace, "parent")
        assert states(namespace, "parent", "child") == ["waiting", "depends"]
        end(namespace, "parent")

        assert states(namespace, "parent", "child") == ["complete", "waiting"]

    def test_a_complete_parent_counts_as_done(self, namespace: Namespace) -> None:
        put(namespace, "done", "open", queue="parents")
        end(namespace, "done")

        put(namespace, "a", depends=("done",))
        put(namespace, "b", depends=("done", "open"))

        assert (states(namespace, "a", "b"), get(namespace, "b").depends) == (["waiting", "depends"], ("open",))

    def test_a_parent_named_twice_counts_once(self, namespace: Namespace) -> None:
        put(namespace, "parent", queue="parents")

        put(namespace, "child", depends=("parent", "parent"))

        assert get(namespace, "child").depends == ("parent",)

    def test_a_job_may_depend_on_those_before_it_in_its_batch(self, namespace: Namespace) -> None:
        answers = namespace.put([new("a"), new("b", depends=("a",)), new("c", depends=("a", "b"))])

        assert [answer.state for answer in answers] == ["waiting", "depends", "depends"]

    def test_a_job_cannot_depend_on_one_behind_it_in_its_batch(self, namespace: Namespace, check: Check) -> None:
        with unchanged(namespace, check), pytest.raises(UnknownDependency):
            namespace.put([new("b", depends=("a",)), new("a")])

    def test_both_sides_are_shown_by_jid(self, namespace: Namespace) -> None:
        # By code point, which is not the order of UTF-16.
        jids = ("z", "é", "\uff5e", "\U0001d11e")
        put(namespace, *reversed(jids), queue="parents")
        put(namespace, "child", depends=("\U0001d11e", "z", "\uff5e", "é"))
        put(namespace, "grand child", depends=("child",))

        assert get(namespace, "child").depends == jids
        assert get(namespace, "child").dependents == ("grand child",)
        assert [get(namespace, jid).dependents for jid in jids] == [("child",)] * 4

    def test_the_first_hundred_dependents_are_shown(self, namespace: Namespace) -> None:
        jids = many(120)
        family(namespace, *reversed(jids))

        assert get(namespace, "parent").dependents == tuple(jids[:100])

    def test_lists_show_what_a_job_waits_for(self, namespace: Namespace) -> None:
        family(namespace, "child")

        [child] = namespace.select(Filter(queue="work", state="depends")).jobs
        [parent] = namespace.select(Filter(queue="parents", state="waiting")).jobs

        assert (child.depends, parent.dependents) == (("parent",), ())

    def test_a_parent_may_be_changed_while_others_wait_for_it(self, namespace: Namespace) -> None:
        family(namespace, "child")

        namespace.update(["parent"], Changes(priority=3, data="[1]", add_tags=("t",)))
        namespace.move(["parent"], "other")

        assert get(namespace, "parent").dependents == ("child",)
        end(namespace, "parent")
        assert states(namespace, "child") == ["waiting"]

    def test_an_open_dependency_keeps_a_queue_from_being_asked_again_soon(self, namespace: Namespace) -> None:
        family(namespace, "child")

        assert namespace.pop(["work"], "ann").retry_at is None


class TestUnknownDependencies:
    """What is to be waited for is not there."""

    def test_a_parent_that_never_was_refuses_the_whole_batch(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "parent")

        with unchanged(namespace, check), pytest.raises(UnknownDependency) as caught:
            namespace.put([new("a"), new("b", depends=("parent", "no")), new("c")])

        assert caught.value == UnknownDependency.about("no")

    def test_a_parent_that_was_pruned_is_unknown(self, namespace: Namespace, clock: ManualClock) -> None:
        end_by_hand(namespace, "parent", "complete")
        clock.advance(7 * DAY)
        namespace.prune()

        with pytest.raises(UnknownDependency):
            put(namespace, "child", depends=("parent",))

    def test_missing_satisfied_takes_it_for_done(self, namespace: Namespace) -> None:
        put(namespace, "parent", queue="parents")

        put(namespace, "a", depends=("no",), missing="satisfied")
        put(namespace, "b", depends=("no", "parent"), missing="satisfied")

        assert (states(namespace, "a", "b"), get(namespace, "b").depends) == (["waiting", "depends"], ("parent",))

    def test_missing_satisfied_lets_the_delay_begin_at_once(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", depends=("no",), missing="satisfied", delay=5)

        assert (get(namespace).state, get(namespace).available_at) == ("scheduled", clock() + 5)


class TestDelaysOfDependents:
    """The delay of a job that depends begins when it waits for nothing more."""

    def test_a_delay_begins_when_the_last_parent_is_done(self, namespace: Namespace, clock: ManualClock) -> None:
        family(namespace, "child", delay=60)
        clock.advance(1000)

        end(namespace, "parent")

        assert (get(namespace, "child").state, get(namespace, "child").available_at) == ("scheduled", clock() + 60)
        assert (last_event(namespace).event, last_event(namespace).state) == ("unblocked", "scheduled")
        clock.advance(60)
        assert pop_all(namespace) == ["child"]

    def test_a_time_to_come_is_kept(self, namespace: Namespace, clock: ManualClock) -> None:
        due_at = clock() + 60
        put(namespace, "parent", queue="parents")
        put(namespace, "child", depends=("parent",), at=due_at)
        clock.advance(50)

        end(namespace, "parent")

        assert (get(namespace, "child").state, get(namespace, "child").available_at) == ("scheduled", due_at)

    def test_a_time_that_went_by_meanwhile_is_no_delay(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "parent", queue="parents")
        put(namespace, "child", depends=("parent",), at=clock() + 60)
        clock.advance(61)

        end(namespace, "parent")

        assert (get(namespace, "child").state, get(namespace, "child").available_at) == ("waiting", clock())

    def test_a_done_parent_lets_the_delay_begin_with_the_put(self, namespace: Namespace, clock: ManualClock) -> None:
        end_by_hand(namespace, "parent", "complete")

        put(namespace, "child", depends=("parent",), delay=5)

        assert (get(namespace, "child").state, get(namespace, "child").available_at) == ("scheduled", clock() + 5)

    def test_a_parent_that_only_became_due_frees_nobody(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "parent", queue="parents", delay=5)
        put(namespace, "child", depends=("parent",))
        clock.advance(5)

        namespace.promote()

        assert states(namespace, "parent", "child") == ["waiting", "depends"]


class TestCycles:
    """No job waits for itself."""

    def test_a_job_cannot_depend_on_itself(self, namespace: Namespace, check: Check) -> None:
        with unchanged(namespace, check), pytest.raises(DependencyCycle) as caught:
            put(namespace, "a", depends=("a",))

        assert caught.value == DependencyCycle.about("a")

    def test_not_even_where_what_is_missing_is_taken_for_done(self, namespace: Namespace) -> None:
        with pytest.raises(DependencyCycle):
            put(namespace, "a", depends=("a",), missing="satisfied")

    @pytest.mark.parametrize("last", ["b", "c", "d"])
    def test_a_job_put_anew_cannot_depend_on_what_waits_for_it(
        self, namespace: Namespace, check: Check, last: str
    ) -> None:
        put(namespace, "a")
        put(namespace, "b", depends=("a",))
        put(namespace, "c", depends=("b",))
        put(namespace, "d", depends=("c", "a"))

        with unchanged(namespace, check), pytest.raises(DependencyCycle) as caught:
            namespace.put([new("first"), new("a", if_exists="replace", depends=("first", last))])

        assert caught.value == DependencyCycle.about("a")

    def test_a_job_put_anew_may_depend_on_what_no_longer_waits_for_it(self, namespace: Namespace) -> None:
        put(namespace, "a")
        put(namespace, "b", depends=("a",))
        end(namespace, "a")

        put(namespace, "a", if_exists="replace", depends=("b",))

        assert (states(namespace, "a", "b"), get(namespace).depends) == (["depends", "waiting"], ("b",))

    def test_parents_in_common_are_no_cycle(self, namespace: Namespace) -> None:
        put(namespace, "a", "d")
        put(namespace, "b", "c", depends=("a",))

        put(namespace, "d", if_exists="replace", depends=("a", "b", "c"))

        assert get(namespace, "d").depends == ("a", "b", "c")

    def test_a_search_over_more_than_ten_thousand_jobs_is_refused(
        self, backend: Backend, namespace: Namespace, check: Check
    ) -> None:
        # Not looked over after every operation: that takes too long with so many.
        unchecked = backend.namespace(namespace.name)
        jids = many(10_002)
        links = [new(jid, "chain", depends=(before,)) for before, jid in pairwise(jids)]
        unchecked.put([new(jids[0], "chain"), new("a"), new("b")])
        for begin in range(0, len(links), 1000):
            unchecked.put(links[begin : begin + 1000])

        with pytest.raises(Invalid) as caught:
            unchecked.depend("a", [jids[-1]])

        assert caught.value == search_too_long()
        assert states(unchecked, "a") == ["waiting"]
        assert unchecked.depend("b", [jids[9999]]).state == "depends"
        check()


class TestDependenciesOfStages:
    """The next stage of a job waits for others."""

    def test_the_next_stage_waits_for_what_it_depends_on(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace, pipeline=("next",))
        put(namespace, "parent", queue="parents")
        clock.advance(3)

        assert settle(namespace, Complete(lease, depends=("parent",))) == "depends"

        job = get(namespace)
        assert (job.state, job.queue, job.depends, job.available_at) == ("depends", "next", ("parent",), clock())
        event = last_event(namespace)
        assert (event.event, event.queue, event.to, event.state) == ("advanced", "work", "next", "depends")
        end(namespace, "parent")
        assert pop_all(namespace, "next") == ["a"]

    def test_its_delay_begins_when_they_are_done(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)
        put(namespace, "parent", queue="parents")
        settle(namespace, Complete(lease, next="next", delay=30, depends=("parent",)))
        clock.advance(100)

        end(namespace, "parent")

        assert (get(namespace).state, get(namespace).available_at) == ("scheduled", clock() + 30)

    def test_what_is_done_already_is_not_waited_for(self, namespace: Namespace) -> None:
        lease = run(namespace)
        end_by_hand(namespace, "parent", "complete")

        assert settle(namespace, Complete(lease, next="next", depends=("parent",))) == "waiting"

    @each_choice
    def test_what_ended_badly_is_left_to_the_choice_of_the_job(
        self, namespace: Namespace, choice: OnParentEnd, state: State
    ) -> None:
        lease = run(namespace, on_parent_end=choice)
        end_by_hand(namespace, "parent", "failed")

        assert settle(namespace, Complete(lease, next="next", depends=("parent",))) == state

        assert states(namespace, "a") == [state]

    def test_missing_satisfied_takes_what_is_not_there_for_done(self, namespace: Namespace) -> None:
        lease = run(namespace)

        assert settle(namespace, Complete(lease, next="next", depends=("no",), missing="satisfied")) == "waiting"

    @pytest.mark.parametrize("fault", ["unknown", "itself", "cycle", "no next stage"])
    def test_what_cannot_be_waited_for_leaves_the_lease_as_it_is(
        self, namespace: Namespace, check: Check, fault: str
    ) -> None:
        lease = run(namespace)
        put(namespace, "b", depends=("a",))
        put(namespace, "c", depends=("b",))
        completions = {
            "unknown": (Complete(lease, next="next", depends=("no",)), UnknownDependency.about("no")),
            "itself": (Complete(lease, next="next", depends=("a",)), DependencyCycle.about("a")),
            "cycle": (Complete(lease, next="next", depends=("c",)), DependencyCycle.about("a")),
            "no next stage": (Complete(lease, depends=("c",)), nothing_follows()),
        }
        completion, error = completions[fault]

        with unchanged(namespace, check):
            answer = refusal(namespace, completion)

        assert answer == error
        assert renew(namespace, lease) == [Renewed("a", lease.expires_at)]
        assert settle(namespace, Complete(lease)) == "complete"

    def test_a_lost_lease_is_told_before_what_it_would_depend_on(self, namespace: Namespace) -> None:
        lease = run(namespace)
        namespace.timeout(["a"])

        assert refusal(namespace, Complete(lease, next="next", depends=("no",))) == LeaseLost.about("a")

    def test_the_same_completion_again_is_answered_the_same(self, namespace: Namespace) -> None:
        lease = run(namespace)
        put(namespace, "parent", queue="parents")
        completion = Complete(lease, next="next", depends=("parent",))
        settle(namespace, completion)
        end(namespace, "parent")

        assert namespace.settle([completion]) == [Settled("a", "depends")]
        assert states(namespace, "a") == ["waiting"]

    def test_a_stage_that_depends_has_its_place_in_walks(self, namespace: Namespace) -> None:
        put(namespace, "parent", queue="parents")
        lease = run(namespace, tags=("t",))

        settle(namespace, Complete(lease, next="next", depends=("parent",)))

        assert walk(namespace, Filter(queue="next", state="depends")) == walk(namespace, Filter(tag="t")) == ["a"]

"""Dependencies changed, dependents moved and parents canceled by hand."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.refusals import too_many_open
from qless_flask.errors import DependencyCycle, HasDependents, Invalid, JobNotFound, UnknownDependency, WrongState
from qless_flask.models import OnParentEnd, State
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.by_hand import bring, job_of, same
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
    peek,
    pop,
    pop_all,
    put,
    queue,
    renew,
    seen_events,
    states,
    unchanged,
)


class TestDepend:
    """`depend`: what a job waits for, changed by hand."""

    def test_a_waiting_job_comes_to_depend(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "parent", queue="parents")
        put(namespace, "a")
        clock.advance(5)

        answer = namespace.depend("a", ["parent"], actor=ALICE)

        assert same(answer, namespace)
        assert (answer.state, answer.depends, answer.available_at) == ("depends", ("parent",), clock())
        assert (queue(namespace).waiting, queue(namespace).depends) == (0, 1)
        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.jid, event.queue, event.state) == ("updated", "a", "work", "depends")
        assert (event.actor, event.address, entry.event) == ("alice", "192.0.2.7", "updated")

    def test_it_loses_its_place(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")
        put(namespace, "parent", queue="parents")

        namespace.depend("a", ["parent"])
        end(namespace, "parent")

        assert pop_all(namespace) == ["b", "a"]

    def test_a_scheduled_job_keeps_the_time_at_which_it_is_due(self, namespace: Namespace, clock: ManualClock) -> None:
        due_at = clock() + 60
        put(namespace, "parent", queue="parents")
        put(namespace, "a", delay=60)

        namespace.depend("a", ["parent"])
        clock.advance(10)
        end(namespace, "parent")

        assert (get(namespace).state, get(namespace).available_at) == ("scheduled", due_at)

    def test_a_job_that_depends_may_come_to_wait_for_more(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "p1", "p2", queue="parents")
        put(namespace, "a", depends=("p1",))
        since = clock()
        clock.advance(5)

        answer = namespace.depend("a", ["p2", "p1"])

        assert (answer.depends, answer.available_at) == (("p1", "p2"), since)

    def test_what_it_depends_on_no_longer_frees_it(self, namespace: Namespace, clock: ManualClock) -> None:
        family(namespace, "a")
        put(namespace, "b")
        clock.advance(5)

        answer = namespace.depend("a", off=["parent"], actor=ALICE)

        assert (answer.state, answer.depends, answer.available_at) == ("waiting", (), clock())
        told = [(event.event, event.state, event.actor) for event in seen_events(namespace)[-2:]]
        assert told == [("updated", "depends", "alice"), ("unblocked", "waiting", "alice")]
        assert history(namespace) == ["put", "updated", "unblocked"]
        assert pop_all(namespace) == ["b", "a"]

    def test_others_that_wait_for_what_is_taken_off_wait_on(self, namespace: Namespace) -> None:
        family(namespace, "a", "b")

        namespace.depend("a", off=["parent"])

        assert states(namespace, "a", "b") == ["waiting", "depends"]
        end(namespace, "parent")
        assert peek(namespace) == ["a", "b"]

    def test_one_of_several_taken_off_leaves_the_others(self, namespace: Namespace) -> None:
        put(namespace, "p1", "p2", queue="parents")
        put(namespace, "a", depends=("p1", "p2"))

        answer = namespace.depend("a", off=["p1"])

        assert (answer.state, answer.depends) == ("depends", ("p2",))
        assert (get(namespace, "p1").dependents, get(namespace, "p2").dependents) == ((), ("a",))

    def test_what_is_taken_off_need_not_be_there(self, namespace: Namespace) -> None:
        family(namespace, "a")

        answer = namespace.depend("a", off=["no", "a"])

        assert (answer.state, answer.depends) == ("depends", ("parent",))
        assert last_event(namespace).event == "updated"

    def test_what_is_taken_off_and_put_on_again_stays_on(self, namespace: Namespace) -> None:
        family(namespace, "a")

        answer = namespace.depend("a", ["parent"], ["parent"])

        assert (answer.state, answer.depends) == ("depends", ("parent",))
        assert not seen_events(namespace, "unblocked")

    def test_one_may_take_the_place_of_another(self, namespace: Namespace) -> None:
        family(namespace, "a")
        put(namespace, "other", queue="parents")

        assert namespace.depend("a", ["other"], ["parent"]).depends == ("other",)
        end(namespace, "parent")

        assert states(namespace, "a") == ["depends"]

    def test_a_complete_parent_changes_nothing_and_the_place_is_kept(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        end_by_hand(namespace, "parent", "complete")
        put(namespace, "a", "b")
        put_at = clock()
        clock.advance(5)

        answer = namespace.depend("a", ["parent"])

        assert (answer.state, answer.available_at) == ("waiting", put_at)
        assert (last_event(namespace).event, last_event(namespace).state) == ("updated", "waiting")
        assert pop_all(namespace) == ["a", "b"]

    @each_choice
    def test_a_parent_that_ended_badly_is_left_to_the_choice_of_the_job(
        self, namespace: Namespace, choice: OnParentEnd, state: State
    ) -> None:
        end_by_hand(namespace, "parent", "failed")
        put(namespace, "a", on_parent_end=choice)

        assert namespace.depend("a", ["parent"]).state == state

        assert states(namespace, "a") == [state]

    def test_a_job_canceled_so_tells_its_own_children(self, namespace: Namespace) -> None:
        end_by_hand(namespace, "parent", "failed")
        put(namespace, "a", on_parent_end="cancel")
        put(namespace, "b", depends=("a",), on_parent_end="run")

        namespace.depend("a", ["parent"], actor=ALICE)

        told = [(event.event, event.jid, event.actor) for event in seen_events(namespace)[-3:]]
        assert told == [("updated", "a", "alice"), ("canceled", "a", "alice"), ("unblocked", "b", "alice")]

    def test_the_delay_begins_when_the_last_is_taken_off(self, namespace: Namespace, clock: ManualClock) -> None:
        family(namespace, "a", delay=60)
        clock.advance(1000)

        answer = namespace.depend("a", off=["parent"])

        assert (answer.state, answer.available_at) == ("scheduled", clock() + 60)

    @pytest.mark.parametrize("state", ["running", "complete", "failed", "canceled"])
    def test_a_job_that_runs_or_has_ended_depends_on_nothing(
        self, namespace: Namespace, check: Check, state: str
    ) -> None:
        bring(namespace, state)
        put(namespace, "parent", queue="parents")

        for on, off in ((["parent"], []), ([], ["parent"])):
            with unchanged(namespace, check), pytest.raises(WrongState) as caught:
                namespace.depend("a", on, off)

        assert caught.value == WrongState.about("a")

    def test_a_job_that_is_not_there_is_not_found(self, namespace: Namespace) -> None:
        with pytest.raises(JobNotFound) as caught:
            namespace.depend("no", ["a"])

        assert caught.value == JobNotFound.about("no")

    def test_a_parent_that_is_not_there_is_refused_and_nothing_is_taken_off(
        self, namespace: Namespace, check: Check
    ) -> None:
        family(namespace, "a")

        with unchanged(namespace, check), pytest.raises(UnknownDependency) as caught:
            namespace.depend("a", ["no"], ["parent"])

        assert caught.value == UnknownDependency.about("no")

    def test_missing_satisfied_takes_it_for_done(self, namespace: Namespace) -> None:
        put(namespace, "a")

        assert namespace.depend("a", ["no"], missing="satisfied").state == "waiting"

    @pytest.mark.parametrize("last", ["a", "b", "c"])
    def test_a_cycle_is_refused(self, namespace: Namespace, check: Check, last: str) -> None:
        put(namespace, "parent", queue="parents")
        put(namespace, "a", depends=("parent",))
        put(namespace, "b", depends=("a",))
        put(namespace, "c", depends=("b",))

        with unchanged(namespace, check), pytest.raises(DependencyCycle) as caught:
            namespace.depend("a", [last])

        assert caught.value == DependencyCycle.about("a")

    def test_a_job_may_wait_for_a_thousand_others_and_no_more(
        self, backend: Backend, namespace: Namespace, check: Check
    ) -> None:
        # Not looked over after every operation: that takes too long with so many.
        unchecked = backend.namespace(namespace.name)
        jids = many(1000)
        put(unchecked, *jids, queue="parents")
        put(unchecked, "a")
        put(unchecked, "one more", queue="parents")
        for begin in range(0, 1000, 100):
            unchecked.depend("a", jids[begin : begin + 100])

        with unchanged(unchecked, check), pytest.raises(Invalid) as caught:
            unchecked.depend("a", ["one more"])

        assert caught.value == too_many_open()
        assert get(unchecked).depends == tuple(jids)
        assert len(unchecked.depend("a", ["one more"], jids[:1]).depends) == 1000
        check()


class TestMoveOfDependents:
    """A job that depends, put into another queue by hand."""

    def test_it_depends_there_still(self, namespace: Namespace, clock: ManualClock) -> None:
        family(namespace, "child")
        clock.advance(5)

        [answer] = namespace.move(["child"], "other", actor=ALICE)

        assert same(answer, namespace)
        assert (get(namespace, "child").queue, get(namespace, "child").state) == ("other", "depends")
        assert get(namespace, "child").available_at == clock()
        assert (queue(namespace).depends, queue(namespace, "other").depends) == (0, 1)
        event = last_event(namespace)
        assert (event.event, event.queue, event.to, event.state) == ("moved", "work", "other", "depends")

    def test_it_is_freed_into_the_new_queue(self, namespace: Namespace) -> None:
        family(namespace, "child")
        namespace.move(["child"], "other")

        end(namespace, "parent")

        assert pop_all(namespace, "other") == ["child"]

    def test_the_delay_of_the_move_counts_from_its_unblocking(self, namespace: Namespace, clock: ManualClock) -> None:
        family(namespace, "child", delay=500)
        namespace.move(["child"], "other", delay=20)
        clock.advance(100)

        end(namespace, "parent")

        assert (get(namespace, "child").state, get(namespace, "child").available_at) == ("scheduled", clock() + 20)

    def test_a_move_without_delay_forgets_the_delay_of_before(self, namespace: Namespace) -> None:
        family(namespace, "child", delay=500)
        namespace.move(["child"], "other")

        end(namespace, "parent")

        assert states(namespace, "child") == ["waiting"]


class TestCancelOfParents:
    """A job canceled that others wait for."""

    def test_it_is_refused_and_those_that_wait_are_named(self, namespace: Namespace, check: Check) -> None:
        family(namespace, "c", "a", "b")

        with unchanged(namespace, check):
            [answer] = namespace.cancel(["parent"])

        assert answer == HasDependents.of("parent", ["a", "b", "c"])
        assert "(a, b, c)" in str(answer)

    def test_of_many_ten_are_named(self, namespace: Namespace) -> None:
        jids = many(12)
        family(namespace, *reversed(jids))

        [answer] = namespace.cancel(["parent"])

        assert answer == HasDependents.of("parent", jids)

    def test_others_of_its_batch_are_canceled(self, namespace: Namespace) -> None:
        family(namespace, "child")
        put(namespace, "other")

        answers = namespace.cancel(["parent", "other"])

        assert (answers[0], job_of(answers[1]).state) == (HasDependents.of("parent", ["child"]), "canceled")

    def test_each_of_a_batch_sees_those_before_it(self, namespace: Namespace) -> None:
        family(namespace, "child")

        answers = namespace.cancel(["child", "parent"])

        assert [job_of(answer).state for answer in answers] == ["canceled", "canceled"]

    def test_along_go_all_that_wait_for_it_whatever_they_would_choose(self, namespace: Namespace) -> None:
        put(namespace, "parent", queue="parents")
        for choice in ("wait", "run", "cancel"):
            put(namespace, choice, depends=("parent",), on_parent_end=choice)
            put(namespace, f"after {choice}", queue="other", depends=(choice,), on_parent_end="run")

        [answer] = namespace.cancel(["parent"], dependents="cancel")

        assert job_of(answer).state == "canceled"
        assert (queue(namespace).canceled, queue(namespace, "other").canceled) == (3, 3)
        assert len(seen_events(namespace, "canceled")) == 7
        assert not seen_events(namespace, "unblocked")

    def test_along_they_go_generation_by_generation_each_by_jid_and_once(self, namespace: Namespace) -> None:
        put(namespace, "parent", queue="parents")
        put(namespace, "c", "b", depends=("parent",))
        put(namespace, "e", depends=("b",))
        put(namespace, "d", depends=("c", "b", "parent"))
        put(namespace, "a", depends=("e", "d"))

        namespace.cancel(["parent"], dependents="cancel", actor=ALICE)

        told = [(event.jid, event.actor) for event in seen_events(namespace, "canceled")]
        assert told == [(jid, "alice") for jid in ("parent", "b", "c", "d", "a", "e")]

    def test_along_go_a_thousand_and_no_more(self, namespace: Namespace, check: Check) -> None:
        jids = many(1001)
        family(namespace, *jids[:1000])
        put(namespace, jids[1000], depends=(jids[0],))

        with unchanged(namespace, check):
            assert namespace.cancel(["parent"], dependents="cancel") == [HasDependents.too_many("parent", 1000)]

        namespace.cancel([jids[1000]])
        [answer] = namespace.cancel(["parent"], dependents="cancel")
        assert (job_of(answer).state, queue(namespace).canceled) == ("canceled", 1001)

    @each_choice
    def test_it_may_be_left_to_the_choice_of_each(
        self, namespace: Namespace, choice: OnParentEnd, state: State
    ) -> None:
        family(namespace, "child", choice=choice)

        [answer] = namespace.cancel(["parent"], dependents="choice")

        assert (job_of(answer).state, states(namespace, "child")) == ("canceled", [state])

    def test_a_running_parent_that_is_canceled_along_is_lost_to_its_worker(self, namespace: Namespace) -> None:
        family(namespace, "child")
        lease = pop(namespace, "parents")

        namespace.cancel(["parent"], dependents="cancel")

        [answer] = renew(namespace, lease)
        assert (getattr(answer, "code", None), states(namespace, "child")) == ("JOB_CANCELED", ["canceled"])

    def test_one_that_is_canceled_already_stays_though_others_wait_for_it(
        self, namespace: Namespace, check: Check
    ) -> None:
        family(namespace, "child")
        end(namespace, "parent", "canceled")

        with unchanged(namespace, check):
            for dependents in ("refuse", "cancel", "choice"):
                [answer] = namespace.cancel(["parent"], dependents=dependents)
                assert job_of(answer).state == "canceled"

    def test_a_failed_one_is_refused_too(self, namespace: Namespace, check: Check) -> None:
        family(namespace, "child")
        end(namespace, "parent", "failed")

        with unchanged(namespace, check):
            assert namespace.cancel(["parent"]) == [HasDependents.of("parent", ["child"])]

    def test_a_complete_one_cannot_be_canceled_whatever_is_to_happen_to_those_that_wait(
        self, namespace: Namespace, check: Check
    ) -> None:
        family(namespace, *many(101))
        end(namespace, "parent")

        with unchanged(namespace, check):
            for dependents in ("refuse", "cancel", "choice"):
                assert namespace.cancel(["parent"], dependents=dependents) == [WrongState.about("parent")]

"""Jobs ended by hand, complete or failed."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import JobNotFound, LeaseLost
from qless_flask.models import Complete, Failure, Filter, Finish, State
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.by_hand import bring, in_each_state, job_of, same
from qless_flask.testing.conformance.scenes import (
    ALICE,
    Check,
    each_choice,
    family,
    get,
    last_event,
    peek,
    pop_all,
    put,
    queue,
    renew,
    run,
    seen_events,
    states,
    unchanged,
    walk,
)

COMPLETE = Finish("complete")
FAILED = Finish("failed", group="given up", message="nobody needs it")


class TestFinish:
    """Ended by a person."""

    @in_each_state
    def test_a_job_of_any_state_is_finished_complete(
        self, namespace: Namespace, clock: ManualClock, state: State
    ) -> None:
        bring(namespace, state)
        ended_at = clock() if state == "complete" else clock() + 1
        clock.advance(1)

        [answer] = namespace.finish(["a"], COMPLETE)

        job = job_of(answer)
        assert (job.state, job.ended_at, job.failure, job.worker) == ("complete", ended_at, None, None)
        assert job.depends == ()
        assert same(answer, namespace)
        assert peek(namespace, state="complete") == ["a"]

    @in_each_state
    def test_a_job_of_any_state_is_finished_failed(
        self, namespace: Namespace, clock: ManualClock, state: State
    ) -> None:
        bring(namespace, state)
        before = get(namespace).failure
        clock.advance(1)

        [answer] = namespace.finish(["a"], FAILED)

        job = job_of(answer)
        runs = 0 if state in ("scheduled", "depends", "waiting") else 1
        failure = Failure("given up", "nobody needs it", clock(), None, runs)
        assert (job.state, job.failure) == ("failed", before if state == "failed" else failure)
        assert same(answer, namespace)
        assert peek(namespace, state="failed") == ["a"]
        assert walk(namespace, Filter(group="given up")) == ([] if state == "failed" else ["a"])

    @pytest.mark.parametrize(("state", "end"), [("complete", COMPLETE), ("failed", FAILED)])
    def test_a_job_in_that_state_stays_as_it_is(
        self, namespace: Namespace, check: Check, clock: ManualClock, state: State, end: Finish
    ) -> None:
        bring(namespace, state)
        clock.advance(9)

        with unchanged(namespace, check):
            [answer] = namespace.finish(["a"], end, actor=ALICE)

        assert same(answer, namespace)

    def test_a_finished_job_is_never_popped(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", delay=5)
        namespace.finish(["a"], COMPLETE)
        namespace.finish(["b"], FAILED)
        clock.advance(5)

        assert pop_all(namespace) == []

    def test_the_pipeline_is_left_as_it_is(self, namespace: Namespace) -> None:
        put(namespace, "a", pipeline=("parse", "index"))

        namespace.finish(["a"], COMPLETE)

        assert (get(namespace).state, get(namespace).pipeline) == ("complete", ("parse", "index"))
        assert get(namespace).queue == "work"

    def test_a_lease_is_lost(self, namespace: Namespace) -> None:
        lease = run(namespace)

        namespace.finish(["a"], COMPLETE)

        assert renew(namespace, lease) == [LeaseLost.about("a")]
        assert namespace.settle([Complete(lease)]) == [LeaseLost.about("a")]
        assert namespace.workers()[0].running == 0

    def test_a_result_is_kept(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        namespace.finish(["a"], Finish("complete", result='{"pages":[1,2.50]}'))
        namespace.finish(["b"], COMPLETE)

        assert (get(namespace, "a").result, get(namespace, "b").result) == ('{"pages":[1,2.50]}', None)

    def test_a_failure_leaves_its_group(self, namespace: Namespace) -> None:
        bring(namespace, "failed")

        namespace.finish(["a"], COMPLETE)

        assert namespace.failures() == []

    def test_a_canceled_job_that_is_finished_is_counted_as_that(self, namespace: Namespace) -> None:
        bring(namespace, "canceled")

        namespace.finish(["a"], FAILED)

        found = queue(namespace)
        assert (found.canceled, found.failed) == (0, 1)

    def test_a_batch_is_answered_in_order_each_for_itself(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        answers = namespace.finish(["b", "no", "a", "b"], COMPLETE)

        assert answers[1] == JobNotFound.about("no")
        assert [job_of(answers[index]).jid for index in (0, 2, 3)] == ["b", "a", "b"]
        assert len(seen_events(namespace, "finished")) == 2

    def test_it_is_told_with_who_did_it_and_who_held_the_job(self, namespace: Namespace) -> None:
        run(namespace)

        namespace.finish(["a"], COMPLETE, actor=ALICE)

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.jid, event.queue, event.state) == ("finished", "a", "work", "complete")
        assert (event.worker, event.group, event.actor, event.address) == ("ann", None, "alice", "192.0.2.7")
        assert (entry.event, entry.queue, entry.worker, entry.group) == ("finished", None, None, None)

    def test_one_that_is_finished_failed_is_told_with_its_group(self, namespace: Namespace) -> None:
        put(namespace, "a")

        namespace.finish(["a"], FAILED, actor=ALICE)

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.state, event.group, event.worker) == ("finished", "failed", "given up", None)
        assert (entry.event, entry.group) == ("finished", "given up")

    def test_complete_frees_those_that_wait_for_it(self, namespace: Namespace) -> None:
        family(namespace, "x", "y")

        namespace.finish(["parent"], COMPLETE, actor=ALICE)

        assert pop_all(namespace) == ["x", "y"]
        events = seen_events(namespace, "unblocked")
        assert [(event.jid, event.actor) for event in events] == [("x", "alice"), ("y", "alice")]

    @each_choice
    def test_failed_leaves_those_that_wait_for_it_their_choice(
        self, namespace: Namespace, choice: str, state: State
    ) -> None:
        family(namespace, "child", choice=choice)  # type: ignore[arg-type]

        namespace.finish(["parent"], FAILED)

        assert states(namespace, "child") == [state]

    def test_a_failed_parent_that_is_finished_complete_frees_its_children(self, namespace: Namespace) -> None:
        family(namespace, "child")
        namespace.finish(["parent"], FAILED)

        namespace.finish(["parent"], COMPLETE)

        assert states(namespace, "child") == ["waiting"]

    def test_a_child_that_is_finished_is_waited_with_no_longer(self, namespace: Namespace) -> None:
        family(namespace, "child")

        namespace.finish(["child"], COMPLETE)

        assert (get(namespace, "child").depends, get(namespace, "parent").dependents) == ((), ())
        namespace.finish(["parent"], COMPLETE)
        assert states(namespace, "child") == ["complete"]

    def test_a_finished_job_can_be_moved_back_to_life(self, namespace: Namespace) -> None:
        put(namespace, "a")
        namespace.finish(["a"], Finish("complete", result="1"))

        namespace.move(["a"], "work")

        assert (get(namespace).state, get(namespace).result) == ("waiting", None)

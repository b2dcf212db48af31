"""What people do to jobs: cancel, move, update, timeout."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid, JobNotFound, LeaseLost, QlessError, WrongState
from qless_flask.models import STATES, Actor, Changes, Complete, Fail, Failure, Filter, Job, Renewed, Retry
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    ALICE,
    Check,
    get,
    history,
    last_event,
    new,
    peek,
    pop,
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

in_each_state = pytest.mark.parametrize("state", STATES)
in_each_state_but_depends = pytest.mark.parametrize("state", [state for state in STATES if state != "depends"])


def bring(namespace: Namespace, state: str, jid: str = "a") -> None:
    """Put a job and bring it into a state."""
    if state in ("scheduled", "waiting"):
        put(namespace, jid, delay=60 if state == "scheduled" else 0)
        return
    if state == "depends":
        put(namespace, f"parent of {jid}", queue="parents")
        put(namespace, jid, depends=(f"parent of {jid}",))
        return
    lease = run(namespace, jid)
    if state == "complete":
        namespace.settle([Complete(lease)])
    elif state == "failed":
        namespace.settle([Fail(lease, group="broken")])
    elif state == "canceled":
        namespace.cancel([jid])


def job_of(answer: Job | QlessError) -> Job:
    """Insist on an answer that is a job, as lists show it."""
    assert isinstance(answer, Job)
    assert (answer.data, answer.result, answer.history, answer.dependents) == (None, None, (), ())
    return answer


def same(answer: Job | QlessError, namespace: Namespace) -> bool:
    """Tell whether an answer shows the job as it is."""
    job = get(namespace, job_of(answer).jid)
    return answer == replace(job, data=None, result=None, history=(), dependents=())


class TestCancel:
    """Stopped for good."""

    @pytest.mark.parametrize("state", ["scheduled", "depends", "waiting", "running", "failed"])
    def test_a_job_that_is_not_complete_is_canceled(self, namespace: Namespace, clock: ManualClock, state: str) -> None:
        bring(namespace, state)
        clock.advance(1)

        [answer] = namespace.cancel(["a"])

        job = job_of(answer)
        assert (job.state, job.ended_at, job.worker) == ("canceled", clock(), None)
        assert same(answer, namespace)
        clock.advance(3600)
        assert pop_all(namespace) == []
        assert peek(namespace, state="canceled") == ["a"]

    def test_a_complete_job_cannot_be_canceled(self, namespace: Namespace, check: Check) -> None:
        bring(namespace, "complete")

        with unchanged(namespace, check):
            assert namespace.cancel(["a"]) == [WrongState.about("a")]

    def test_a_canceled_job_stays_as_it_is(self, namespace: Namespace, check: Check, clock: ManualClock) -> None:
        bring(namespace, "canceled")
        ended_at = clock()
        clock.advance(9)

        with unchanged(namespace, check):
            [answer] = namespace.cancel(["a"], actor=ALICE)

        assert (job_of(answer).state, job_of(answer).ended_at) == ("canceled", ended_at)

    def test_a_canceled_failure_leaves_its_group(self, namespace: Namespace) -> None:
        bring(namespace, "failed")

        namespace.cancel(["a"])

        assert walk(namespace, Filter(group="broken")) == []

    def test_a_batch_is_answered_in_order_each_for_itself(self, namespace: Namespace) -> None:
        bring(namespace, "complete", "done")
        put(namespace, "a", "b")

        answers = namespace.cancel(["b", "no", "done", "a", "b"])

        assert answers[1:3] == [JobNotFound.about("no"), WrongState.about("done")]
        assert [job_of(answers[index]).jid for index in (0, 3, 4)] == ["b", "a", "b"]
        assert len(seen_events(namespace, "canceled")) == 2

    def test_a_cancel_of_a_running_job_is_told_with_who_did_it_and_who_held_it(self, namespace: Namespace) -> None:
        bring(namespace, "running")

        namespace.cancel(["a"], actor=ALICE)

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.jid, event.queue, event.state) == ("canceled", "a", "work", "canceled")
        assert (event.worker, event.actor, event.address) == ("ann", "alice", "192.0.2.7")
        assert (entry.event, entry.worker, entry.queue, entry.group) == ("canceled", None, None, None)

    def test_a_cancel_of_a_waiting_job_names_no_worker(self, namespace: Namespace) -> None:
        put(namespace, "a")

        namespace.cancel(["a"], actor=Actor("bob"))

        event = last_event(namespace)
        assert (event.worker, event.actor, event.address) == (None, "bob", None)


class TestMove:
    """Put into a queue by hand."""

    @in_each_state_but_depends
    def test_a_job_of_any_state_waits_in_the_new_queue(
        self, namespace: Namespace, clock: ManualClock, state: str
    ) -> None:
        bring(namespace, state)
        clock.advance(1)

        [answer] = namespace.move(["a"], "other")

        job = job_of(answer)
        assert (job.queue, job.state, job.available_at, job.ended_at) == ("other", "waiting", clock(), None)
        assert (job.failure, job.worker, job.remaining, job.losses) == (None, None, 5, 0)
        assert same(answer, namespace)
        assert (peek(namespace, state=job.state), pop_all(namespace, "other")) == ([], ["a"])

    @in_each_state_but_depends
    def test_with_a_delay_it_is_scheduled_there(self, namespace: Namespace, clock: ManualClock, state: str) -> None:
        bring(namespace, state)

        [answer] = namespace.move(["a"], "other", delay=5)

        assert (job_of(answer).state, job_of(answer).available_at) == ("scheduled", clock() + 5)
        assert pop_all(namespace, "other") == []
        clock.advance(5)
        assert pop_all(namespace, "other") == ["a"]

    def test_retries_are_renewed_by_the_new_queue(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("other", {"retries": 1})
        put(namespace, "own", retries=7)
        namespace.settle([Retry(pop(namespace))])
        run(namespace, "b", queue="third")
        clock.advance(60)
        namespace.promote()
        namespace.configure("work", {"retries": 0})

        own, b = namespace.move(["own", "b"], "other")

        assert (job_of(own).remaining, job_of(b).remaining, job_of(b).losses) == (7, 1, 0)

    def test_a_lease_is_lost(self, namespace: Namespace) -> None:
        lease = run(namespace)

        namespace.move(["a"], "work")

        assert renew(namespace, lease) == [LeaseLost.about("a")]
        assert namespace.settle([Complete(lease)]) == [LeaseLost.about("a")]

    def test_it_takes_a_new_place_even_in_its_own_queue(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c")

        namespace.move(["a"], "work")

        assert pop_all(namespace) == ["b", "c", "a"]

    def test_places_are_taken_in_the_order_named(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c")

        namespace.move(["c", "a", "b"], "other")

        assert pop_all(namespace, "other") == ["c", "a", "b"]

    def test_pipeline_priority_tags_and_data_stay(self, namespace: Namespace) -> None:
        put(namespace, "a", pipeline=("parse",), priority=3, tags=("t",), data="[1]")

        namespace.move(["a"], "other")

        job = get(namespace)
        assert (job.pipeline, job.priority, job.tags, job.data) == (("parse",), 3, ("t",), "[1]")

    def test_the_new_queue_is_known_and_the_old_one_too(self, namespace: Namespace) -> None:
        put(namespace, "a")

        namespace.move(["a"], "other")

        assert [(each.name, each.waiting) for each in namespace.queues()] == [("other", 1), ("work", 0)]

    def test_a_batch_is_answered_in_order_each_for_itself(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        answers = namespace.move(["b", "no", "a"], "other")

        assert answers[1] == JobNotFound.about("no")
        assert [job_of(answers[index]).jid for index in (0, 2)] == ["b", "a"]

    def test_moving_nothing_makes_no_queue_known(self, namespace: Namespace) -> None:
        assert namespace.move(["no"], "other") == [JobNotFound.about("no")]
        assert namespace.queues() == []

    def test_a_jid_named_twice_is_moved_twice(self, namespace: Namespace) -> None:
        put(namespace, "a")

        namespace.move(["a", "a"], "other")

        assert history(namespace) == ["put", "moved", "moved"]

    def test_it_is_told_from_where_to_where(self, namespace: Namespace) -> None:
        run(namespace)

        namespace.move(["a"], "other", delay=1, actor=ALICE)

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.queue, event.to, event.state) == ("moved", "work", "other", "scheduled")
        assert (event.worker, event.actor, event.address) == ("ann", "alice", "192.0.2.7")
        assert (entry.event, entry.queue, entry.worker) == ("moved", "other", None)


class TestUpdate:
    """Changed by hand."""

    @in_each_state
    def test_a_job_of_any_state_is_changed(self, namespace: Namespace, state: str) -> None:
        bring(namespace, state)

        [answer] = namespace.update(["a"], Changes(priority=9, data="[2]", add_tags=("t",), retries=3))

        job = job_of(answer)
        assert (job.state, job.priority, job.tags, job.retries, job.remaining) == (state, 9, ("t",), 3, 3)
        assert same(answer, namespace)
        assert get(namespace).data == "[2]"

    def test_what_is_not_named_stays(self, namespace: Namespace) -> None:
        put(namespace, "a", priority=3, tags=("t",), data="[1]", retries=2)
        before = get(namespace)

        namespace.update(["a"], Changes())

        job = get(namespace)
        assert (job.priority, job.tags, job.data, job.retries, job.remaining) == (3, ("t",), "[1]", 2, 2)
        assert (job.available_at, job.state) == (before.available_at, "waiting")

    def test_a_changed_priority_keeps_the_place_among_equals(self, namespace: Namespace) -> None:
        put(namespace, "a", priority=1)
        put(namespace, "b", "c", "d")

        namespace.update(["d"], Changes(priority=1))
        namespace.update(["a"], Changes(priority=0))

        assert pop_all(namespace) == ["d", "a", "b", "c"]

    def test_priority_zero_is_a_change(self, namespace: Namespace) -> None:
        put(namespace, "a", priority=3)

        namespace.update(["a"], Changes(priority=0, retries=0))

        assert (get(namespace).priority, get(namespace).retries, get(namespace).remaining) == (0, 0, 0)

    def test_tags_are_removed_before_others_are_added(self, namespace: Namespace) -> None:
        put(namespace, "a", tags=("x", "y", "z"))

        namespace.update(["a"], Changes(add_tags=("w", "x", "z"), remove_tags=("x", "y", "none")))

        assert get(namespace).tags == ("z", "w", "x")
        assert [walk(namespace, Filter(tag=tag)) for tag in "wxyz"] == [["a"], ["a"], [], ["a"]]

    def test_a_job_may_have_thirty_two_tags_and_no_more(self, namespace: Namespace, check: Check) -> None:
        tags = tuple(f"tag {number}" for number in range(32))
        put(namespace, "a", tags=tags)
        put(namespace, "b")

        with unchanged(namespace, check):
            [answer] = namespace.update(["a"], Changes(add_tags=("one more",), priority=7, data="[2]"))

        assert answer == Invalid.of({"tags": ["a job may have 32 tags"]})
        answers = namespace.update(["a", "b"], Changes(add_tags=("one more",)))
        assert (answers[0], job_of(answers[1]).tags) == (answer, ("one more",))
        [answer] = namespace.update(["a"], Changes(add_tags=("one more",), remove_tags=("tag 0",)))
        assert len(job_of(answer).tags) == 32

    def test_fewer_retries_lower_what_remains(self, namespace: Namespace) -> None:
        put(namespace, "a")

        namespace.update(["a"], Changes(retries=2))

        assert (get(namespace).retries, get(namespace).remaining) == (2, 2)

    def test_more_retries_count_from_the_next_stage_on(self, namespace: Namespace) -> None:
        put(namespace, "a")

        namespace.update(["a"], Changes(retries=50))
        assert (get(namespace).retries, get(namespace).remaining) == (50, 5)
        namespace.move(["a"], "other")
        assert get(namespace).remaining == 50

    def test_a_lease_goes_on(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)

        namespace.update(["a"], Changes(priority=4, data="[2]", add_tags=("t",)))

        assert renew(namespace, lease) == [Renewed("a", clock() + 60)]

    def test_a_batch_is_answered_in_order_each_for_itself(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        answers = namespace.update(["b", "no", "a"], Changes(priority=1))

        assert answers[1] == JobNotFound.about("no")
        assert [job_of(answers[index]).jid for index in (0, 2)] == ["b", "a"]

    def test_it_is_told(self, namespace: Namespace) -> None:
        run(namespace)

        namespace.update(["a"], Changes(priority=1), actor=ALICE)

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.jid, event.queue, event.to) == ("updated", "a", "work", None)
        assert (event.state, event.worker, event.actor, event.address) == ("running", None, "alice", "192.0.2.7")
        assert (entry.event, entry.queue, entry.worker) == ("updated", None, None)


class TestTimeout:
    """A lease taken away."""

    def test_it_costs_a_retry_and_the_job_waits_at_once_at_a_new_place(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "a", "b")
        lease = pop(namespace)
        clock.advance(3)

        [answer] = namespace.timeout(["a"])

        job = job_of(answer)
        assert (job.state, job.remaining, job.losses, job.available_at) == ("waiting", 4, 0, clock())
        assert job.failure == Failure("timeout", "", clock(), "ann", 1)
        assert same(answer, namespace)
        assert renew(namespace, lease) == [LeaseLost.about("a")]
        assert pop_all(namespace) == ["b", "a"]

    def test_where_no_retry_remains_it_fails(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace, retries=0)

        [answer] = namespace.timeout(["a"], actor=ALICE)

        job = job_of(answer)
        assert (job.state, job.remaining, job.ended_at) == ("failed", 0, clock())
        assert job.failure == Failure("timeout", "", clock(), "ann", 1)
        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.group, event.worker, event.state) == ("failed", "timeout", "ann", "failed")
        assert (event.actor, event.address) == ("alice", "192.0.2.7")
        assert (entry.event, entry.group) == ("failed", "timeout")

    @pytest.mark.parametrize("state", [state for state in STATES if state != "running"])
    def test_a_job_that_does_not_run_cannot_time_out(self, namespace: Namespace, check: Check, state: str) -> None:
        bring(namespace, state)

        with unchanged(namespace, check):
            assert namespace.timeout(["a"]) == [WrongState.about("a")]

    def test_a_batch_is_answered_in_order_each_for_itself(self, namespace: Namespace) -> None:
        namespace.put([new("a"), new("b"), new("c", delay=9)])
        namespace.pop(["work"], "ann", 2)

        answers = namespace.timeout(["b", "no", "c", "a", "b"])

        assert answers[1:3] == [JobNotFound.about("no"), WrongState.about("c")]
        assert answers[4] == WrongState.about("b")
        assert states(namespace, "a", "b") == ["waiting", "waiting"]
        assert pop_all(namespace) == ["b", "a"]

    def test_it_is_told(self, namespace: Namespace) -> None:
        run(namespace)

        namespace.timeout(["a"], actor=ALICE)

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.queue, event.state, event.worker) == ("timed_out", "work", "waiting", "ann")
        assert (event.group, event.actor, event.address) == (None, "alice", "192.0.2.7")
        assert (entry.event, entry.queue, entry.worker, entry.group) == ("timed_out", None, None, None)

    def test_a_lease_that_expired_but_was_not_taken_back_is_taken_away(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        run(namespace)
        clock.advance(600)

        [answer] = namespace.timeout(["a"])

        assert (job_of(answer).state, job_of(answer).losses, queue(namespace).stalled) == ("waiting", 0, 0)

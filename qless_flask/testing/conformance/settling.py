"""Settling: leases ended by complete, retry, fail or release."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import JobCanceled, JobNotFound, LeaseLost
from qless_flask.models import Complete, Fail, Failure, Lease, Release, Retry, Settled, Settlement
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    Check,
    get,
    history,
    last_event,
    pop,
    pop_all,
    put,
    queue,
    renew,
    run,
    states,
    unchanged,
)

Kind = Callable[[Lease], Settlement]
KINDS: dict[str, Kind] = {
    "complete": lambda lease: Complete(lease),
    "retry": lambda lease: Retry(lease),
    "fail": lambda lease: Fail(lease, group="broken"),
    "release": lambda lease: Release(lease),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


class TestComplete:
    """The stage is done."""

    def test_a_job_without_a_next_queue_is_complete(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)
        clock.advance(3)

        assert namespace.settle([Complete(lease)]) == [Settled("a", "complete")]

        job = get(namespace)
        assert (job.state, job.queue, job.worker, job.failure) == ("complete", "work", None, None)
        assert (job.started_at, job.available_at, job.ended_at) == (clock() - 3, clock() - 3, clock())

    def test_data_replaces_the_data_of_the_job(self, namespace: Namespace) -> None:
        lease = run(namespace, data="[1]")

        namespace.settle([Complete(lease, data="[2]")])

        assert get(namespace).data == "[2]"

    def test_without_data_the_data_of_the_job_stays(self, namespace: Namespace) -> None:
        lease = run(namespace, data="[1]")

        namespace.settle([Complete(lease)])

        assert get(namespace).data == "[1]"

    def test_success_clears_the_failure(self, namespace: Namespace) -> None:
        namespace.settle([Retry(run(namespace))])

        namespace.settle([Complete(pop(namespace))])

        assert get(namespace).failure is None

    def test_a_delay_without_a_next_queue_means_nothing(self, namespace: Namespace) -> None:
        assert namespace.settle([Complete(run(namespace), delay=60)]) == [Settled("a", "complete")]

    def test_it_is_told(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.settle([Complete(run(namespace))])

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.jid, event.queue, event.to) == ("completed", "a", "work", None)
        assert (event.state, event.worker, event.group, event.at) == ("complete", "ann", None, clock())
        assert (entry.event, entry.queue, entry.worker, entry.group) == ("completed", None, None, None)


class TestRetry:
    """The run did not work out."""

    def test_it_waits_again_at_once_with_one_retry_less(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)
        clock.advance(3)

        assert namespace.settle([Retry(lease)]) == [Settled("a", "waiting")]

        job = get(namespace)
        assert (job.state, job.remaining, job.worker, job.available_at) == ("waiting", 4, None, clock())
        assert (job.started_at, job.ended_at) == (clock() - 3, None)

    def test_it_keeps_the_failure_while_it_waits(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.settle([Retry(run(namespace), group="timeouts", message="line 1\nline 2")])
        failed_at = clock()
        clock.advance(3)

        assert get(namespace).failure == Failure("timeouts", "line 1\nline 2", failed_at, "ann", 1)
        pop(namespace, worker="bob")
        assert get(namespace).failure == Failure("timeouts", "line 1\nline 2", failed_at, "ann", 1)

    def test_its_group_is_retries_where_it_names_none(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.settle([Retry(run(namespace))])

        assert get(namespace).failure == Failure("retries", "", clock(), "ann", 1)

    def test_it_takes_a_new_place(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        namespace.settle([Retry(pop(namespace))])

        assert pop_all(namespace) == ["b", "a"]

    @pytest.mark.parametrize("delay", [None, 0.0])
    def test_no_delay_is_at_once(self, namespace: Namespace, delay: float | None) -> None:
        assert namespace.settle([Retry(run(namespace), delay=delay)]) == [Settled("a", "waiting")]

    def test_with_a_delay_it_is_scheduled(self, namespace: Namespace, clock: ManualClock) -> None:
        assert namespace.settle([Retry(run(namespace), delay=15)]) == [Settled("a", "scheduled")]

        assert get(namespace).available_at == clock() + 15
        put(namespace, "b")
        clock.advance(15)
        assert pop_all(namespace) == ["b", "a"]

    def test_where_no_retry_remains_it_fails_under_its_group(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace, retries=0)

        assert namespace.settle([Retry(lease, group="slow", message="no", delay=9)]) == [Settled("a", "failed")]

        job = get(namespace)
        assert (job.state, job.remaining, job.ended_at, job.worker) == ("failed", 0, clock(), None)
        assert job.failure == Failure("slow", "no", clock(), "ann", 1)

    def test_five_retries_are_six_runs(self, namespace: Namespace) -> None:
        put(namespace, "a")
        runs = 0

        while states(namespace, "a") == ["waiting"]:
            namespace.settle([Retry(pop(namespace))])
            runs += 1

        assert runs == 6
        failure = get(namespace).failure
        assert failure is not None
        assert (failure.group, failure.run) == ("retries", 6)

    def test_it_is_told(self, namespace: Namespace) -> None:
        namespace.settle([Retry(run(namespace), group="slow", delay=5)])

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.queue, event.to, event.state) == ("retried", "work", None, "scheduled")
        assert (event.worker, event.group) == ("ann", "slow")
        assert (entry.event, entry.group, entry.worker, entry.queue) == ("retried", "slow", None, None)

    def test_the_last_is_told_as_a_failure(self, namespace: Namespace) -> None:
        namespace.settle([Retry(run(namespace, retries=0), group="slow")])

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.state, event.worker, event.group) == ("failed", "failed", "ann", "slow")
        assert (entry.event, entry.group) == ("failed", "slow")


class TestFail:
    """A person must look at it."""

    def test_it_fails_whatever_remains(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace, data="[1]")

        assert namespace.settle([Fail(lease, group="broken", message="é\n")]) == [Settled("a", "failed")]

        job = get(namespace)
        assert (job.state, job.remaining, job.ended_at, job.worker, job.data) == ("failed", 5, clock(), None, "[1]")
        assert job.failure == Failure("broken", "é\n", clock(), "ann", 1)

    def test_data_replaces_the_data_of_the_job(self, namespace: Namespace) -> None:
        namespace.settle([Fail(run(namespace, data="[1]"), group="broken", data="[2]")])

        assert get(namespace).data == "[2]"

    def test_it_is_told(self, namespace: Namespace) -> None:
        namespace.settle([Fail(run(namespace), group="broken")])

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.state, event.worker, event.group) == ("failed", "failed", "ann", "broken")
        assert (entry.event, entry.group, entry.worker, entry.queue) == ("failed", "broken", None, None)

    def test_a_run_is_counted_over_all_stages_and_moves(self, namespace: Namespace) -> None:
        namespace.settle([Complete(run(namespace, pipeline=("next",)))])
        namespace.settle([Release(pop(namespace, "next"))])
        namespace.move(["a"], "third")

        namespace.settle([Fail(pop(namespace, "third"), group="broken")])

        failure = get(namespace).failure
        assert failure is not None
        assert failure.run == 3


class TestRelease:
    """Given back unharmed."""

    def test_it_waits_again_and_nothing_is_counted(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)
        clock.advance(3)

        assert namespace.settle([Release(lease)]) == [Settled("a", "waiting")]

        job = get(namespace)
        assert (job.remaining, job.losses, job.failure, job.worker) == (5, 0, None, None)
        assert (job.available_at, job.started_at) == (clock(), clock() - 3)

    def test_it_keeps_its_place(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        namespace.settle([Release(pop(namespace))])

        assert pop_all(namespace) == ["a", "b"]

    def test_a_delay_schedules_it_and_its_place_is_then_a_new_one(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "a", "b")

        assert namespace.settle([Release(pop(namespace), delay=5)]) == [Settled("a", "scheduled")]

        assert get(namespace).available_at == clock() + 5
        clock.advance(5)
        assert pop_all(namespace) == ["b", "a"]

    def test_it_leaves_the_failure_of_an_earlier_run(self, namespace: Namespace) -> None:
        namespace.settle([Retry(run(namespace), group="slow")])
        failure = get(namespace).failure

        namespace.settle([Release(pop(namespace))])

        assert get(namespace).failure == failure

    def test_it_is_told(self, namespace: Namespace) -> None:
        namespace.settle([Release(run(namespace), delay=1)])

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.state, event.worker, event.group) == ("released", "scheduled", "ann", None)
        assert (entry.event, entry.queue, entry.worker, entry.group) == ("released", None, None, None)


class TestSettling:
    """What all settlements have in common."""

    @each_kind
    def test_a_settled_lease_is_over(self, namespace: Namespace, kind: str) -> None:
        lease = run(namespace)

        namespace.settle([KINDS[kind](lease)])

        assert renew(namespace, lease) == [LeaseLost.about("a")]
        with pytest.raises(LeaseLost):
            namespace.log(lease, "too late")

    @each_kind
    def test_no_more_than_jid_and_token_are_needed(self, namespace: Namespace, kind: str) -> None:
        lease = run(namespace)

        [answer] = namespace.settle([KINDS[kind](Lease("a", lease.token))])

        assert isinstance(answer, Settled)

    @each_kind
    def test_the_same_again_is_answered_the_same_and_done_once(
        self, namespace: Namespace, check: Check, kind: str
    ) -> None:
        settlement = KINDS[kind](run(namespace))
        first = namespace.settle([settlement])

        with unchanged(namespace, check):
            assert namespace.settle([settlement]) == first

    @each_kind
    def test_a_lease_twice_in_a_batch_is_done_once(self, namespace: Namespace, kind: str) -> None:
        settlement = KINDS[kind](run(namespace))

        first, second = namespace.settle([settlement, settlement])

        assert first == second
        assert isinstance(first, Settled)
        assert len(history(namespace)) == 3

    @each_kind
    def test_another_kind_with_the_same_lease_is_too_late(self, namespace: Namespace, check: Check, kind: str) -> None:
        lease = run(namespace)
        namespace.settle([KINDS[kind](lease)])

        others = [build(lease) for name, build in KINDS.items() if name != kind]

        with unchanged(namespace, check):
            assert namespace.settle(others) == [LeaseLost.about("a")] * 3

    def test_the_answer_remembered_is_the_state_of_then(self, namespace: Namespace, clock: ManualClock) -> None:
        settlement = Retry(run(namespace), delay=5)
        namespace.settle([settlement])
        clock.advance(5)
        pop(namespace)

        assert namespace.settle([settlement]) == [Settled("a", "scheduled")]
        assert get(namespace).state == "running"

    def test_a_settle_is_remembered_over_pops_moves_and_timeouts(self, namespace: Namespace) -> None:
        settlement = Release(run(namespace))
        namespace.settle([settlement])
        pop(namespace)
        namespace.timeout(["a"])
        namespace.move(["a"], "other")
        namespace.cancel(["a"])

        assert namespace.settle([settlement]) == [Settled("a", "waiting")]

    def test_a_settle_is_remembered_until_the_next(self, namespace: Namespace) -> None:
        first = Release(run(namespace))
        namespace.settle([first])

        second = Release(pop(namespace))
        namespace.settle([second])

        assert namespace.settle([first, second]) == [LeaseLost.about("a"), Settled("a", "waiting")]

    def test_each_settlement_of_a_batch_is_answered_for_itself(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c", "d", "e")
        a, b, c, d, e = namespace.pop(["work"], "ann", 5)
        namespace.cancel(["c"])

        answers = namespace.settle(
            [
                Retry(b),
                Complete(Lease("no", "x")),
                Complete(c),
                Fail(d, group="broken"),
                Complete(Lease("e", "x")),
                Complete(a),
                Release(e, delay=1),
            ]
        )

        assert answers == [
            Settled("b", "waiting"),
            JobNotFound.about("no"),
            JobCanceled.about("c"),
            Settled("d", "failed"),
            LeaseLost.about("e"),
            Settled("a", "complete"),
            Settled("e", "scheduled"),
        ]
        assert states(namespace, "a", "b", "c", "d", "e") == ["complete", "waiting", "canceled", "failed", "scheduled"]

    def test_a_batch_is_settled_in_its_order(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c")
        a, b, c = namespace.pop(["work"], "ann", 3)

        namespace.settle([Retry(c), Retry(a), Retry(b)])

        assert pop_all(namespace) == ["c", "a", "b"]

    def test_nothing_settled_is_nothing_done(self, namespace: Namespace, check: Check) -> None:
        with unchanged(namespace, check):
            assert namespace.settle([]) == []

    def test_a_thousand_are_settled_at_once(self, namespace: Namespace) -> None:
        put(namespace, *(f"{number}" for number in range(1000)))
        leases = namespace.pop(["work"], "ann", 1000)

        answers = namespace.settle([Complete(lease) for lease in leases])

        assert answers == [Settled(f"{number}", "complete") for number in range(1000)]
        assert (queue(namespace).running, queue(namespace).complete) == (0, 1000)

    def test_a_history_keeps_the_latest_hundred(self, namespace: Namespace) -> None:
        put(namespace, "a")
        for _ in range(60):
            namespace.settle([Release(pop(namespace))])

        events = history(namespace)

        assert len(events) == 100
        assert events == ["popped", "released"] * 50

"""Leases: renewed by heartbeats, proved by tokens, lost when they expire."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import JobCanceled, JobNotFound, LeaseLost
from qless_flask.models import Complete, Failure, Lease, Release, Renewed, Retry, Settled
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
    seen_events,
    unchanged,
)


class TestHeartbeats:
    """Leases renewed."""

    def test_a_lease_ends_with_the_longest_run_of_its_queue(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"max_run": 20})
        put(namespace, "a")

        assert pop(namespace).expires_at == clock() + 20

    def test_a_heartbeat_renews_from_now(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)
        clock.advance(40)

        assert renew(namespace, lease) == [Renewed("a", clock() + 60)]
        clock.advance(59.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["a"]

    def test_no_more_than_jid_and_token_are_needed(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)

        assert renew(namespace, Lease("a", lease.token)) == [Renewed("a", clock() + 60)]

    def test_a_heartbeat_leaves_no_trace_in_log_and_history(self, namespace: Namespace) -> None:
        lease = run(namespace)
        told = seen_events(namespace)

        renew(namespace, lease)

        assert seen_events(namespace) == told
        assert history(namespace) == ["put", "popped"]

    def test_a_lease_that_expired_is_renewed_as_long_as_nobody_took_it_back(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        lease = run(namespace)
        clock.advance(3600)

        assert renew(namespace, lease) == [Renewed("a", clock() + 60)]
        assert pop_all(namespace) == []

    def test_a_batch_is_answered_in_order_each_for_itself(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", "c", "d")
        a, b, c, d = namespace.pop(["work"], "ann", 4)
        namespace.cancel(["b"])
        namespace.settle([Release(c)])

        answers = renew(namespace, b, d, Lease("no", "x"), Lease("a", "x"), c, a)

        assert answers == [
            JobCanceled.about("b"),
            Renewed("d", clock() + 60),
            JobNotFound.about("no"),
            LeaseLost.about("a"),
            LeaseLost.about("c"),
            Renewed("a", clock() + 60),
        ]

    def test_no_leases_are_no_answers(self, namespace: Namespace) -> None:
        assert renew(namespace) == []

    def test_a_changed_setting_holds_from_the_next_heartbeat(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)
        namespace.configure("work", {"heartbeat": 10})

        clock.advance(50)
        assert pop_all(namespace) == []
        assert renew(namespace, lease) == [Renewed("a", clock() + 10)]
        namespace.configure("work", {"heartbeat": None})
        assert renew(namespace, lease) == [Renewed("a", None)]
        clock.advance(1_000_000)
        assert pop_all(namespace) == []

    def test_a_lease_without_expiry_gets_one_by_a_heartbeat(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"heartbeat": None})
        lease = run(namespace)
        namespace.configure("work", {"heartbeat": 0.1})

        renew(namespace, lease)
        clock.advance(0.1)

        assert pop_all(namespace) == ["a"]

    def test_a_heartbeat_keeps_its_worker_known(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)
        clock.advance(30)

        renew(namespace, lease)

        [worker] = namespace.workers(["ann"])
        assert clock() - 1 < worker.seen_at <= clock()


class TestTokens:
    """Any token but the current one changes nothing."""

    def test_no_other_token_does_anything(self, namespace: Namespace, check: Check) -> None:
        run(namespace)

        with unchanged(namespace, check):
            for token in ("x", "ann", "a", "0", "1", "None", "työ", "{}", "' OR 1=1", "\u2028"):
                foreign = Lease("a", token)
                assert renew(namespace, foreign) == [LeaseLost.about("a")]
                assert namespace.settle([Complete(foreign)]) == [LeaseLost.about("a")]
                with pytest.raises(LeaseLost):
                    namespace.log(foreign, "hello")

    def test_the_token_of_another_job_does_nothing(self, namespace: Namespace, check: Check) -> None:
        run(namespace)
        other = run(namespace, "b")

        with unchanged(namespace, check):
            assert namespace.settle([Complete(Lease("a", other.token))]) == [LeaseLost.about("a")]

    def test_a_token_cut_or_lengthened_does_nothing(self, namespace: Namespace, check: Check) -> None:
        lease = run(namespace)

        for token in (lease.token[:-1] or "x", lease.token + "0", lease.token.swapcase() + "~", f" {lease.token}"):
            with unchanged(namespace, check):
                assert renew(namespace, Lease("a", token)) == [LeaseLost.about("a")]

    def test_the_token_of_an_earlier_run_does_nothing(self, namespace: Namespace, check: Check) -> None:
        old = run(namespace)
        namespace.settle([Release(old)])
        pop(namespace, worker="ann")

        with unchanged(namespace, check):
            assert renew(namespace, old) == [LeaseLost.about("a")]
            assert namespace.settle([Complete(old)]) == [LeaseLost.about("a")]

    def test_a_waiting_job_has_no_token_at_all(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a")

        with unchanged(namespace, check):
            assert (
                namespace.settle([Complete(Lease("a", token)) for token in ("x", "0", "nil")])
                == [LeaseLost.about("a")] * 3
            )

    def test_the_last_holder_of_a_canceled_job_is_told_so(self, namespace: Namespace, check: Check) -> None:
        lease = run(namespace)
        namespace.cancel(["a"])

        with unchanged(namespace, check):
            assert renew(namespace, lease) == [JobCanceled.about("a")]
            assert namespace.settle([Complete(lease)]) == [JobCanceled.about("a")]
            with pytest.raises(JobCanceled) as caught:
                namespace.log(lease, "hello")

        assert caught.value.subject == "a"

    def test_others_are_told_that_their_lease_is_lost_though_the_job_was_canceled(self, namespace: Namespace) -> None:
        old = run(namespace)
        namespace.settle([Release(old)])
        pop(namespace)
        namespace.cancel(["a"])

        assert renew(namespace, old, Lease("a", "x")) == [LeaseLost.about("a")] * 2

    def test_a_job_canceled_and_moved_is_lost_to_its_last_holder(self, namespace: Namespace) -> None:
        lease = run(namespace)
        namespace.cancel(["a"])

        namespace.move(["a"], "work")

        assert renew(namespace, lease) == [LeaseLost.about("a")]

    def test_a_job_that_is_not_there_is_not_found(self, namespace: Namespace) -> None:
        nobody = Lease("no such job", "x")

        assert renew(namespace, nobody) == [JobNotFound.about("no such job")]
        assert namespace.settle([Complete(nobody)]) == [JobNotFound.about("no such job")]
        with pytest.raises(JobNotFound) as caught:
            namespace.log(nobody, "hello")
        assert caught.value.subject == "no such job"


class TestLostLeases:
    """Leases taken back."""

    def test_a_lost_job_goes_to_the_next_worker(self, namespace: Namespace, clock: ManualClock) -> None:
        first = run(namespace)
        clock.advance(61)

        second = pop(namespace, worker="bob")

        assert second.job is not None
        assert (second.jid, second.job.losses, second.job.worker) == ("a", 1, "bob")
        assert second.token != first.token
        assert renew(namespace, first) == [LeaseLost.about("a")]

    def test_a_lease_can_be_taken_back_from_its_expiry_on(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace)

        clock.advance(59.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["a"]

    def test_losses_are_counted_on_where_a_lease_was_taken_back_before_the_pop(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        run(namespace)
        clock.advance(60)
        namespace.promote()

        assert pop_all(namespace) == ["a"]

        assert get(namespace).losses == 1

    def test_a_lost_job_keeps_its_place(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", "c")
        namespace.pop(["work"], "ann", 2)
        put(namespace, "d")
        clock.advance(60)

        assert pop_all(namespace) == ["a", "b", "c", "d"]

    def test_a_loss_costs_no_retry_and_leaves_the_failure(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.settle([Retry(run(namespace), group="slow", message="no")])
        before = get(namespace)
        pop(namespace)
        clock.advance(60)

        namespace.promote()

        after = get(namespace)
        assert (after.state, after.losses, after.remaining) == ("waiting", 1, before.remaining)
        assert after.failure == before.failure
        assert after.available_at == clock()
        assert after.worker is None

    def test_one_loss_more_than_the_queue_allows_fails_the_job(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"max_losses": 2})
        put(namespace, "a")

        for _ in range(3):
            assert pop_all(namespace) == ["a"]
            clock.advance(60)
        assert pop_all(namespace) == []

        job = get(namespace)
        assert (job.state, job.losses, job.ended_at) == ("failed", 3, clock())
        assert job.failure == Failure("lost", "", clock(), "zoe", 3)

    def test_a_queue_may_allow_no_loss(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"max_losses": 0})
        run(namespace)
        clock.advance(60)

        assert namespace.promote().lost == 1
        assert get(namespace).state == "failed"

    def test_by_default_three_losses_are_allowed(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a")

        for _ in range(4):
            assert pop_all(namespace) == ["a"]
            clock.advance(60)

        assert pop_all(namespace) == []
        assert get(namespace).state == "failed"

    def test_a_loss_is_told(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace)
        clock.advance(60)

        namespace.promote()

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.jid, event.queue, event.state, event.worker) == (
            "lost",
            "a",
            "work",
            "waiting",
            "ann",
        )
        assert (event.group, event.to, event.at) == (None, None, clock())
        assert (entry.event, entry.worker, entry.group, entry.queue) == ("lost", "ann", None, None)

    def test_a_loss_that_fails_a_job_is_told_as_its_failure(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"max_losses": 0})
        run(namespace)
        clock.advance(60)

        namespace.promote()

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.group, event.worker, event.state) == ("failed", "lost", "ann", "failed")
        assert (entry.event, entry.group, entry.worker) == ("failed", "lost", None)
        assert not seen_events(namespace, "lost")

    def test_an_expired_lease_that_nobody_took_back_still_settles(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        lease = run(namespace)
        clock.advance(3600)

        assert namespace.settle([Complete(lease)]) == [Settled("a", "complete")]

    def test_a_pop_of_another_queue_takes_nothing_back_here(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)
        clock.advance(3600)

        namespace.pop(["other"], "bob")

        assert namespace.settle([Complete(lease)]) == [Settled("a", "complete")]

    def test_an_expired_lease_is_stalled_until_it_is_taken_back(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace)
        clock.advance(59)
        run(namespace, "b")

        assert queue(namespace).stalled == 0
        clock.advance(1)
        assert (queue(namespace).running, queue(namespace).stalled) == (2, 1)
        namespace.promote()
        assert (queue(namespace).running, queue(namespace).stalled, queue(namespace).waiting) == (1, 0, 1)

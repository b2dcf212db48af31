"""Settling and popping in one round trip."""

from __future__ import annotations

from qless_flask.backends.base import Namespace
from qless_flask.errors import JobNotFound, LeaseLost
from qless_flask.models import Complete, Lease, Pop, Release, Settled
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import get, last_event, pop, put, run, seen_events, states


class TestExchanges:
    """A worker's steady state."""

    def test_it_settles_and_then_pops(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c")
        first = namespace.pop(["work"], "ann", 2)

        exchanged = namespace.exchange([Complete(lease) for lease in first], Pop(("work",), "ann", 2))

        assert exchanged.results == (Settled("a", "complete"), Settled("b", "complete"))
        assert [lease.jid for lease in exchanged.popped] == ["c"]
        assert states(namespace, "a", "b", "c") == ["complete", "complete", "running"]

    def test_the_pop_sees_what_was_settled(self, namespace: Namespace) -> None:
        lease = run(namespace, pipeline=("parse",))

        exchanged = namespace.exchange([Complete(lease)], Pop(("parse",), "ann"))

        assert [each.jid for each in exchanged.popped] == ["a"]

    def test_a_settlement_that_cannot_be_done_does_not_stop_the_rest(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")
        lease = pop(namespace)

        exchanged = namespace.exchange(
            [Complete(Lease("no", "x")), Complete(Lease("a", "x")), Complete(lease)], Pop(("work",), "ann")
        )

        assert exchanged.results == (JobNotFound.about("no"), LeaseLost.about("a"), Settled("a", "complete"))
        assert [each.jid for each in exchanged.popped] == ["b"]

    def test_without_settlements_it_is_a_pop(self, namespace: Namespace) -> None:
        put(namespace, "a")

        exchanged = namespace.exchange([], Pop(("work",), "ann"))

        assert (exchanged.results, exchanged.popped[0].jid) == ((), "a")

    def test_with_nothing_to_give_it_tells_when_to_look_again(self, namespace: Namespace) -> None:
        lease = run(namespace)

        popped = namespace.exchange([Release(lease, delay=5)], Pop(("work",), "ann")).popped

        assert popped.leases == ()
        assert popped.retry_at is not None

    def test_the_queue_that_has_something_first_tells_when_to_look_again(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "soon", delay=20)
        put(namespace, "later", queue="other", delay=30)

        retry_at = namespace.exchange([], Pop(("work", "other"), "ann")).popped.retry_at

        assert retry_at is not None
        assert clock() < retry_at <= clock() + 20

    def test_the_same_exchange_again_gives_the_same_answer(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c")
        lease = pop(namespace)
        following = Pop(("work",), "ann", request="r1")

        first = namespace.exchange([Complete(lease)], following)
        told = seen_events(namespace)
        second = namespace.exchange([Complete(lease)], following)

        assert first == second
        assert seen_events(namespace) == told
        assert states(namespace, "a", "b", "c") == ["complete", "running", "waiting"]

    def test_it_may_go_round_robin(self, namespace: Namespace) -> None:
        put(namespace, "a1", "a2", queue="a")
        put(namespace, "b1", queue="b")

        popped = namespace.exchange([], Pop(("a", "b"), "ann", 3, order="round_robin")).popped

        assert [lease.jid for lease in popped] == ["a1", "b1", "a2"]

    def test_it_is_told_as_settle_and_pop(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        namespace.exchange([Complete(pop(namespace), data="[7]")], Pop(("work",), "bob"))

        assert [event.event for event in seen_events(namespace)][-2:] == ["completed", "popped"]
        assert (last_event(namespace).jid, last_event(namespace).worker) == ("b", "bob")
        assert get(namespace).data == "[7]"

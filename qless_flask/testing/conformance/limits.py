"""Limits of queues: how many of their jobs run at once, and how often they are popped from."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.models import (
    ORDERS,
    Cancel,
    Complete,
    Fail,
    Filter,
    Finish,
    Lease,
    Order,
    Pop,
    Rate,
    Release,
    Retry,
    Settled,
    Unique,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    get,
    many,
    new,
    pop,
    pop_all,
    put,
    queue,
    run,
    settle,
    states,
)

Act = Callable[[Namespace, Lease], object]

ENDS_OF_LEASES: dict[str, Act] = {
    "complete": lambda namespace, lease: namespace.settle([Complete(lease)]),
    "advance": lambda namespace, lease: namespace.settle([Complete(lease, next="other")]),
    "advance in its queue": lambda namespace, lease: namespace.settle([Complete(lease, next="work")]),
    "fail": lambda namespace, lease: namespace.settle([Fail(lease, group="broken")]),
    "retry": lambda namespace, lease: namespace.settle([Retry(lease)]),
    "retry later": lambda namespace, lease: namespace.settle([Retry(lease, delay=5)]),
    "release later": lambda namespace, lease: namespace.settle([Release(lease, delay=5)]),
    "cancel": lambda namespace, lease: namespace.cancel([lease.jid]),
    "move": lambda namespace, lease: namespace.move([lease.jid], "other"),
    "move in its queue": lambda namespace, lease: namespace.move([lease.jid], "work"),
    "finish": lambda namespace, lease: namespace.finish([lease.jid], Finish("failed")),
    "timeout": lambda namespace, lease: namespace.timeout([lease.jid]),
    "replace": lambda namespace, lease: put(namespace, lease.jid, if_exists="replace"),
    "change": lambda namespace, lease: namespace.change(Filter(state="running", queue="work"), Cancel()),
}
"""How a lease ends so that its job does not stand before the others that wait."""

each_end = pytest.mark.parametrize("act", ENDS_OF_LEASES.values(), ids=ENDS_OF_LEASES.keys())


class TestMaxConcurrency:
    """`max_concurrency`: so many run at once."""

    def test_no_more_than_so_many_run_at_once(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_concurrency": 2})
        put(namespace, "a", "b", "c")

        assert pop_all(namespace) == ["a", "b"]
        assert pop_all(namespace) == []
        assert (queue(namespace).running, queue(namespace).waiting) == (2, 1)

    def test_it_counts_over_several_pops_and_workers(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_concurrency": 3})
        put(namespace, *"abcde")

        popped = [len(namespace.pop(["work"], worker, 2)) for worker in ("ann", "bob", "cid")]

        assert popped == [2, 1, 0]

    @each_end
    def test_the_end_of_a_lease_lets_the_next_one_run(self, namespace: Namespace, act: Act) -> None:
        namespace.configure("work", {"max_concurrency": 1})
        lease = run(namespace)
        put(namespace, "b", "c")

        act(namespace, lease)

        assert pop_all(namespace) == ["b"]
        assert pop_all(namespace) == []

    def test_a_released_job_runs_again_itself(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_concurrency": 1})
        lease = run(namespace)
        put(namespace, "b")

        settle(namespace, Release(lease))

        assert pop_all(namespace) == ["a"]

    def test_a_lost_lease_is_taken_back_and_its_job_runs_again(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"max_concurrency": 1})
        run(namespace)
        put(namespace, "b")

        clock.advance(59.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["a"]
        assert pop_all(namespace) == []

    def test_expired_leases_that_nobody_took_back_yet_count(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"max_concurrency": 150})
        jids = many(250)
        put(namespace, *jids)
        assert pop_all(namespace) == jids[:150]
        clock.advance(60)

        # A pop takes a hundred of them back: so much room is there.
        assert pop_all(namespace) == jids[:100]
        assert pop_all(namespace) == jids[100:150]
        assert pop_all(namespace) == []

    def test_a_lease_lost_by_promote_makes_room_too(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"max_concurrency": 1, "max_losses": 0})
        run(namespace)
        put(namespace, "b")
        clock.advance(60)

        namespace.promote()

        assert (states(namespace, "a"), pop_all(namespace)) == (["failed"], ["b"])

    def test_it_takes_them_in_order_of_priority_and_place(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_concurrency": 1})
        lease = run(namespace)
        put(namespace, "low", priority=-1)
        put(namespace, "b")
        put(namespace, "high", priority=1)

        order = []
        for _ in range(3):
            settle(namespace, Complete(lease))
            lease = pop(namespace)
            order.append(lease.jid)

        assert order == ["high", "b", "low"]

    def test_each_queue_counts_for_itself(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_concurrency": 1})
        namespace.configure("other", {"max_concurrency": 2})
        put(namespace, "a1", "a2")
        put(namespace, "b1", "b2", "b3", queue="other")
        put(namespace, "c1", "c2", queue="free")

        assert pop_all(namespace, "work", "other", "free") == ["a1", "b1", "b2", "c1", "c2"]

    @pytest.mark.parametrize(
        ("order", "expected"),
        [("listed", ["a1", "a2", "b1", "b2"]), ("round_robin", ["a1", "b1", "a2", "b2"])],
    )
    def test_a_pop_of_several_queues_goes_on_where_one_is_full(
        self, namespace: Namespace, order: Order, expected: list[str]
    ) -> None:
        namespace.configure("a", {"max_concurrency": 2})
        put(namespace, "a1", "a2", "a3", queue="a")
        put(namespace, "b1", "b2", "b3", queue="b")

        assert [lease.jid for lease in namespace.pop(["a", "b"], "ann", 4, order=order)] == expected

    def test_a_job_that_moves_into_a_full_queue_waits_there(self, namespace: Namespace) -> None:
        namespace.configure("next", {"max_concurrency": 1})
        first = run(namespace, "a", pipeline=("next",))
        second = run(namespace, "b", pipeline=("next",))
        namespace.settle([Complete(first), Complete(second)])

        assert pop_all(namespace, "next") == ["a"]
        assert pop_all(namespace, "next") == []
        namespace.move(["b"], "work")
        assert pop_all(namespace) == ["b"]

    def test_an_exchange_has_the_room_that_it_makes(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_concurrency": 1})
        lease = run(namespace)
        put(namespace, "b", "c")

        exchanged = namespace.exchange([Complete(lease)], Pop(("work",), "ann", 5))

        assert exchanged.results == (Settled("a", "complete"),)
        assert [each.jid for each in exchanged.popped] == ["b"]

    def test_a_request_asked_again_is_answered_though_the_queue_is_full(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_concurrency": 1})
        put(namespace, "a", "b")

        first = namespace.pop(["work"], "ann", 2, request="r1")
        again = namespace.pop(["work"], "ann", 2, request="r1")

        assert [lease.jid for lease in first] == ["a"]
        assert again == first

    @pytest.mark.parametrize("order", ORDERS)
    def test_an_empty_answer_says_when_a_lease_may_be_lost(
        self, namespace: Namespace, clock: ManualClock, order: Order
    ) -> None:
        namespace.configure("work", {"max_concurrency": 1})
        run(namespace)
        put(namespace, "b")

        popped = namespace.pop(["work"], "bob", order=order)

        assert (popped.leases, popped.retry_at) == ((), clock() + 60)

    def test_what_does_not_run_any_more_counts_no_more_after_long_lives(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_concurrency": 2})
        for round in range(12):
            put(namespace, f"{round}-1", f"{round}-2", f"{round}-3")
        ends = list(ENDS_OF_LEASES.values())

        for act in ends:
            leases = namespace.pop(["work"], "ann", 3)
            assert len(leases) == 2
            act(namespace, leases[0])
            if get(namespace, leases[1].jid).state == "running":
                settle(namespace, Complete(leases[1]))

        assert (queue(namespace).running, len(pop_all(namespace))) == (0, 2)


class TestRates:
    """`rate`: at most so many pops in any window."""

    def test_no_more_than_so_many_are_popped_in_any_window(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(2, 10)})
        put(namespace, *"abcde")
        assert pop_all(namespace, limit=1) == ["a"]
        clock.advance(4)
        assert pop_all(namespace) == ["b"]

        clock.advance(5.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["c"]
        clock.advance(3.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["d"]

    def test_a_batch_is_given_what_is_left(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(5, 1)})
        put(namespace, *many(12))

        batches = []
        for _ in range(3):
            batches.append(len(pop_all(namespace)))
            clock.advance(1)

        assert batches == [5, 5, 2]

    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize("limit", [1, 2, 3, 9])
    def test_a_window_that_is_over_is_free_again_whole(
        self, namespace: Namespace, clock: ManualClock, order: Order, limit: int
    ) -> None:
        namespace.configure("work", {"rate": Rate(3, 10)})
        put(namespace, *many(9))
        assert len(namespace.pop(["work"], "ann", 3, order=order)) == 3
        clock.advance(11)

        popped = [len(namespace.pop(["work"], "ann", limit, order=order)) for _ in range(4)]

        assert sum(popped) == 3
        assert popped[0] == min(limit, 3)

    def test_windows_go_over_any_time_and_not_from_hour_to_hour(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(3, 10)})
        put(namespace, *many(40))
        popped: list[float] = []

        for step in [0, 0.5, 9.4, 0.1, 0.6, 3, 7, 0.2, 9.9, 0.1, 5, 5, 0.001, 9.999]:
            clock.advance(step)
            popped += [clock()] * len(pop_all(namespace))

        assert all(later - earlier >= 10 for earlier, later in zip(popped, popped[3:], strict=False))
        assert len(popped) > 12

    @pytest.mark.parametrize("end", ["complete", "release", "cancel", "lost"])
    def test_a_pop_counts_whatever_comes_of_it(self, namespace: Namespace, clock: ManualClock, end: str) -> None:
        namespace.configure("work", {"rate": Rate(1, 100)})
        lease = run(namespace)
        put(namespace, "b")
        if end == "complete":
            settle(namespace, Complete(lease))
        elif end == "release":
            settle(namespace, Release(lease))
        elif end == "cancel":
            namespace.cancel(["a"])
        clock.advance(99)

        assert pop_all(namespace) == []
        clock.advance(1)
        assert pop_all(namespace) == ["b" if end in ("complete", "cancel") else "a"]

    def test_a_request_asked_again_counts_once(self, namespace: Namespace) -> None:
        namespace.configure("work", {"rate": Rate(2, 100)})
        put(namespace, "a", "b", "c")

        for _ in range(3):
            assert [lease.jid for lease in namespace.pop(["work"], "ann", request="r1")] == ["a"]

        assert pop_all(namespace) == ["b"]
        assert pop_all(namespace) == []

    def test_each_queue_counts_for_itself(self, namespace: Namespace) -> None:
        namespace.configure("a", {"rate": Rate(1, 10)})
        namespace.configure("b", {"rate": Rate(2, 10)})
        put(namespace, "a1", "a2", "a3", queue="a")
        put(namespace, "b1", "b2", "b3", queue="b")

        assert pop_all(namespace, "a", "b") == ["a1", "b1", "b2"]

    def test_a_pop_of_several_queues_in_turn_goes_on_where_one_is_used_up(self, namespace: Namespace) -> None:
        namespace.configure("a", {"rate": Rate(1, 10)})
        put(namespace, "a1", "a2", queue="a")
        put(namespace, "b1", "b2", queue="b")

        leases = namespace.pop(["a", "b"], "ann", 4, order="round_robin")

        assert [lease.jid for lease in leases] == ["a1", "b1", "b2"]

    def test_an_empty_answer_says_when_the_next_one_may_run(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(2, 10), "heartbeat": None})
        put(namespace, "a", "b", "c")
        pop(namespace)
        clock.advance(3)
        pop(namespace)
        clock.advance(1)

        assert namespace.pop(["work"], "ann").retry_at == clock() + 6

    def test_it_says_the_earliest_of_all_its_queues(self, namespace: Namespace, clock: ManualClock) -> None:
        for name, per in (("a", 30.0), ("b", 20.0), ("c", 25.0), ("paused", 5.0), ("unasked", 5.0)):
            namespace.configure(name, {"rate": Rate(1, per), "heartbeat": None})
            put(namespace, f"{name} 1", f"{name} 2", queue=name)
        assert len(pop_all(namespace, "a", "b", "c", "paused", "unasked")) == 5
        namespace.pause("paused")

        assert namespace.pop(["a", "b", "c", "paused"], "ann").retry_at == clock() + 20

    def test_a_rate_that_keeps_nobody_back_is_not_waited_for(self, namespace: Namespace) -> None:
        namespace.configure("work", {"rate": Rate(1, 10), "heartbeat": None})
        run(namespace)

        assert namespace.pop(["work"], "bob").retry_at is None

    def test_what_is_due_sooner_is_told_before_it(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(1, 100)})
        run(namespace)
        put(namespace, "b", "c")
        put(namespace, "d", delay=7)

        retry_at = namespace.pop(["work"], "bob").retry_at

        assert retry_at is not None
        assert clock() < retry_at <= clock() + 7

    def test_promote_and_the_rest_go_on_while_it_is_used_up(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(1, 1000)})
        run(namespace)
        put(namespace, "due", delay=1)
        put(namespace, "expires", expires_in=5)
        clock.advance(60)

        assert pop_all(namespace) == []

        assert states(namespace, "a", "due", "expires") == ["waiting", "waiting", "failed"]

    def test_it_holds_beside_max_concurrency(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(3, 10), "max_concurrency": 2})
        put(namespace, *"abcdef")
        leases = namespace.pop(["work"], "ann", 9)
        assert len(leases) == 2

        namespace.settle([Complete(lease) for lease in leases])
        assert pop_all(namespace) == ["c"]
        clock.advance(10)
        # One runs still.
        assert pop_all(namespace) == ["d"]

    def test_a_unique_key_and_a_rate_do_not_mind_each_other(self, namespace: Namespace) -> None:
        namespace.configure("work", {"rate": Rate(1, 10)})
        namespace.put([new("a", unique=Unique("u"))])
        settle(namespace, Complete(pop(namespace)))

        [put_again] = namespace.put([new("b", unique=Unique("u"))])

        assert put_again.created
        assert pop_all(namespace) == []

    def test_a_queue_begins_anew_when_it_is_forgotten(self, namespace: Namespace) -> None:
        namespace.configure_namespace({"rate": Rate(1, 1000)})
        run(namespace)
        namespace.move(["a"], "other")
        namespace.forget("work")
        put(namespace, "b", "c")

        assert pop_all(namespace) == ["b"]

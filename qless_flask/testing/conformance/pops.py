"""Popping jobs: which, in which order, and what the answer says."""

from __future__ import annotations

import random

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.models import ORDERS, Complete, Fail, Order, Release
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    get,
    last_event,
    new,
    pop,
    pop_all,
    put,
    queue,
    renew,
    run,
    seen_events,
    states,
)


class TestOrderOfPops:
    """Queue, then priority, then place; never a clock."""

    def test_equals_come_in_the_order_in_which_they_were_put(self, namespace: Namespace) -> None:
        put(namespace, "c", "a")
        put(namespace, "b")

        assert pop_all(namespace) == ["c", "a", "b"]

    def test_high_priorities_come_first_and_equals_in_order(self, namespace: Namespace) -> None:
        priorities = [0, 511, -511, 1, -1, 510, -510, 0, 511, -511]
        jobs = [new(f"{index}", priority=priority) for index, priority in enumerate(priorities)]

        namespace.put(jobs)

        assert pop_all(namespace) == ["1", "8", "5", "3", "0", "7", "4", "6", "2", "9"]

    def test_order_stays_exact_over_many_places_and_all_priorities(self, namespace: Namespace) -> None:
        chance = random.Random(7)
        jobs = [new(f"{index}", priority=chance.choice([-511, -510, -1, 0, 1, 510, 511])) for index in range(600)]

        namespace.put(jobs[:300])
        namespace.put(jobs[300:])

        by_rank = sorted(jobs, key=lambda job: (-job.priority, int(job.jid or 0)))
        assert pop_all(namespace) == [job.jid for job in by_rank]

    def test_order_does_not_depend_on_the_clock(self, namespace: Namespace, clock: ManualClock) -> None:
        for jid in ("a", "b", "c"):
            put(namespace, jid)
            clock.advance(-60)

        assert pop_all(namespace) == ["a", "b", "c"]

    def test_a_clock_set_back_does_not_reorder_what_becomes_due(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "due first", delay=10)
        clock.advance(10)
        put(namespace, "waits")
        clock.advance(-5)
        put(namespace, "put later")
        clock.advance(5)

        assert pop_all(namespace) == ["waits", "put later", "due first"]

    def test_what_is_due_is_promoted_in_order_of_due_time_then_jid(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        for jid, delay in {"d": 3, "c": 2, "b": 2, "a": 9, "e": 1}.items():
            put(namespace, jid, delay=delay)
        put(namespace, "now")
        clock.advance(3)

        assert pop_all(namespace) == ["now", "e", "b", "c", "d"]

    def test_a_due_job_of_a_higher_priority_still_comes_first(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "low")
        put(namespace, "high", delay=1, priority=1)
        clock.advance(1)

        assert pop_all(namespace) == ["high", "low"]

    def test_queues_come_as_listed(self, namespace: Namespace) -> None:
        put(namespace, "a1", "a2", queue="a")
        put(namespace, "b1", "b2", queue="b", priority=500)

        leases = namespace.pop(["a", "b"], "ann", 3)

        assert [lease.jid for lease in leases] == ["a1", "a2", "b1"]

    def test_a_queue_named_twice_counts_once(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        assert [lease.jid for lease in namespace.pop(["work", "work"], "ann", 9)] == ["a", "b"]


class TestRoundRobin:
    """`order="round_robin"`."""

    def test_one_of_each_queue_comes_in_turn(self, namespace: Namespace) -> None:
        put(namespace, "a1", "a2", "a3", queue="a")
        put(namespace, "b1", queue="b")
        put(namespace, "c1", "c2", queue="c")

        leases = namespace.pop(["a", "b", "c"], "ann", 10, order="round_robin")

        assert [lease.jid for lease in leases] == ["a1", "b1", "c1", "a2", "c2", "a3"]

    def test_each_pop_begins_one_queue_further_along(self, namespace: Namespace) -> None:
        for name in ("a", "b", "c"):
            put(namespace, f"{name}1", f"{name}2", queue=name)

        popped = [namespace.pop(["a", "b", "c"], "ann", order="round_robin")[0].jid for _ in range(6)]

        assert popped == ["a1", "b1", "c1", "a2", "b2", "c2"]

    def test_a_pop_of_one_queue_moves_on_too(self, namespace: Namespace) -> None:
        put(namespace, "a1", "a2", queue="a")
        put(namespace, "b1", queue="b")

        namespace.pop(["a"], "ann", order="round_robin")

        assert namespace.pop(["a", "b"], "ann", order="round_robin")[0].jid == "b1"

    def test_a_pop_that_found_nothing_does_not_move_on(self, namespace: Namespace) -> None:
        namespace.pop(["a", "b"], "ann", order="round_robin")
        put(namespace, "a1", queue="a")
        put(namespace, "b1", queue="b")

        assert namespace.pop(["a", "b"], "ann", order="round_robin")[0].jid == "a1"
        assert namespace.pop(["a", "b"], "ann", order="round_robin")[0].jid == "b1"

    def test_a_listed_pop_does_not_move_it_on(self, namespace: Namespace) -> None:
        put(namespace, "a1", "a2", "a3", queue="a")
        put(namespace, "b1", queue="b")

        namespace.pop(["a", "b"], "ann")

        assert namespace.pop(["a", "b"], "ann", order="round_robin")[0].jid == "a2"

    def test_it_stops_at_the_limit_and_passes_by_what_is_empty(self, namespace: Namespace) -> None:
        put(namespace, "b1", "b2", queue="b")
        put(namespace, "d1", "d2", queue="d")

        leases = namespace.pop(["a", "b", "c", "d"], "ann", 3, order="round_robin")

        assert [lease.jid for lease in leases] == ["b1", "d1", "b2"]

    def test_it_attends_to_all_queues_first(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a1", queue="a")
        put(namespace, "b1", queue="b", delay=1)
        clock.advance(1)

        namespace.pop(["a", "b"], "ann", order="round_robin")

        assert states(namespace, "a1", "b1") == ["running", "waiting"]

    def test_it_passes_by_a_paused_queue(self, namespace: Namespace) -> None:
        put(namespace, "a1", queue="a")
        put(namespace, "b1", queue="b")
        namespace.pause("a")

        leases = namespace.pop(["a", "b"], "ann", 10, order="round_robin")

        assert [lease.jid for lease in leases] == ["b1"]


class TestPops:
    """What a pop gives and does."""

    def test_a_popped_job_is_running_and_comes_with_its_data(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", data="[1]", tags=("t",))
        clock.advance(5)

        lease = pop(namespace)

        assert lease.job is not None
        assert (lease.jid, lease.expires_at, lease.job.state) == ("a", clock() + 60, "running")
        assert (lease.job.data, lease.job.history, lease.job.worker) == ("[1]", (), "ann")
        assert (lease.job.started_at, lease.job.available_at) == (clock(), clock() - 5)
        stored = get(namespace)
        assert (stored.state, stored.worker, stored.started_at) == ("running", "ann", clock())

    def test_a_job_is_popped_once(self, namespace: Namespace) -> None:
        put(namespace, "a")

        assert pop_all(namespace) == ["a"]
        assert pop_all(namespace) == []

    def test_no_more_than_the_limit_are_popped(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c")

        assert pop_all(namespace, limit=2) == ["a", "b"]
        assert (queue(namespace).running, queue(namespace).waiting) == (2, 1)

    def test_every_token_is_new(self, namespace: Namespace, check: object) -> None:
        put(namespace, *(f"{number}" for number in range(20)))

        leases = [*namespace.pop(["work"], "ann", 10), *namespace.pop(["work"], "ann", 10)]
        namespace.settle([Release(lease) for lease in leases])
        leases += namespace.pop(["work"], "ann", 20)

        assert len({lease.token for lease in leases}) == 40
        assert not any("ann" in lease.token for lease in leases)

    def test_a_queue_without_heartbeat_gives_leases_that_do_not_expire(self, namespace: Namespace) -> None:
        namespace.configure("work", {"heartbeat": None})

        assert run(namespace).expires_at is None

    def test_each_queue_sets_its_own_expiry(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("slow", {"heartbeat": 600.5})
        put(namespace, "a", queue="slow")
        put(namespace, "b", queue="work")

        leases = namespace.pop(["slow", "work"], "ann", 2)

        assert [lease.expires_at for lease in leases] == [clock() + 600.5, clock() + 60]

    def test_nothing_to_give_is_an_empty_answer(self, namespace: Namespace) -> None:
        popped = namespace.pop(["work", "other"], "ann", 5)

        assert (popped.leases, popped.retry_at) == ((), None)

    def test_popping_from_an_unknown_queue_does_not_make_it_known(self, namespace: Namespace) -> None:
        namespace.pop(["work"], "ann")

        assert namespace.queues() == []

    def test_a_pop_promotes_what_is_due(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", delay=1)

        assert pop_all(namespace) == []
        clock.advance(0.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["a"]
        assert [event.event for event in seen_events(namespace)] == ["put", "promoted", "popped"]

    def test_a_promoted_job_became_available_when_it_was_promoted(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "a", delay=1)
        clock.advance(4)

        pop(namespace)

        assert get(namespace).available_at == clock()

    def test_a_pop_promotes_at_most_a_hundred_of_a_queue(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, *(f"{number:03}" for number in range(150)), delay=1)
        clock.advance(1)

        assert pop_all(namespace) == [f"{number:03}" for number in range(100)]
        assert pop_all(namespace) == [f"{number:03}" for number in range(100, 150)]

    def test_a_pop_takes_at_most_a_hundred_lost_leases_of_a_queue_back(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, *(f"{number:03}" for number in range(150)))
        namespace.pop(["work"], "ann", 1000)
        clock.advance(60)

        assert len(pop_all(namespace)) == 100
        assert len(pop_all(namespace)) == 50

    def test_a_queue_that_is_not_reached_is_left_alone(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", queue="first")
        put(namespace, "b", queue="second", delay=1)
        clock.advance(1)

        namespace.pop(["first", "second"], "ann")

        assert states(namespace, "a", "b") == ["running", "scheduled"]

    def test_a_paused_queue_gives_nothing_until_it_is_resumed(self, namespace: Namespace) -> None:
        put(namespace, "a")
        namespace.pause("work")

        assert pop_all(namespace) == []
        namespace.resume("work")
        assert pop_all(namespace) == ["a"]

    @pytest.mark.parametrize("order", ORDERS)
    def test_pausing_stops_neither_the_taking_back_of_lost_leases_nor_promotion(
        self, namespace: Namespace, clock: ManualClock, order: Order
    ) -> None:
        """The ancestor's twenty-seventh fault."""
        put(namespace, "lost")
        pop(namespace)
        put(namespace, "due", delay=1)
        namespace.pause("work")
        clock.advance(60)

        assert not namespace.pop(["work"], "bob", 10, order=order)

        assert (queue(namespace).running, queue(namespace).scheduled, queue(namespace).waiting) == (0, 0, 2)

    def test_a_pop_is_told(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a")
        clock.advance(3)

        pop(namespace)

        event = last_event(namespace)
        assert (event.event, event.jid, event.queue, event.state) == ("popped", "a", "work", "running")
        assert (event.worker, event.at, event.to, event.group, event.actor) == ("ann", clock(), None, None, None)
        entry = get(namespace).history[-1]
        assert (entry.event, entry.worker, entry.queue, entry.group, entry.at) == ("popped", "ann", None, None, clock())

    def test_a_pop_tells_of_each_queue_what_was_lost_then_promoted_then_popped(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        for name in ("a", "b"):
            run(namespace, f"{name} lost", queue=name)
            put(namespace, f"{name} due", queue=name, delay=60)
        clock.advance(60)

        namespace.pop(["a", "b"], "bob", 10)

        told = [(event.event, event.jid) for event in seen_events(namespace)][-8:]
        assert told == [
            (event, f"{name} {jid}")
            for name in ("a", "b")
            for event, jid in [("lost", "lost"), ("promoted", "due"), ("popped", "lost"), ("popped", "due")]
        ]


class TestRetryAt:
    """When to look again."""

    def test_it_is_given_only_where_there_are_no_jobs(self, namespace: Namespace) -> None:
        put(namespace, "a")
        put(namespace, "b", delay=60)

        assert namespace.pop(["work"], "ann").retry_at is None
        assert namespace.pop(["work"], "ann").retry_at is not None

    def test_it_is_no_later_than_the_next_due_time(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", delay=30)
        put(namespace, "b", queue="other", delay=20)

        retry_at = namespace.pop(["work", "other"], "ann").retry_at

        assert retry_at is not None
        assert clock() < retry_at <= clock() + 20

    def test_it_is_no_later_than_the_first_of_many_due_times(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", delay=20)
        put(namespace, "b", delay=30)

        retry_at = namespace.pop(["work"], "ann").retry_at

        assert retry_at is not None
        assert clock() < retry_at <= clock() + 20

    def test_it_is_no_later_than_the_next_expiry(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace)
        put(namespace, "b", delay=90)

        retry_at = namespace.pop(["work"], "bob").retry_at

        assert retry_at is not None
        assert clock() < retry_at <= clock() + 60

    def test_looking_again_at_retry_at_finds_the_job_in_the_end(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", delay=30)
        put(namespace, "gone", delay=10)
        namespace.cancel(["gone"])
        looks = 0

        popped = namespace.pop(["work"], "ann")
        while not popped.leases and looks < 10:
            assert popped.retry_at is not None
            assert popped.retry_at > clock()
            clock.advance(popped.retry_at - clock())
            popped = namespace.pop(["work"], "ann")
            looks += 1

        assert [lease.jid for lease in popped] == ["a"]

    def test_it_leaves_paused_queues_and_those_not_asked_for_out(self, namespace: Namespace) -> None:
        put(namespace, "a", queue="paused", delay=1)
        put(namespace, "b", queue="other", delay=1)
        namespace.pause("paused")

        assert namespace.pop(["work", "paused"], "ann").retry_at is None

    def test_a_lease_that_does_not_expire_is_not_waited_for(self, namespace: Namespace) -> None:
        namespace.configure("work", {"heartbeat": None})
        run(namespace)

        assert namespace.pop(["work"], "bob").retry_at is None


class TestRequests:
    """A pop that is asked again."""

    def test_the_same_request_is_given_the_same_leases(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c", data="[1]")

        first = namespace.pop(["work"], "ann", 2, request="r1")
        told = seen_events(namespace)
        second = namespace.pop(["work"], "ann", 2, request="r1")

        assert second == first
        assert [lease.jid for lease in first] == ["a", "b"]
        assert seen_events(namespace) == told
        assert queue(namespace).running == 2

    def test_a_repeated_request_is_no_second_run(self, namespace: Namespace) -> None:
        put(namespace, "a")
        namespace.pop(["work"], "ann", request="r1")

        [lease] = namespace.pop(["work"], "ann", request="r1")
        namespace.settle([Fail(lease, group="broken")])

        failure = get(namespace).failure
        assert failure is not None
        assert failure.run == 1

    def test_another_request_and_another_worker_are_given_other_jobs(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c", "d")

        answers = [
            namespace.pop(["work"], worker, request=request)[0].jid
            for worker, request in [("ann", "r1"), ("ann", "r2"), ("bob", "r1"), ("ann", "r1")]
        ]

        assert answers == ["a", "b", "c", "a"]
        assert namespace.pop(["work"], "ann")[0].jid == "d"

    def test_only_leases_that_are_still_live_are_given_again(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c", "d")
        leases = namespace.pop(["work"], "ann", 3, request="r1")
        namespace.settle([Complete(leases[0])])
        namespace.cancel(["c"])

        again = namespace.pop(["work"], "ann", 3, request="r1")

        assert [(lease.jid, lease.token) for lease in again] == [("b", leases[1].token)]

    def test_a_lease_given_again_has_the_expiry_and_the_data_of_now(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        from qless_flask.models import Changes

        put(namespace, "a")
        [lease] = namespace.pop(["work"], "ann", request="r1")
        clock.advance(40)
        renew(namespace, lease)
        namespace.update(["a"], Changes(data="[2]"))

        [again] = namespace.pop(["work"], "ann", request="r1")

        assert (again.token, again.expires_at) == (lease.token, clock() + 60)
        assert again.job is not None
        assert (again.job.data, again.job.history) == ("[2]", ())

    def test_a_request_whose_leases_are_all_over_pops_anew(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")
        [first] = namespace.pop(["work"], "ann", request="r1")
        namespace.settle([Complete(first)])

        [second] = namespace.pop(["work"], "ann", request="r1")
        [again] = namespace.pop(["work"], "ann", request="r1")

        assert (second.jid, again) == ("b", second)

    def test_a_job_popped_again_by_another_is_not_given_again(self, namespace: Namespace) -> None:
        put(namespace, "a")
        [lease] = namespace.pop(["work"], "ann", request="r1")
        namespace.settle([Release(lease)])
        pop(namespace, worker="bob")

        assert namespace.pop(["work"], "ann", request="r1").leases == ()

    @pytest.mark.parametrize(("heartbeat", "seconds"), [(20.0, 20.0), (None, 60.0)])
    def test_a_request_is_remembered_for_a_heartbeat(
        self, namespace: Namespace, clock: ManualClock, heartbeat: float | None, seconds: float
    ) -> None:
        namespace.configure("work", {"heartbeat": heartbeat})
        put(namespace, "a", "b")
        [first] = namespace.pop(["work"], "ann", request="r1")
        clock.advance(seconds - 0.001)
        renew(namespace, first)

        assert namespace.pop(["work"], "ann", request="r1")[0].jid == "a"
        clock.advance(0.001)
        assert namespace.pop(["work"], "ann", request="r1")[0].jid == "b"

    def test_an_empty_answer_is_not_remembered(self, namespace: Namespace) -> None:
        assert namespace.pop(["work"], "ann", request="r1").leases == ()
        put(namespace, "a")

        assert [lease.jid for lease in namespace.pop(["work"], "ann", request="r1")] == ["a"]

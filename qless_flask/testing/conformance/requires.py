"""Requirements of jobs, and capabilities of workers: who is given what."""

from __future__ import annotations

import random

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid, QlessError
from qless_flask.models import (
    Changes,
    Complete,
    Fail,
    Finish,
    NewJob,
    Pop,
    Rate,
    Recurrence,
    Release,
    Retry,
    Settlement,
    Unique,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    Check,
    end,
    get,
    many,
    new,
    peek,
    pop_all,
    pop_with,
    put,
    refusal,
    renew,
    run,
    seen_events,
    settle,
    states,
    unchanged,
)


def sets(count: int, *, begin: int = 0) -> list[tuple[str, ...]]:
    """List different sets of requirements."""
    return [(f"kind {number}",) for number in range(begin, begin + count)]


def crowd(namespace: Namespace, count: int = 64, queue: str = "work") -> list[str]:
    """Fill a queue with jobs of so many different sets of requirements, and list their jids."""
    jobs = [new(f"crowd {number}", queue, requires=wanted) for number, wanted in enumerate(sets(count))]
    namespace.put(jobs)
    return [str(job.jid) for job in jobs]


class TestRequires:
    """`requires`: a job goes only to a worker that offers all of it."""

    def test_a_job_goes_to_a_worker_that_offers_all_of_it(self, namespace: Namespace) -> None:
        put(namespace, "a", requires=("gpu", "eu"))

        for offered in [(), ("gpu",), ("eu",), ("us",), ("gpu", "us"), ("gpu eu",), ("gp", "u", "e")]:
            assert pop_with(namespace, *offered) == []
        assert pop_with(namespace, "ssd", "gpu", "eu") == ["a"]

    def test_a_job_that_requires_nothing_goes_to_every_worker(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        assert pop_with(namespace, limit=1) == ["a"]
        assert pop_with(namespace, "gpu", "eu") == ["b"]

    def test_a_job_shows_what_it_requires_sorted_and_once(self, namespace: Namespace) -> None:
        put(namespace, "a", requires=("gpu", "eu", "gpu"))

        assert get(namespace).requires == ("eu", "gpu")
        [lease] = namespace.pop(["work"], "ann", capabilities=["gpu", "eu"])
        assert lease.job is not None
        assert lease.job.requires == ("eu", "gpu")

    def test_the_order_and_number_of_capabilities_do_not_matter(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", requires=("b", "a"))

        assert pop_with(namespace, "a", "b", limit=1) == ["a"]
        assert pop_with(namespace, "b", "x", "a", "b", limit=1) == ["b"]

    def test_odd_names_are_taken_as_they_are(self, namespace: Namespace) -> None:
        odd = ('a "b"', "é ✓", "x,y;z|w", "\\", "a:b", "*")
        put(namespace, "a", requires=odd)

        for index in range(len(odd)):
            assert pop_with(namespace, *odd[:index], *odd[index + 1 :]) == []
        assert get(namespace).requires == tuple(sorted(odd))
        assert pop_with(namespace, *odd) == ["a"]

    def test_order_holds_across_sets_of_requirements(self, namespace: Namespace) -> None:
        jobs = {
            "a": (("gpu",), 0),
            "b": ((), 0),
            "c": (("eu", "gpu"), 0),
            "d": (("eu",), 5),
            "e": (("gpu",), 5),
            "f": ((), -5),
            "g": (("gpu",), 0),
            "h": ((), 5),
        }
        for jid, (requires, priority) in jobs.items():
            put(namespace, jid, requires=requires, priority=priority)

        assert peek(namespace) == ["d", "e", "h", "a", "b", "c", "g", "f"]
        assert pop_with(namespace, "us", limit=1) == ["h"]
        assert pop_with(namespace, "gpu", limit=3) == ["e", "a", "b"]
        assert pop_with(namespace, "eu", "gpu") == ["d", "c", "g", "f"]

    @pytest.mark.parametrize("offered", [(), ("a",), ("b", "c"), ("a", "b", "c"), ("a", "b", "c", "d")])
    def test_a_worker_is_given_all_that_it_can_run_in_order(
        self, namespace: Namespace, offered: tuple[str, ...]
    ) -> None:
        chance = random.Random(11)
        jobs = [
            new(jid, requires=tuple(chance.sample("abcd", chance.randrange(4))), priority=chance.randrange(-2, 3))
            for jid in many(400)
        ]
        namespace.put(jobs)

        expected = [job for job in jobs if set(job.requires) <= set(offered)]
        expected.sort(key=lambda job: -job.priority)
        assert pop_with(namespace, *offered) == [job.jid for job in expected]

    def test_batches_hold_the_order_too(self, namespace: Namespace) -> None:
        for index, jid in enumerate("abcdefgh"):
            put(namespace, jid, requires=("x",) if index % 2 else ())

        assert [pop_with(namespace, "x", limit=3) for _ in range(3)] == [["a", "b", "c"], ["d", "e", "f"], ["g", "h"]]

    @pytest.mark.parametrize("way", ["release", "retry", "retry later", "lost", "timeout", "move", "advance", "update"])
    def test_it_stays_wherever_the_job_goes(self, namespace: Namespace, clock: ManualClock, way: str) -> None:
        put(namespace, "a", requires=("gpu",), pipeline=("work",))
        [lease] = namespace.pop(["work"], "ann", capabilities=["gpu"])
        if way == "release":
            settle(namespace, Release(lease))
        elif way == "retry":
            settle(namespace, Retry(lease))
        elif way == "retry later":
            settle(namespace, Retry(lease, delay=5))
            clock.advance(5)
        elif way == "lost":
            clock.advance(60)
        elif way == "timeout":
            namespace.timeout(["a"])
        elif way == "move":
            namespace.move(["a"], "work")
        elif way == "advance":
            settle(namespace, Complete(lease))
        else:
            namespace.move(["a"], "work")
            namespace.update(["a"], Changes(priority=7, data="[1]", add_tags=("t",)))

        assert get(namespace).requires == ("gpu",)
        assert pop_with(namespace) == []
        assert pop_with(namespace, "gpu") == ["a"]

    def test_replace_sets_what_is_required_anew(self, namespace: Namespace) -> None:
        put(namespace, "a", requires=("gpu",))
        put(namespace, "b", requires=("eu",))
        put(namespace, "a", requires=("us",), if_exists="replace")
        put(namespace, "b", if_exists="replace")

        assert (get(namespace, "a").requires, get(namespace, "b").requires) == (("us",), ())
        assert pop_with(namespace, "gpu", "eu") == ["b"]
        assert pop_with(namespace, "us") == ["a"]

    def test_what_depends_or_is_due_later_is_held_to_it_then(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "parent", queue="parents")
        put(namespace, "a", requires=("gpu",), depends=("parent",))
        put(namespace, "b", requires=("gpu",), delay=5)
        end(namespace, "parent")
        clock.advance(5)

        assert pop_with(namespace) == []
        assert pop_with(namespace, "gpu") == ["a", "b"]

    def test_what_expires_elsewhere_keeps_nothing_back(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", requires=("gpu",), delay=5)
        put(namespace, "b", queue="other", requires=("gpu",), expires_in=3)
        clock.advance(65)

        namespace.promote()

        assert states(namespace, "a", "b") == ["waiting", "failed"]
        assert pop_with(namespace, "gpu") == ["a"]

    def test_an_exchange_offers_them_too(self, namespace: Namespace) -> None:
        put(namespace, "a", requires=("gpu",))

        assert namespace.exchange([], Pop(("work",), "ann")).popped.leases == ()
        [lease] = namespace.exchange([], Pop(("work",), "ann", capabilities=("gpu",))).popped
        assert lease.jid == "a"

    def test_a_worker_may_offer_other_things_each_time(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", requires=("gpu",))
        [lease] = namespace.pop(["work"], "ann", capabilities=["gpu"])

        assert namespace.pop(["work"], "ann").leases == ()
        assert settle(namespace, Complete(lease)) == "complete"
        [other] = namespace.pop(["work"], "ann", capabilities=["gpu"])
        assert other.jid == "b"

    def test_what_a_worker_offered_last_is_shown(self, namespace: Namespace) -> None:
        namespace.pop(["work"], "ann", capabilities=["gpu", "eu", "gpu"])
        assert [worker.capabilities for worker in namespace.workers()] == [("eu", "gpu")]

        namespace.exchange([], Pop(("work",), "ann", capabilities=("us",)))
        assert [worker.capabilities for worker in namespace.workers()] == [("us",)]

        namespace.pop(["work"], "ann")
        assert [worker.capabilities for worker in namespace.workers()] == [()]

    def test_a_heartbeat_and_a_wish_leave_what_it_offered(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a")
        [lease] = namespace.pop(["work"], "ann", capabilities=["gpu"])
        clock.advance(30)

        renew(namespace, lease)
        answer = namespace.quiet("ann")

        assert (answer.capabilities, answer.quiet) == (("gpu",), True)
        assert namespace.workers(["ann"]) == [answer]

    def test_jobs_that_nobody_here_can_run_are_not_waited_for(self, namespace: Namespace) -> None:
        put(namespace, "a", requires=("gpu",))

        popped = namespace.pop(["work"], "ann")

        assert (popped.leases, popped.retry_at) == ((), None)

    def test_queues_in_turn_pass_by_what_the_worker_cannot_run(self, namespace: Namespace) -> None:
        put(namespace, "a1", queue="a", requires=("gpu",))
        put(namespace, "a2", queue="a")
        put(namespace, "b1", "b2", queue="b")

        leases = namespace.pop(["a", "b"], "ann", 4, order="round_robin")

        assert [lease.jid for lease in leases] == ["a2", "b1", "b2"]

    def test_many_that_nobody_here_can_run_keep_nobody_back(self, namespace: Namespace) -> None:
        put(namespace, *many(900), requires=("gpu",), priority=5)
        put(namespace, "last")

        assert pop_all(namespace) == ["last"]

    @pytest.mark.parametrize("requires", [("",), ("a\n",), ("x" * 201,), tuple("abcdefghi"), "gpu", (1,)])
    def test_what_cannot_be_required_is_refused(self, requires: object) -> None:
        with pytest.raises(Invalid) as caught:
            NewJob("Crawl", queue="work", requires=requires)  # type: ignore[arg-type]

        assert any(name.startswith("requires") for name in caught.value.fields)

    @pytest.mark.parametrize("capabilities", [["a\n"], ["x" * 201], [str(number) for number in range(65)]])
    def test_what_cannot_be_offered_is_refused(
        self, namespace: Namespace, check: Check, capabilities: list[str]
    ) -> None:
        put(namespace, "a")

        with unchanged(namespace, check), pytest.raises(Invalid) as caught:
            namespace.pop(["work"], "ann", capabilities=capabilities)

        assert any(name.startswith("capabilities") for name in caught.value.fields)


class TestRequiresAndLimits:
    """No slot is held by a job that the popping worker cannot run."""

    def test_a_keys_slot_goes_to_what_the_worker_can_run(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        put(namespace, "a", key="k", requires=("gpu",), priority=5)
        put(namespace, "b", "c", key="k")

        [lease] = namespace.pop(["work"], "ann", 5)
        assert lease.jid == "b"
        assert pop_with(namespace, "gpu") == []
        settle(namespace, Complete(lease))
        assert pop_with(namespace, "gpu") == ["a"]

    def test_nor_does_it_use_up_the_rate_of_a_key(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_rate": Rate(1, 10)})
        put(namespace, "a", key="k", requires=("gpu",))
        put(namespace, "b", key="k")

        assert pop_with(namespace) == ["b"]
        assert pop_with(namespace, "gpu") == []

    @pytest.mark.parametrize("limit", [{"max_concurrency": 1}, {"rate": Rate(1, 10)}])
    def test_nor_that_of_the_queue(self, namespace: Namespace, limit: dict[str, int | Rate | None]) -> None:
        namespace.configure("work", limit)
        put(namespace, "a", requires=("gpu",))
        put(namespace, "b")

        assert pop_with(namespace) == ["b"]
        assert pop_with(namespace, "gpu") == []

    def test_a_key_that_is_full_is_so_for_all_its_sets(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        put(namespace, "a", key="k", requires=("gpu",))
        put(namespace, "b", key="k", requires=("eu",))
        put(namespace, "c", key="k")
        [lease] = namespace.pop(["work"], "ann", 9, capabilities=["eu"])

        assert lease.jid == "b"
        assert pop_with(namespace, "gpu", "eu") == []
        settle(namespace, Complete(lease))
        assert pop_with(namespace, "gpu", "eu") == ["a"]


class TestSetsOfRequirements:
    """At most 64 different ones are alive in a queue."""

    def test_a_put_that_would_make_one_too_many_is_refused_whole(self, namespace: Namespace, check: Check) -> None:
        crowd(namespace)

        with unchanged(namespace, check), pytest.raises(Invalid) as caught:
            namespace.put([new("a"), new("b", requires=("another",)), new("c", "other")])

        assert "requires" in caught.value.fields

    def test_the_jobs_of_one_put_count_one_after_the_other(self, namespace: Namespace, check: Check) -> None:
        jobs = [new(f"{number}", requires=wanted) for number, wanted in enumerate(sets(65))]

        with unchanged(namespace, check), pytest.raises(Invalid):
            namespace.put(jobs)
        namespace.put(jobs[:64])

    def test_sets_that_are_there_and_none_at_all_are_taken_still(self, namespace: Namespace) -> None:
        crowd(namespace)

        put(namespace, "a", requires=("kind 7",))
        put(namespace, "b")
        put(namespace, "c", queue="other", requires=("another",))

        assert states(namespace, "a", "b", "c") == ["waiting"] * 3

    def test_it_is_the_set_that_counts(self, namespace: Namespace) -> None:
        crowd(namespace, 63)
        put(namespace, "a", requires=("kind 2", "kind 1"))

        put(namespace, "b", requires=("kind 1", "kind 2"))
        with pytest.raises(Invalid):
            put(namespace, "c", requires=("kind 1", "kind 3"))

    @pytest.mark.parametrize("state", ["scheduled", "depends", "waiting", "running"])
    def test_a_job_that_is_alive_keeps_its_set(self, namespace: Namespace, state: str) -> None:
        crowd(namespace, 63)
        put(namespace, "parent", queue="parents")
        put(
            namespace,
            "a",
            requires=("last",),
            priority=9,
            delay=60 if state == "scheduled" else 0,
            depends=("parent",) if state == "depends" else (),
        )
        if state == "running":
            assert pop_with(namespace, "last", limit=1) == ["a"]

        assert states(namespace, "a") == [state]
        with pytest.raises(Invalid):
            put(namespace, "b", requires=("another",))

    @pytest.mark.parametrize("way", ["complete", "fail", "cancel", "finish", "move", "advance", "expire", "replace"])
    def test_a_job_that_ends_or_leaves_lets_go_of_it(self, namespace: Namespace, clock: ManualClock, way: str) -> None:
        crowd(namespace, 63)
        put(namespace, "a", requires=("last",), expires_in=30)
        if way in ("complete", "fail", "advance"):
            [lease] = namespace.pop(["work"], "ann", 1, capabilities=["last"])
            settlements: dict[str, Settlement] = {
                "complete": Complete(lease),
                "fail": Fail(lease, group="broken"),
                "advance": Complete(lease, next="other"),
            }
            settle(namespace, settlements[way])
        elif way == "cancel":
            namespace.cancel(["a"])
        elif way == "finish":
            namespace.finish(["a"], Finish("failed"))
        elif way == "move":
            namespace.move(["a"], "other")
        elif way == "replace":
            put(namespace, "a", queue="other", if_exists="replace")
        else:
            clock.advance(30)
            namespace.promote()

        put(namespace, "b", requires=("another",))

        assert states(namespace, "b") == ["waiting"]

    def test_of_two_jobs_of_a_set_the_last_lets_go_of_it(self, namespace: Namespace) -> None:
        crowd(namespace, 63)
        put(namespace, "a", "b", requires=("last",))
        namespace.cancel(["a"])
        with pytest.raises(Invalid):
            put(namespace, "c", requires=("another",))

        namespace.cancel(["b"])
        put(namespace, "c", requires=("another",))

    def test_a_job_that_is_replaced_counts_no_more(self, namespace: Namespace) -> None:
        [first, *_] = crowd(namespace)

        put(namespace, first, requires=("another",), if_exists="replace")

        assert get(namespace, first).requires == ("another",)
        with pytest.raises(Invalid):
            put(namespace, "b", requires=("kind 0",))

    def test_a_replace_of_what_another_still_requires_is_refused(self, namespace: Namespace, check: Check) -> None:
        [first, *_] = crowd(namespace)
        put(namespace, "a", requires=("kind 0",))

        with unchanged(namespace, check), pytest.raises(Invalid):
            put(namespace, first, requires=("another",), if_exists="replace")

    def test_what_answers_with_a_job_that_is_there_is_never_refused(self, namespace: Namespace) -> None:
        crowd(namespace, 63)
        namespace.put([new("a", requires=("last",), unique=Unique("u"))])

        [kept] = namespace.put([new("a", requires=("another",), if_exists="keep")])
        [found] = namespace.put([new("b", requires=("another",), unique=Unique("u"))])

        assert [(put.jid, put.created) for put in (kept, found)] == [("a", False), ("a", False)]

    def test_jobs_move_and_go_on_into_a_crowded_queue(self, namespace: Namespace) -> None:
        crowd(namespace)
        put(namespace, "a", queue="other", requires=("another",))
        put(namespace, "b", queue="third", requires=("one more",), pipeline=("work",))
        [lease] = namespace.pop(["third"], "ann", capabilities=["one more"])

        namespace.move(["a"], "work")
        assert settle(namespace, Complete(lease)) == "waiting"

        assert pop_with(namespace, "another") == ["a"]
        assert pop_with(namespace, "one more") == ["b"]
        assert len(pop_with(namespace, *(f"kind {number}" for number in range(64)))) == 64

    def test_a_follow_up_that_would_make_one_too_many_leaves_the_lease(
        self, namespace: Namespace, check: Check
    ) -> None:
        lease = run(namespace, queue="other")
        crowd(namespace)

        with unchanged(namespace, check):
            error = refusal(namespace, Complete(lease, puts=(new("b", requires=("another",)),)))

        assert isinstance(error, Invalid)
        assert "requires" in error.fields

    @pytest.mark.parametrize("by_hand", [True, False])
    def test_a_recurrence_puts_none_too_many(
        self, namespace: Namespace, clock: ManualClock, check: Check, by_hand: bool
    ) -> None:
        crowd(namespace)
        rule = Recurrence("Crawl", queue="work", id="daily", interval=60.0, requires=("another",), key="k")
        recurring = namespace.recur(rule)
        assert recurring.next_at is not None
        clock.advance(60)

        with unchanged(namespace, check), pytest.raises(QlessError) as caught:
            namespace.run_recurrence("daily") if by_hand else namespace.fire("daily", recurring.next_at)

        assert "requires" in caught.value.fields

    def test_what_a_recurrence_puts_requires_what_its_rule_says(self, namespace: Namespace, clock: ManualClock) -> None:
        rule = Recurrence("Crawl", queue="work", id="daily", interval=60.0, requires=("gpu", "eu"), key="k")
        recurring = namespace.recur(rule)
        assert (recurring.rule.requires, recurring.rule.key) == (("eu", "gpu"), "k")
        assert recurring.next_at is not None
        clock.advance(60)

        [put] = namespace.fire("daily", recurring.next_at)
        by_hand = namespace.run_recurrence("daily")

        for jid in {put.jid, by_hand.jid}:
            assert (get(namespace, jid).requires, get(namespace, jid).key) == (("eu", "gpu"), "k")
        assert [event.event for event in seen_events(namespace, "put")] == ["put"]

"""Waits under limits and requirements: what lets a held job run wakes the pop that can run it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.models import (
    Complete,
    Fail,
    Finish,
    Lease,
    Pop,
    Popped,
    Rate,
    Release,
    Retry,
    Setting,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import Check, pop, put, run, settle, states
from qless_flask.testing.conformance.waiting import LONG, SOON, let_it_wait, threads

FREES: dict[str, Callable[[Namespace, Lease], object]] = {
    "complete": lambda namespace, lease: namespace.settle([Complete(lease)]),
    "advance": lambda namespace, lease: namespace.settle([Complete(lease, next="other")]),
    "fail": lambda namespace, lease: namespace.settle([Fail(lease, group="broken")]),
    "retry later": lambda namespace, lease: namespace.settle([Retry(lease, delay=50)]),
    "release later": lambda namespace, lease: namespace.settle([Release(lease, delay=50)]),
    "exchange": lambda namespace, lease: namespace.exchange([Complete(lease)], Pop(("other",), "ann")),
    "cancel": lambda namespace, lease: namespace.cancel([lease.jid]),
    "move": lambda namespace, lease: namespace.move([lease.jid], "other"),
    "finish": lambda namespace, lease: namespace.finish([lease.jid], Finish("complete")),
    "replace": lambda namespace, lease: put(namespace, lease.jid, queue="other", if_exists="replace"),
    "timeout": lambda namespace, lease: namespace.timeout([lease.jid]),
}
each_way = pytest.mark.parametrize("free", FREES.values(), ids=FREES.keys())
LIMITS: dict[str, Mapping[str, Setting]] = {
    "max_concurrency": {"max_concurrency": 1},
    "key_concurrency": {"key_concurrency": 1},
}


class TestWaitingUnderLimits:
    """A pop that waits while a limit keeps jobs back."""

    @pytest.fixture
    def unchecked(self, backend: Backend, namespace: Namespace, check: Check) -> Iterator[Namespace]:
        """The test's namespace, checked at the end alone: a view taken while others write may be torn."""
        yield backend.namespace(namespace.name)
        check()

    @each_way
    @pytest.mark.parametrize("limit", LIMITS)
    def test_the_end_of_a_lease_wakes_it(
        self, unchecked: Namespace, limit: str, free: Callable[[Namespace, Lease], object]
    ) -> None:
        unchecked.configure("work", LIMITS[limit])
        lease = run(unchecked, key="k")
        put(unchecked, "b", key="k", priority=1)
        with threads() as pool:
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG)
            let_it_wait(waiting)
            free(unchecked, lease)

            assert [each.jid for each in waiting.result(SOON)] == ["b"]

    @pytest.mark.parametrize("limit", LIMITS)
    def test_a_lost_lease_wakes_it(self, unchecked: Namespace, clock: ManualClock, limit: str) -> None:
        unchecked.configure("work", {**LIMITS[limit], "heartbeat": 0.5, "max_losses": 0})
        run(unchecked, key="k")
        put(unchecked, "b", key="k")
        with threads() as pool:
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG)
            let_it_wait(waiting)
            clock.advance(0.5)

            assert [each.jid for each in waiting.result(SOON)] == ["b"]

    @pytest.mark.parametrize("limit", ["rate", "key_rate"])
    def test_a_rate_that_lets_the_next_one_through_wakes_it(
        self, unchecked: Namespace, clock: ManualClock, limit: str
    ) -> None:
        unchecked.configure("work", {limit: Rate(1, 0.5), "heartbeat": None})
        run(unchecked, key="k")
        put(unchecked, "b", "c", key="k")
        with threads() as pool:
            for jid in ("b", "c"):
                waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG)
                let_it_wait(waiting)
                clock.advance(0.5)

                assert [each.jid for each in waiting.result(SOON)] == [jid]

    @pytest.mark.parametrize("limit", ["max_concurrency", "key_concurrency", "rate", "key_rate"])
    @pytest.mark.parametrize("way", ["raised", "taken away", "given up", "by the namespace"])
    def test_a_changed_limit_wakes_it(self, unchecked: Namespace, limit: str, way: str) -> None:
        one: Mapping[str, Setting] = {limit: Rate(1, 900) if "rate" in limit else 1}
        unchecked.configure("work", {"heartbeat": None})
        if way == "by the namespace":
            unchecked.configure_namespace(one)
        else:
            unchecked.configure("work", one)
        run(unchecked, key="k")
        put(unchecked, "b", key="k")
        with threads() as pool:
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG)
            let_it_wait(waiting)
            if way == "raised":
                unchecked.configure("work", {limit: Rate(2, 900) if "rate" in limit else 2})
            elif way == "taken away":
                unchecked.configure("work", {limit: None})
            elif way == "given up":
                unchecked.configure("work", {}, inherit=[limit])
            else:
                unchecked.configure_namespace({limit: None})

            assert [each.jid for each in waiting.result(SOON)] == ["b"]

    def test_room_for_several_wakes_as_many(self, unchecked: Namespace) -> None:
        unchecked.configure("work", {"max_concurrency": 1, "heartbeat": None})
        lease = run(unchecked)
        put(unchecked, *"bcdef")
        with threads() as pool:
            waits = [pool.submit(unchecked.pop, ["work"], f"worker {index}", wait=LONG) for index in range(5)]
            let_it_wait(waits[-1])
            unchecked.configure("work", {"max_concurrency": 5})
            settle(unchecked, Complete(lease))

            assert sorted(each.jid for waiting in waits for each in waiting.result(SOON)) == list("bcdef")

    def test_settling_many_wakes_as_many(self, unchecked: Namespace) -> None:
        unchecked.configure("work", {"key_concurrency": 1, "heartbeat": None})
        for number in range(5):
            put(unchecked, f"a{number}", f"b{number}", key=f"key {number}")
        leases = unchecked.pop(["work"], "ann", 10)
        assert len(leases) == 5
        with threads() as pool:
            waits = [pool.submit(unchecked.pop, ["work"], f"worker {index}", wait=LONG) for index in range(5)]
            let_it_wait(waits[-1])
            unchecked.settle([Complete(lease) for lease in leases])

            assert sorted(each.jid for waiting in waits for each in waiting.result(SOON)) == [
                f"b{number}" for number in range(5)
            ]

    @pytest.mark.parametrize("limit", LIMITS)
    def test_workers_in_a_row_hand_the_slot_on(self, unchecked: Namespace, limit: str) -> None:
        unchecked.configure("work", {**LIMITS[limit], "heartbeat": None})
        put(unchecked, *(f"{number:02}" for number in range(20)), key="k")
        done: list[str] = []

        def work(worker: str) -> None:
            while len(done) < 20:
                for lease in unchecked.pop(["work"], worker, wait=SOON):
                    done.append(lease.jid)
                    settle(unchecked, Complete(lease))

        begun = time.monotonic()
        with threads() as pool:
            for working in [pool.submit(work, f"worker {index}") for index in range(6)]:
                working.result(LONG)

        assert sorted(done) == [f"{number:02}" for number in range(20)]
        assert time.monotonic() - begun < 3 * SOON


class TestWaitingForWhatIsOffered:
    """A job wakes a pop that offers what it requires."""

    @pytest.fixture
    def unchecked(self, backend: Backend, namespace: Namespace, check: Check) -> Iterator[Namespace]:
        """The test's namespace, checked at the end alone: a view taken while others write may be torn."""
        yield backend.namespace(namespace.name)
        check()

    def test_a_job_wakes_the_pop_that_can_run_it_though_others_wait_longer(self, unchecked: Namespace) -> None:
        with threads() as pool:
            plain = [pool.submit(unchecked.pop, ["work"], f"plain {index}", wait=LONG) for index in range(5)]
            let_it_wait(plain[-1])
            able = pool.submit(unchecked.pop, ["work"], "able", wait=LONG, capabilities=["gpu", "eu"])
            let_it_wait(able)
            put(unchecked, "a", requires=("gpu",))

            assert [lease.jid for lease in able.result(SOON)] == ["a"]
            put(unchecked, *"bcdef")
            assert sorted(lease.jid for waiting in plain for lease in waiting.result(SOON)) == list("bcdef")

    def test_a_plain_job_wakes_a_pop_that_offers_something(self, unchecked: Namespace) -> None:
        with threads() as pool:
            able = pool.submit(unchecked.pop, ["work"], "able", wait=LONG, capabilities=["gpu"])
            let_it_wait(able)
            put(unchecked, "a")

            assert [lease.jid for lease in able.result(SOON)] == ["a"]

    def test_each_of_many_kinds_finds_its_worker(self, unchecked: Namespace) -> None:
        kinds = [("a",), ("b",), ("a", "b"), ("c",), ("a", "b", "c")]
        with threads() as pool:
            waits: list[Future[Popped]] = []
            for index, offered in enumerate(kinds):
                waits.append(pool.submit(unchecked.pop, ["work"], f"w{index}", wait=LONG, capabilities=offered))
                let_it_wait(waits[-1])
            # Each of these can be run by one worker alone, once those before it have gone.
            for jid, requires, index in [
                ("all", ("a", "b", "c"), 4),
                ("two", ("a", "b"), 2),
                ("one", ("a",), 0),
                ("other", ("b",), 1),
                ("third", ("c",), 3),
            ]:
                put(unchecked, jid, requires=requires)
                assert [lease.jid for lease in waits[index].result(SOON)] == [jid]

    def test_what_it_cannot_run_does_not_end_its_wait(self, unchecked: Namespace) -> None:
        with threads() as pool:
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=0.8, capabilities=["eu"])
            let_it_wait(waiting)
            put(unchecked, "a", requires=("gpu",))

            assert waiting.result(LONG).leases == ()

        assert states(unchecked, "a") == ["waiting"]

    def test_a_released_job_wakes_one_that_can_run_it(self, unchecked: Namespace) -> None:
        put(unchecked, "a", requires=("gpu",))
        [lease] = unchecked.pop(["work"], "ann", capabilities=["gpu"])
        with threads() as pool:
            plain = pool.submit(unchecked.pop, ["work"], "plain", wait=3 * SOON)
            let_it_wait(plain)
            able = pool.submit(unchecked.pop, ["work"], "able", wait=LONG, capabilities=["gpu"])
            let_it_wait(able)
            settle(unchecked, Release(lease))

            assert [each.jid for each in able.result(SOON)] == ["a"]
            put(unchecked, "b")
            assert [each.jid for each in plain.result(SOON)] == ["b"]

    def test_a_freed_slot_wakes_one_that_can_run_what_was_held(self, unchecked: Namespace) -> None:
        unchecked.configure("work", {"key_concurrency": 1, "heartbeat": None})
        lease = run(unchecked, key="k")
        put(unchecked, "b", key="k", requires=("gpu",))
        with threads() as pool:
            plain = pool.submit(unchecked.pop, ["work"], "plain", wait=LONG)
            let_it_wait(plain)
            able = pool.submit(unchecked.pop, ["work"], "able", wait=LONG, capabilities=["gpu"])
            let_it_wait(able)
            settle(unchecked, Complete(lease))

            assert [each.jid for each in able.result(SOON)] == ["b"]
            put(unchecked, "c")
            assert [each.jid for each in plain.result(SOON)] == ["c"]

    def test_a_job_due_later_wakes_one_that_can_run_it(self, unchecked: Namespace, clock: ManualClock) -> None:
        with threads() as pool:
            plain = pool.submit(unchecked.pop, ["work"], "plain", wait=3 * SOON)
            let_it_wait(plain)
            able = pool.submit(unchecked.pop, ["work"], "able", wait=LONG, capabilities=["gpu"])
            let_it_wait(able)
            put(unchecked, "a", requires=("gpu",), delay=0.5)
            clock.advance(0.5)

            assert [each.jid for each in able.result(SOON)] == ["a"]
            assert plain.result(LONG).leases == ()

    def test_another_process_wakes_it_too(
        self, another: Callable[[], Backend], unchecked: Namespace, namespace: Namespace
    ) -> None:
        with another() as elsewhere, threads() as pool:
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG, capabilities=["gpu"])
            let_it_wait(waiting)
            put(elsewhere.namespace(namespace.name), "a", requires=("gpu",))

            assert [lease.jid for lease in waiting.result(SOON)] == ["a"]

    def test_a_limit_freed_by_another_process_wakes_it_too(
        self, another: Callable[[], Backend], unchecked: Namespace, namespace: Namespace
    ) -> None:
        unchecked.configure("work", {"max_concurrency": 1, "heartbeat": None})
        put(unchecked, "a", "b")
        with another() as elsewhere, threads() as pool:
            lease = pop(elsewhere.namespace(namespace.name))
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG)
            let_it_wait(waiting)
            settle(elsewhere.namespace(namespace.name), Complete(lease))

            assert [each.jid for each in waiting.result(SOON)] == ["b"]

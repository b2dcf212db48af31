"""Waits: pops and readers that sleep until there is something. Their time is real, whatever the clock says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.models import ENDED, Complete, Fail, Finish, Pop, Release, Settled
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import Check, end_by_hand, new, pop, put, run, states

Answer = TypeVar("Answer")

LONG = 20.0
"""Seconds that no wait of these tests lasts, unless something is wrong."""
SOON = 2.0
"""Seconds within which a woken wait is over; less than waits sleep before they look again by themselves."""


@contextmanager
def threads() -> Iterator[ThreadPoolExecutor]:
    """Run what waits beside the test."""
    with ThreadPoolExecutor(16) as pool:
        yield pool


def let_it_wait(waiting: Future[Answer]) -> None:
    """Give a wait the time to begin; what is there before it began is found at once, and proves less."""
    time.sleep(0.15)
    assert not waiting.done()


def soon(happened: Callable[[], bool]) -> None:
    """Wait until something has happened beside the test."""
    deadline = time.monotonic() + LONG
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class TestWaitingPops:
    """A pop that waits."""

    @pytest.fixture
    def unchecked(self, backend: Backend, namespace: Namespace, check: Check) -> Iterator[Namespace]:
        """The test's namespace, checked at the end alone: a view taken while others write may be torn."""
        yield backend.namespace(namespace.name)
        check()

    def test_what_is_there_is_given_at_once(self, unchecked: Namespace) -> None:
        put(unchecked, "a")
        begun = time.monotonic()

        [lease] = unchecked.pop(["work"], "ann", wait=LONG)

        assert lease.jid == "a"
        assert time.monotonic() - begun < SOON

    def test_nothing_comes_and_the_wait_ends_empty(self, unchecked: Namespace) -> None:
        begun = time.monotonic()

        assert unchecked.pop(["work"], "ann", wait=0.3).leases == ()

        assert 0.25 <= time.monotonic() - begun < SOON

    @pytest.mark.parametrize("act", ["put", "move", "release", "retry", "advance", "resume", "timeout"])
    def test_what_makes_a_job_available_wakes_it(self, unchecked: Namespace, act: str) -> None:
        lease = run(unchecked, queue="elsewhere" if act in ("move", "advance") else "work", pipeline=("work",))
        if act == "resume":
            unchecked.settle([Release(lease)])
            unchecked.pause("work")
        with threads() as pool:
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG)
            let_it_wait(waiting)
            begun = time.monotonic()
            self._act(unchecked, act, lease)

            popped = waiting.result(LONG)

        assert len(popped) == 1
        assert time.monotonic() - begun < SOON

    def _act(self, namespace: Namespace, act: str, lease: object) -> None:
        from qless_flask.models import Lease, Retry

        assert isinstance(lease, Lease)
        if act == "put":
            put(namespace, "b")
        elif act == "move":
            namespace.move(["a"], "work")
        elif act == "release":
            namespace.settle([Release(lease)])
        elif act == "retry":
            namespace.settle([Retry(lease)])
        elif act == "advance":
            namespace.settle([Complete(lease)])
        elif act == "resume":
            namespace.resume("work")
        else:
            namespace.timeout(["a"])

    @pytest.mark.parametrize("act", ["complete", "finish", "depend", "follow up"])
    def test_what_frees_a_job_wakes_it(self, unchecked: Namespace, act: str) -> None:
        lease = run(unchecked, "parent", queue="parents")
        if act != "follow up":
            put(unchecked, "a", depends=("parent",))
        acts: dict[str, Callable[[], object]] = {
            "complete": lambda: unchecked.settle([Complete(lease)]),
            "finish": lambda: unchecked.finish(["parent"], Finish("complete")),
            "depend": lambda: unchecked.depend("a", off=["parent"]),
            "follow up": lambda: unchecked.settle([Complete(lease, puts=(new("a"),))]),
        }
        with threads() as pool:
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG)
            let_it_wait(waiting)
            acts[act]()

            assert [each.jid for each in waiting.result(SOON)] == ["a"]

    def test_a_job_that_expires_soon_does_not_end_the_wait(self, unchecked: Namespace, clock: ManualClock) -> None:
        put(unchecked, "a", delay=60, expires_in=0.3)
        with threads() as pool:
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=0.8)
            let_it_wait(waiting)
            clock.advance(0.3)

            assert waiting.result(LONG).leases == ()

        assert states(unchecked, "a") == ["failed"]

    def test_a_worker_that_is_to_stop_is_answered_at_once(self, unchecked: Namespace) -> None:
        unchecked.pop(["work"], "ann")
        unchecked.stop("ann")
        put(unchecked, "a")
        begun = time.monotonic()

        popped = unchecked.pop(["work"], "ann", wait=LONG)

        assert (popped.leases, popped.stop) == ((), True)
        assert time.monotonic() - begun < SOON

    def test_a_worker_that_is_to_be_quiet_is_answered_when_its_wait_is_over(self, unchecked: Namespace) -> None:
        unchecked.pop(["work"], "ann")
        unchecked.quiet("ann")
        put(unchecked, "a")
        begun = time.monotonic()

        popped = unchecked.pop(["work"], "ann", wait=0.3)

        assert (popped.leases, popped.quiet) == ((), True)
        assert 0.25 <= time.monotonic() - begun < SOON

    def test_a_quiet_worker_that_waits_keeps_no_job_from_others(self, unchecked: Namespace) -> None:
        unchecked.pop(["work"], "ann")
        unchecked.quiet("ann")
        with threads() as pool:
            quiet = pool.submit(unchecked.pop, ["work"], "ann", wait=0.8)
            let_it_wait(quiet)
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG)
            let_it_wait(waiting)
            put(unchecked, "a")

            assert [each.jid for each in waiting.result(SOON)] == ["a"]
            assert quiet.result(LONG).leases == ()

    def test_any_of_its_queues_wakes_it(self, unchecked: Namespace) -> None:
        with threads() as pool:
            waiting = pool.submit(unchecked.pop, ["one", "two", "three"], "bob", wait=LONG)
            let_it_wait(waiting)
            put(unchecked, "other", queue="four")
            put(unchecked, "a", queue="three")

            assert [lease.jid for lease in waiting.result(SOON)] == ["a"]

    def test_each_of_many_jobs_goes_to_one_of_many_waits(self, unchecked: Namespace) -> None:
        with threads() as pool:
            waits = [pool.submit(unchecked.pop, ["work"], f"worker {index}", wait=LONG) for index in range(8)]
            let_it_wait(waits[0])
            put(unchecked, *"abcdef")
            put(unchecked, *"gh")

            jids = [lease.jid for waiting in waits for lease in waiting.result(SOON)]

        assert sorted(jids) == list("abcdefgh")

    def test_a_job_that_becomes_due_ends_the_wait(self, unchecked: Namespace, clock: ManualClock) -> None:
        put(unchecked, "a", delay=0.5)
        with threads() as pool:
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG)
            let_it_wait(waiting)
            clock.advance(0.5)

            assert [lease.jid for lease in waiting.result(SOON)] == ["a"]

    def test_a_job_put_for_soon_ends_the_wait_when_it_is_due(self, unchecked: Namespace, clock: ManualClock) -> None:
        with threads() as pool:
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG)
            let_it_wait(waiting)
            put(unchecked, "a", delay=0.5)
            clock.advance(0.5)

            assert [lease.jid for lease in waiting.result(SOON)] == ["a"]

    def test_a_lost_lease_ends_the_wait(self, unchecked: Namespace, clock: ManualClock) -> None:
        unchecked.configure("work", {"heartbeat": 0.5})
        run(unchecked)
        with threads() as pool:
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG)
            let_it_wait(waiting)
            clock.advance(0.5)

            [lease] = waiting.result(SOON)

        assert lease.job is not None
        assert (lease.jid, lease.job.losses) == ("a", 1)

    def test_an_exchange_settles_first_and_waits_then(self, unchecked: Namespace) -> None:
        lease = run(unchecked)
        with threads() as pool:
            waiting = pool.submit(unchecked.exchange, [Complete(lease)], Pop(("work",), "ann"), wait=LONG)
            soon(lambda: states(unchecked, "a") == ["complete"])
            assert not waiting.done()
            put(unchecked, "b")

            exchanged = waiting.result(SOON)

        assert exchanged.results == (Settled("a", "complete"),)
        assert [each.jid for each in exchanged.popped] == ["b"]

    def test_a_put_by_another_process_wakes_it(
        self, unchecked: Namespace, another: Callable[[], Backend], namespace: Namespace
    ) -> None:
        elsewhere = another().namespace(namespace.name)
        with threads() as pool:
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG)
            let_it_wait(waiting)
            put(elsewhere, "a")

            assert [lease.jid for lease in waiting.result(SOON)] == ["a"]

    def test_the_first_job_of_a_queue_that_was_forgotten_meanwhile_wakes_it(self, unchecked: Namespace) -> None:
        unchecked.configure("work", {"retries": 1})
        with threads() as pool:
            waiting = pool.submit(unchecked.pop, ["work"], "bob", wait=LONG)
            let_it_wait(waiting)
            unchecked.forget("work")
            put(unchecked, "a")

            assert [lease.jid for lease in waiting.result(SOON)] == ["a"]

    def test_a_waiting_pop_does_not_hold_others_up(self, unchecked: Namespace) -> None:
        with threads() as pool:
            waits = [pool.submit(unchecked.pop, ["idle"], f"w{index}", wait=1.0) for index in range(8)]
            let_it_wait(waits[0])
            begun = time.monotonic()
            put(unchecked, "a")
            lease = pop(unchecked)
            unchecked.settle([Complete(lease)])

            assert time.monotonic() - begun < 0.8
            assert all(waiting.result(LONG).leases == () for waiting in waits)

    def test_a_wait_that_nobody_answers_leaves_the_job_to_the_next(self, unchecked: Namespace) -> None:
        assert unchecked.pop(["work"], "ann", wait=0.1).leases == ()

        put(unchecked, "a")

        assert pop(unchecked, worker="bob").jid == "a"

    def test_closing_lets_waits_come_back_empty(self, another: Callable[[], Backend], namespace: Namespace) -> None:
        backend = another()
        with threads() as pool:
            waiting = pool.submit(backend.namespace(namespace.name).pop, ["work"], "bob", wait=LONG)
            let_it_wait(waiting)
            begun = time.monotonic()
            backend.close()

            assert waiting.result(LONG).leases == ()

        assert time.monotonic() - begun < SOON


class TestWaitingReaders:
    """Events that are waited for."""

    def test_the_first_event_ends_the_wait(self, backend: Backend, namespace: Namespace) -> None:
        put(namespace, "a")
        unchecked = backend.namespace(namespace.name)
        end = unchecked.events().next
        with threads() as pool:
            waiting = pool.submit(unchecked.events, end, wait=LONG)
            let_it_wait(waiting)
            put(unchecked, "b", delay=5)

            assert [event.jid for event in waiting.result(SOON).events] == ["b"]

    def test_nothing_happens_and_the_wait_ends_empty(self, namespace: Namespace) -> None:
        begun = time.monotonic()

        page = namespace.events(wait=0.3)

        assert page.events == ()
        assert 0.25 <= time.monotonic() - begun < SOON

    def test_what_is_there_is_read_at_once(self, namespace: Namespace) -> None:
        put(namespace, "a")
        begun = time.monotonic()

        assert len(namespace.events(wait=LONG).events) == 1

        assert time.monotonic() - begun < SOON


class TestWaitingLookups:
    """Jobs whose end is waited for."""

    @pytest.mark.parametrize("way", ["complete", "fail", "cancel"])
    def test_any_end_ends_the_wait(self, backend: Backend, namespace: Namespace, way: str) -> None:
        lease = run(namespace)
        unchecked = backend.namespace(namespace.name)
        with threads() as pool:
            waiting = pool.submit(unchecked.get, ["a"], wait=LONG)
            let_it_wait(waiting)
            if way == "complete":
                unchecked.settle([Complete(lease, result="[7]")])
            elif way == "fail":
                unchecked.settle([Fail(lease, group="broken")])
            else:
                unchecked.cancel(["a"])

            [job] = waiting.result(SOON)

        assert job is not None
        assert (job.state in ENDED, job.result) == (True, "[7]" if way == "complete" else None)

    def test_what_has_ended_is_answered_at_once(self, namespace: Namespace) -> None:
        end_by_hand(namespace, "a", "complete")
        begun = time.monotonic()

        [job, nobody] = namespace.get(["a", "no"], wait=LONG)

        assert (job and job.state, nobody) == ("complete", None)
        assert time.monotonic() - begun < SOON

    def test_what_does_not_end_is_answered_as_it_is(self, namespace: Namespace) -> None:
        put(namespace, "a")
        begun = time.monotonic()

        [job] = namespace.get(["a"], wait=0.3)

        assert job is not None
        assert job.state == "waiting"
        assert 0.25 <= time.monotonic() - begun < SOON

    def test_it_waits_for_all_of_them(self, backend: Backend, namespace: Namespace) -> None:
        put(namespace, "a", "b")
        unchecked = backend.namespace(namespace.name)
        a, b = unchecked.pop(["work"], "ann", 2)
        with threads() as pool:
            waiting = pool.submit(unchecked.get, ["a", "b", "no"], wait=LONG)
            let_it_wait(waiting)
            unchecked.settle([Complete(b)])
            let_it_wait(waiting)
            unchecked.settle([Complete(a)])

            assert [job and job.state for job in waiting.result(SOON)] == ["complete", "complete", None]

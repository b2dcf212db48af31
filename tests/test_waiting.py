"""The waits inside one process: who is woken, and in which order."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qless_flask.backends import patience
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.backends.store import StoreNamespace
from qless_flask.backends.waiting import Waiters, WaitKey, offers
from qless_flask.models import Job, NewJob, Pop, Popped


def test_a_wake_reaches_those_who_wait_for_the_queue_longest_first() -> None:
    waiters = Waiters()
    first, second = waiters.join("ns", ["a"]), waiters.join("ns", ["a", "b"])
    other = waiters.join("ns", ["b"])

    assert waiters.wake(("ns", "a", "")) == 1

    assert (first.woken, second.woken, other.woken) == (True, False, False)


def test_as_many_are_woken_as_there_are_jobs() -> None:
    waiters = Waiters()
    waiting = [waiters.join("ns", ["a"]) for _ in range(3)]

    assert waiters.wake(("ns", "a", ""), 2) == 2
    assert [waiter.woken for waiter in waiting] == [True, True, False]
    assert waiters.wake(("ns", "a", ""), 2) == 1
    assert waiters.wake(("ns", "a", ""), 2) == 0


def test_a_wake_for_another_namespace_or_queue_reaches_nobody() -> None:
    waiters = Waiters()
    waiter = waiters.join("ns", ["a"])

    assert waiters.wake(("other", "a", "")) == waiters.wake(("ns", "b", "")) == 0
    assert not waiter.woken


def test_a_wake_for_workers_of_one_kind_reaches_no_other() -> None:
    waiters = Waiters()
    plain, strong = waiters.join("ns", ["a"]), waiters.join("ns", ["a"], ["eu", "gpu"])

    assert waiters.wake(("ns", "a", offers(["eu", "gpu"]))) == 1

    assert (plain.woken, strong.woken) == (False, True)


def test_a_wake_of_all_reaches_as_many_of_each_kind() -> None:
    waiters = Waiters()
    plain = [waiters.join("ns", ["a"]) for _ in range(2)]
    strong = [waiters.join("ns", ["a"], ["gpu"]) for _ in range(2)]
    elsewhere = waiters.join("ns", ["b"], ["gpu"])

    waiters.wake_all("ns", "a")

    assert [waiter.woken for waiter in plain + strong] == [True, False, True, False]
    assert not elsewhere.woken


def test_a_wake_before_the_sleep_is_not_lost() -> None:
    waiters = Waiters()
    with waiters.join("ns", ["a"]) as waiter:
        waiters.wake(("ns", "a", ""))
        begun = time.monotonic()

        assert waiter.sleep(20)

        assert time.monotonic() - begun < 5
        assert not waiter.woken


def test_a_wake_that_nobody_here_needs_any_more_is_handed_on() -> None:
    handed_on: list[WaitKey] = []
    waiters = Waiters(hand_on=handed_on.append)
    first, second = waiters.join("ns", ["a", "b"]), waiters.join("ns", ["b"])
    waiters.wake(("ns", "b", ""))

    waiters.leave(first)
    assert second.woken
    waiters.leave(second)

    assert handed_on == [("ns", "b", "")]


def test_a_wake_that_was_followed_is_not_handed_on() -> None:
    handed_on: list[WaitKey] = []
    waiters = Waiters(hand_on=handed_on.append)
    with waiters.join("ns", ["a"]) as waiter:
        waiters.wake(("ns", "a", ""))
        waiter.sleep(1)

    assert handed_on == []


def test_a_sleep_that_nobody_ends_ends_by_itself() -> None:
    with Waiters().join("ns", ["a"]) as waiter:
        assert not waiter.sleep(0.01)


def test_a_wake_that_was_not_followed_is_handed_on() -> None:
    waiters = Waiters()
    with waiters.join("ns", ["a"]) as first, waiters.join("ns", ["a"]) as second:
        waiters.wake(("ns", "a", ""))
        assert (first.woken, second.woken) == (True, False)

        waiters.leave(first)

        assert second.woken


def test_who_has_left_is_woken_no_more_and_nothing_is_kept_of_them() -> None:
    waiters = Waiters()
    with waiters.join("ns", ["a", "b"]):
        assert sorted(waiters.keys()) == [("ns", "a", ""), ("ns", "b", "")]

    assert waiters.keys() == []
    assert waiters.wake(("ns", "a", "")) == 0


def test_the_store_is_asked_to_listen_whenever_a_wait_begins() -> None:
    asked: list[Sequence[WaitKey]] = []
    waiters = Waiters(asked.append)

    waiters.join("ns", ["a"])
    waiters.join("ns", ["b", "c"])

    assert asked == [[("ns", "a", "")], [("ns", "b", ""), ("ns", "c", "")]]


def test_closing_wakes_everybody_for_good() -> None:
    waiters = Waiters()
    woken: list[bool] = []

    def wait() -> None:
        with waiters.join("ns", ["a"]) as waiter:
            woken.append(waiter.sleep(20))
            woken.append(waiter.sleep(20))

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    while not waiters.keys():
        time.sleep(0.001)
    waiters.close()
    for thread in threads:
        thread.join(5)

    assert woken == [True] * 6
    assert waiters.closed


def test_a_wait_that_begins_after_the_closing_is_over_at_once() -> None:
    waiters = Waiters()
    waiters.close()
    begun = time.monotonic()

    with waiters.join("ns", ["a"]) as waiter:
        assert waiter.sleep(20)

    assert time.monotonic() - begun < 5


def test_pops_that_began_to_wait_together_do_not_look_again_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LOOK_AGAIN_SECONDS", 1.0)
    looks: list[float] = []
    with SQLiteBackend(f"sqlite:///{tmp_path}/jobs.db") as backend, ThreadPoolExecutor(20) as threads:
        namespace = backend.namespace("crowded")
        assert isinstance(namespace, StoreNamespace)
        look = namespace._pop

        def noted(pop: Pop, wait_left: float) -> Popped:
            looks.append(time.monotonic())
            return look(pop, wait_left)

        monkeypatch.setattr(namespace, "_pop", noted)
        for number in range(20):
            threads.submit(namespace.pop, ["fetch"], f"worker-{number}", wait=2)

    again = sorted(looks)[20:40]
    assert again[-1] - again[0] > 0.2


def test_a_host_whose_clock_is_ahead_of_the_stores_does_not_ask_on_and_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Pop] = []
    with SQLiteBackend(f"sqlite:///{tmp_path}/jobs.db") as backend:
        namespace = backend.namespace("ahead")
        assert isinstance(namespace, StoreNamespace)
        namespace.put([NewJob("Crawl", queue="fetch", delay=60)])
        look = namespace._pop

        def noted(pop: Pop, wait_left: float) -> Popped:
            looks.append(pop)
            return look(pop, wait_left)

        monkeypatch.setattr(namespace, "_pop", noted)
        monkeypatch.setattr(namespace, "_now", lambda: time.time() + 3600)
        namespace.pop(["fetch"], "ann", wait=1)

    assert 2 <= len(looks) <= 30


def test_pops_that_wait_for_one_due_job_look_for_it_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    with SQLiteBackend(f"sqlite:///{tmp_path}/jobs.db") as backend, ThreadPoolExecutor(40) as threads:
        namespace = backend.namespace("crowded")
        assert isinstance(namespace, StoreNamespace)
        namespace.put([NewJob("Crawl", queue="fetch", delay=0.7)])
        due = time.monotonic() + 0.7
        look = namespace._pop

        def noted(pop: Pop, wait_left: float) -> Popped:
            looks.append(time.monotonic() - due)
            return look(pop, wait_left)

        monkeypatch.setattr(namespace, "_pop", noted)
        for number in range(40):
            threads.submit(namespace.pop, ["fetch"], f"worker-{number}", wait=1.0)

    [first, *_, last] = sorted(at for at in looks if -0.1 < at < 0.25)
    assert first < 0.1
    assert last - first > 0.1


def test_a_lookup_that_waits_looks_soon_at_first_and_then_ever_more_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    with SQLiteBackend(f"sqlite:///{tmp_path}/jobs.db") as backend:
        namespace = backend.namespace("patient")
        assert isinstance(namespace, StoreNamespace)
        namespace.put([NewJob("Crawl", queue="fetch", jid="a")])
        look = namespace._get

        def noted(jids: Sequence[str]) -> list[Job | None]:
            looks.append(time.monotonic())
            return look(jids)

        monkeypatch.setattr(namespace, "_get", noted)
        namespace.get(["a"], wait=1)

    assert 5 <= len(looks) <= 50
    assert looks[-2] - looks[-3] > looks[1] - looks[0]


def test_a_lookup_that_waits_ends_when_its_backend_is_closed(tmp_path: Path) -> None:
    with SQLiteBackend(f"sqlite:///{tmp_path}/jobs.db") as backend, ThreadPoolExecutor(1) as threads:
        namespace = backend.namespace("closed")
        namespace.put([NewJob("Crawl", queue="fetch", jid="a")])
        begun = time.monotonic()
        waiting = threads.submit(namespace.get, ["a"], wait=20)
        time.sleep(0.1)
        backend.close()

        waiting.exception(10)

    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("wish", ["stop", "quiet no more"])
def test_a_quiet_worker_that_rests_hears_what_it_is_asked_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wish: str
) -> None:
    monkeypatch.setattr(patience, "LOOK_AGAIN_SECONDS", 0.1)
    monkeypatch.setattr(patience, "SELDOM_SECONDS", 0.05)
    with SQLiteBackend(f"sqlite:///{tmp_path}/jobs.db") as backend, ThreadPoolExecutor(1) as threads:
        namespace = backend.namespace("quiet")
        namespace.put([NewJob("Crawl", queue="fetch", jid="a")])
        namespace.pop(["other"], "ann")
        namespace.quiet("ann")
        waiting = threads.submit(namespace.pop, ["fetch"], "ann", wait=20)
        time.sleep(0.2)
        assert not waiting.done()
        if wish == "stop":
            namespace.stop("ann")
        else:
            namespace.quiet("ann", on=False)

        popped = waiting.result(5)

    assert (popped.stop, len(popped)) == ((True, 0) if wish == "stop" else (False, 1))

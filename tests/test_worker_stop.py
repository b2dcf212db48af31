"""A worker that is told to stop finishes what it can, and gives the rest back unharmed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from workers import WatchedBackend, events_of, until, working

from qless_flask.client import Client, LeasedJob, ReleaseJob, job
from qless_flask.testing import ModelBackend
from qless_flask.worker import Worker, WorkSettings


@pytest.fixture
def client() -> Client:
    return Client(ModelBackend())


@contextmanager
def busy(
    client: Client, function: Callable[[LeasedJob], object], settings: WorkSettings
) -> Iterator[tuple[Worker, threading.Thread]]:
    """Have a worker at a job of queue `fetch`."""
    client.queues["fetch"].put("Crawl", jid="home", retries=3)
    worker = Worker(client, ["fetch"], [job("Crawl")(function)], settings)
    with working(worker) as thread:
        until(lambda: client.jobs["home"].state == "running")
        yield worker, thread


def test_what_runs_is_finished_and_nothing_new_begun(client: Client) -> None:
    go_on = threading.Event()

    with busy(client, lambda job: go_on.wait(10), WorkSettings(grace=10)) as (worker, thread):
        waiting = client.queues["fetch"].put("Crawl")
        worker.stop()
        thread.join(0.1)
        assert thread.is_alive()
        go_on.set()
        thread.join(5)
        assert not thread.is_alive()

    assert client.jobs["home"].state == "complete"
    assert waiting.get().state == "waiting"


def test_an_idle_worker_stops_when_its_poll_ends(client: Client) -> None:
    worker = Worker(client, ["fetch"], [], WorkSettings(poll=0.1, grace=10))

    with working(worker) as thread:
        until(lambda: list(client.workers))
        worker.stop()
        thread.join(1)
        assert not thread.is_alive()


def test_jobs_that_a_poll_brings_after_the_stop_are_given_back(client: Client) -> None:
    watched = WatchedBackend(client.backend)
    ran: list[str] = []
    crawl = job("Crawl")(lambda job: ran.append(job.jid))
    worker = Worker(Client(watched), ["fetch"], [crawl], WorkSettings(poll=1, grace=10))

    with working(worker) as thread:
        until(lambda: watched.calls["exchange"])
        worker.stop()
        until(lambda: worker.stopping)
        handle = client.queues["fetch"].put("Crawl")
        thread.join(5)

    assert ran == []
    assert events_of(client, handle.jid)[-1] in ("released", "put")
    assert handle.get().state == "waiting"


def test_what_does_not_finish_within_the_grace_is_given_back_unharmed(client: Client) -> None:
    interrupted: list[BaseException] = []

    def crawl(job: LeasedJob) -> None:
        try:
            while True:
                time.sleep(0.001)
        except ReleaseJob as error:
            interrupted.append(error)
            raise

    with busy(client, crawl, WorkSettings(grace=0.1)) as (worker, thread):
        worker.stop()
        thread.join(5)
        assert not thread.is_alive()

    assert len(interrupted) == 1
    after = client.jobs["home"].get()
    assert (after.state, after.remaining, after.losses) == ("waiting", 3, 0)
    assert events_of(client, "home") == ["put", "popped", "released"]


def test_what_cannot_be_interrupted_is_given_back_too(client: Client) -> None:
    watched = WatchedBackend(client.backend)
    end = threading.Event()
    threads: list[threading.Thread] = []

    def crawl(job: LeasedJob) -> None:
        threads.append(threading.current_thread())
        # One long call in C, from which no exception calls it back.
        end.wait(10)

    with busy(Client(watched), crawl, WorkSettings(grace=0.1)) as (worker, thread):
        worker.stop()
        thread.join(5)
        assert not thread.is_alive()
        assert events_of(client, "home") == ["put", "popped", "released"]

    settles = watched.calls["settle"]
    end.set()
    threads[0].join(5)
    assert not threads[0].is_alive()
    # How it ended after all is nobody's concern any more.
    assert watched.calls["settle"] == settles


def test_an_async_job_is_canceled_and_given_back(client: Client) -> None:
    async def crawl(job: LeasedJob) -> None:
        await asyncio.sleep(60)

    with busy(client, crawl, WorkSettings(grace=0.1)) as (worker, thread):
        worker.stop()
        thread.join(5)
        assert not thread.is_alive()

    after = client.jobs["home"].get()
    assert (after.state, after.remaining, after.losses) == ("waiting", 3, 0)


def test_a_second_signal_stops_at_once(client: Client) -> None:
    with busy(client, lambda job: threading.Event().wait(60), WorkSettings(grace=60)) as (worker, thread):
        worker.signal()
        thread.join(0.2)
        assert thread.is_alive()
        worker.signal()
        thread.join(3)
        assert not thread.is_alive()

    assert events_of(client, "home") == ["put", "popped", "released"]


def test_stopping_twice_by_call_is_stopping_once(client: Client) -> None:
    go_on = threading.Event()

    with busy(client, lambda job: go_on.wait(10), WorkSettings(grace=60)) as (worker, thread):
        worker.stop()
        worker.stop()
        thread.join(0.2)
        assert thread.is_alive()
        go_on.set()

    assert client.jobs["home"].state == "complete"


def test_leases_are_kept_alive_through_the_grace(client: Client) -> None:
    client.queues["fetch"].configure(heartbeat=0.2)

    def crawl(job: LeasedJob) -> None:
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            time.sleep(0.01)
            client.namespace.promote()

    with busy(client, crawl, WorkSettings(grace=10, poll=0.1)) as (worker, thread):
        worker.stop()
        thread.join(5)

    assert events_of(client, "home") == ["put", "popped", "completed"]


def test_a_store_that_does_not_answer_cannot_hold_the_stop_up(client: Client) -> None:
    watched = WatchedBackend(client.backend)
    client.queues["fetch"].put("Crawl", jid="home")

    def crawl(job: LeasedJob) -> None:
        watched.cut = True

    worker = Worker(Client(watched), ["fetch"], [job("Crawl")(crawl)], WorkSettings(grace=0.3, poll=0.1))
    with working(worker) as thread:
        until(lambda: watched.cut)
        worker.stop()
        thread.join(5)
        assert not thread.is_alive()

    assert client.jobs["home"].state == "running"


def test_no_job_is_lost_to_a_poll_that_outlives_the_grace(client: Client) -> None:
    watched = WatchedBackend(client.backend)
    crawl = job("Crawl")(lambda job: None)
    worker = Worker(Client(watched), ["fetch"], [crawl], WorkSettings(poll=1.5, grace=0))

    with working(worker) as thread:
        until(lambda: watched.calls["exchange"])
        worker.stop()
        thread.join(0.8)
        assert thread.is_alive()
        handle = client.queues["fetch"].put("Crawl")
        thread.join(5)
        assert not thread.is_alive()

    assert handle.get().state == "waiting"

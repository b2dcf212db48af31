"""A worker that its server lets in no longer, or takes no more requests from: nothing is lost by that which need be."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from werkzeug.serving import make_server
from workers import PATIENCE_SECONDS, WatchedBackend, events_of, until, working

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend
from qless_flask.backends.http import HTTPBackend
from qless_flask.backends.tokens import Tokens
from qless_flask.client import Client, LeasedJob, job
from qless_flask.errors import BackendUnavailable, Forbidden, QlessError, RateLimited, Unauthenticated
from qless_flask.testing import ModelBackend
from qless_flask.web import create_app
from qless_flask.worker import Worker, WorkerOptions, WorkSettings, outage
from qless_flask.worker.child import ChildOrder

REFUSED = Unauthenticated("this token was revoked")


@pytest.fixture
def watched() -> WatchedBackend:
    return WatchedBackend(ModelBackend())


@pytest.fixture
def client(watched: WatchedBackend) -> Client:
    """A client that sees the store whatever the worker's server says."""
    return Client(watched.inner)


def worker_at(backend: Backend, function: object, name: str | None = None, **settings: object) -> Worker:
    crawl = job("Crawl")(function)  # type: ignore[arg-type]
    chosen = WorkSettings(**{"poll": 0.05, **settings})  # type: ignore[arg-type]
    return Worker(Client(backend), ["fetch"], [crawl], chosen, name=name)


@contextmanager
def refused(worker: Worker) -> Iterator[threading.Thread]:
    """Run a worker that ends because it is let in no longer."""
    try:
        with working(worker) as thread:
            yield thread
    except Unauthenticated:
        return
    raise AssertionError("it ended, and not because it is let in no longer")


@pytest.mark.parametrize("refusal", [REFUSED, Forbidden(subject="pop"), RateLimited()])
def test_a_worker_goes_on_when_it_is_let_in_again(
    watched: WatchedBackend, client: Client, caplog: pytest.LogCaptureFixture, refusal: QlessError
) -> None:
    caplog.set_level(logging.WARNING, "qless_flask.worker")
    with working(worker_at(watched, lambda job: None, threads=3)):
        until(lambda: list(client.workers))
        watched.refusal = refusal
        calls = watched.calls["exchange"]
        until(lambda: watched.calls["exchange"] >= calls + 2)
        handle = client.queues["fetch"].put("Crawl")
        until(lambda: watched.calls["exchange"] >= calls + 4)
        assert handle.get().state == "waiting"

        watched.refusal = None
        until(lambda: handle.get().state == "complete")

    first, last = [record.getMessage() for record in caplog.records]
    assert refusal.message in first
    assert ("ends if that is not within 60 s" in first) == (not isinstance(refusal, RateLimited))
    assert last.startswith("the store answers again")


@pytest.mark.parametrize("refusal", [REFUSED, Forbidden(subject="pop")])
def test_one_that_is_let_in_no_longer_ends_after_a_while(
    watched: WatchedBackend,
    client: Client,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    refusal: QlessError,
) -> None:
    monkeypatch.setattr(outage, "REFUSED_SECONDS", 0.2)
    watched.refusal = refusal

    with pytest.raises(type(refusal)):
        worker_at(watched, lambda job: None, name="ann").run()

    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors == [f"worker ann ends: {refusal.message}"]


@pytest.mark.parametrize("fault", [BackendUnavailable("the line is cut"), RateLimited()])
def test_one_whose_store_is_away_or_busy_does_not_end(
    watched: WatchedBackend, client: Client, monkeypatch: pytest.MonkeyPatch, fault: QlessError
) -> None:
    monkeypatch.setattr(outage, "REFUSED_SECONDS", 0.0)
    with working(worker_at(watched, lambda job: None)):
        until(lambda: list(client.workers))
        watched.refusal = fault
        calls = watched.calls["exchange"]
        until(lambda: watched.calls["exchange"] >= calls + 4)
        watched.refusal = None

        handle = client.queues["fetch"].put("Crawl")

        until(lambda: handle.get().state == "complete")


def test_an_outage_between_two_refusals_makes_them_no_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    seen = outage.Outage()

    seen.met(REFUSED)
    now += 50
    seen.met(BackendUnavailable())
    now += 50
    seen.met(REFUSED)
    assert seen.refusal is None
    now += 59
    assert seen.refusal is None
    now += 1

    assert seen.refusal is REFUSED


@pytest.mark.parametrize("refusal", [REFUSED, Forbidden(subject="settle"), RateLimited()])
def test_what_ends_meanwhile_is_settled_as_it_ended(
    watched: WatchedBackend, client: Client, refusal: QlessError
) -> None:
    go = threading.Event()

    def crawl(job: LeasedJob) -> str:
        assert go.wait(PATIENCE_SECONDS)
        return "done"

    handle = client.queues["fetch"].put("Crawl")
    with working(worker_at(watched, crawl)):
        until(lambda: handle.get().state == "running")
        # One more, and who takes it for a fault of what is settled would have another word for how it ended.
        watched.refusal, watched.refusals = refusal, 2
        go.set()
        until(lambda: handle.get().state == "complete")

    assert handle.result == "done"
    assert events_of(client, handle.jid) == ["put", "popped", "completed"]


def test_what_runs_when_it_ends_has_its_grace_in_which_it_may_be_let_in_again(
    watched: WatchedBackend, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "REFUSED_SECONDS", 0.0)
    client.queues["fetch"].configure(heartbeat=0.3)
    go = threading.Event()
    handle = client.queues["fetch"].put("Crawl")
    worker = worker_at(watched, lambda job: go.wait(PATIENCE_SECONDS), grace=PATIENCE_SECONDS)

    with refused(worker):
        until(lambda: handle.get().state == "running")
        # Its heartbeats are refused first, for its only thread is busy.
        watched.refusal = REFUSED
        until(lambda: worker.stopping)
        watched.refusal = None
        go.set()
        until(lambda: handle.get().state == "complete")


def test_what_does_not_end_within_its_grace_is_left_to_be_lost(
    watched: WatchedBackend, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(outage, "REFUSED_SECONDS", 0.0)
    client.queues["fetch"].configure(heartbeat=0.3)
    handle = client.queues["fetch"].put("Crawl")

    def crawl(job: LeasedJob) -> None:
        while True:
            job.check()

    with refused(worker_at(watched, crawl, grace=0.1)) as thread:
        until(lambda: handle.get().state == "running")
        watched.refusal = REFUSED
        thread.join(PATIENCE_SECONDS)

    assert "1 jobs could not be given back, and will be lost" in caplog.text


# With a server and its tokens


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/jobs.db?synchronous=off"


@pytest.fixture
def store(url: str) -> Iterator[Client]:
    with open_backend(url) as backend:
        yield Client(backend)


@pytest.fixture
def tokens(store: Client) -> Tokens:
    return Tokens(store.backend)


def over_http(store: Client, token: str) -> HTTPBackend:
    return HTTPBackend(
        "http://localhost", token=token, transport=httpx.WSGITransport(create_app(backend=store.backend))
    )


def test_the_role_of_a_worker_is_all_that_a_worker_needs(store: Client, tokens: Tokens) -> None:
    token = tokens.create("worker", ["default"]).text
    handle = store.queues["fetch"].put("Crawl")

    def crawl(job: LeasedJob) -> str:
        job.progress("half")
        job.log("a line")
        return "done"

    with working(worker_at(over_http(store, token), crawl)):
        until(lambda: handle.get().state == "complete")


@pytest.mark.parametrize("role", ["viewer", "producer"])
def test_a_lesser_role_is_told_so(
    store: Client, tokens: Tokens, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, role: str
) -> None:
    monkeypatch.setattr(outage, "REFUSED_SECONDS", 0.1)
    token = tokens.create(role, ["default"]).text  # type: ignore[arg-type]

    with pytest.raises(Forbidden):
        worker_at(over_http(store, token), lambda job: None).run()

    assert "the server does not let this worker in (" in caplog.text


@pytest.mark.parametrize(("wish", "told"), [("quiet", "to be quiet"), ("stop", "to end")])
def test_a_namesake_that_an_operator_had_asked_stays_asked(
    store: Client, tokens: Tokens, caplog: pytest.LogCaptureFixture, wish: str, told: str
) -> None:
    store.namespace.pop(["fetch"], "ann")
    getattr(store.namespace, wish)("ann")
    token = tokens.create("worker", ["default"]).text
    worker = worker_at(over_http(store, token), lambda job: None, name="ann")

    with working(worker):
        until(lambda: worker.quiet or worker.asked_to_end)

    assert f"worker ann was asked {told} before it began: start it under another name" in caplog.text


# The pool


@pytest.fixture
def server(url: str) -> Iterator[str]:
    with ExitStack() as stack:
        app = create_app(url)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        stack.callback(app.extensions["qless_flask"].close)
        stack.callback(thread.join, PATIENCE_SECONDS)
        stack.callback(server.shutdown)
        yield f"http://127.0.0.1:{server.port}"


JOBS = """
import qless_flask.worker.outage as outage
from qless_flask.client import job

outage.REFUSED_SECONDS = 0.5

@job("Crawl", queue="fetch")
def crawl(job):
    return "done"
"""


def started(server: str, folder: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    (folder / "crawling.py").write_text(JOBS)
    words = ("worker", "--url", server, "--queue", "fetch", "--import", "crawling", "--name", "ann", *options)
    return subprocess.Popen(
        [sys.executable, "-m", "qless_flask", *words],
        cwd=folder,
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("options", [(), ("--processes", "2"), ("--fork",)], ids=" ".join)
def test_a_pool_is_let_in_by_a_token_and_ends_when_it_is_let_in_no_longer(
    store: Client, tokens: Tokens, server: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    made = tokens.create("worker", ["default"])
    (tmp_path / "token").write_text(made.text)
    handle = store.queues["fetch"].put("Crawl")

    with started(server, tmp_path, "--token-file", "token", *options) as pool:
        until(lambda: handle.get().state == "complete")
        tokens.revoke(made.token.id)
        _, told = pool.communicate(timeout=60)

    assert pool.returncode == 1
    assert "the server does not let this worker in (" in told
    assert "ends: " in told
    assert made.text.rpartition("_")[2] not in told


def test_a_token_in_the_environment_is_shown_too(store: Client, tokens: Tokens, server: str, tmp_path: Path) -> None:
    token = tokens.create("worker", ["default"]).text
    handle = store.queues["fetch"].put("Crawl")

    with started(server, tmp_path, QLESS_TOKEN=token) as pool:
        until(lambda: handle.get().state == "complete")
        pool.terminate()
        pool.communicate(timeout=60)

    assert pool.returncode == 0


def test_a_token_that_cannot_be_one_keeps_it_from_starting(server: str, tmp_path: Path) -> None:
    with started(server, tmp_path, QLESS_TOKEN="a b") as pool:
        _, told = pool.communicate(timeout=60)

    assert pool.returncode == 2
    assert "token: must be one word" in told


@pytest.mark.parametrize("token", ["qless_1_secret", Path("here/token"), None])
def test_what_a_pool_tells_its_processes_shows_it_to_nobody_else(token: str | Path | None) -> None:
    options = WorkerOptions("http://localhost", ("fetch",), ("jobs",), token=token)

    order = ChildOrder.decode(ChildOrder(options, "ann").encode())

    assert order.options.token == token
    assert type(order.options.token) is type(token)
    assert "secret" not in repr(order)

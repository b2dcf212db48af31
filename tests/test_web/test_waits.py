"""Long-polls: woken by puts, never in the way of short requests, and sent home when the server stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from flask import Flask
from werkzeug.serving import make_server

from qless_flask.backends import open_backend, tokens
from qless_flask.backends.base import Backend
from qless_flask.backends.http import HTTPBackend
from qless_flask.models import Beat, Complete, NewJob, Popped
from qless_flask.settings import Settings
from qless_flask.web import QlessFlask, create_app

PATIENCE = 20.0
AT_ONCE = 2.0
"""Far more than waking takes, far less than the waits: what passes it was not slept through."""


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve an app on a socket, in as many threads as there are requests."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    vars(server)["daemon_threads"] = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    """A SQLite store that goes by the real clock."""
    with open_backend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off") as backend:
        yield backend


@pytest.fixture
def url(backend: Backend) -> Iterator[str]:
    """A server with two places to wait in."""
    with serving(create_app(backend=backend, settings=Settings(max_waits=2))) as url:
        yield url


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads to wait in."""
    with ThreadPoolExecutor(8) as threads:
        yield threads


def poll(url: str, wait: float = 30, worker: str = "ann") -> httpx.Response:
    address = f"{url}/api/v1/namespaces/crawl/queues/fetch/pop"
    return httpx.post(address, json={"worker": worker, "wait": wait}, timeout=60)


def until(true: Callable[[], bool]) -> None:
    """Wait for something to come true, or fail."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def until_known(backend: Backend, *names: str) -> None:
    """Wait until these workers have popped."""
    namespace = backend.namespace("crawl")
    until(lambda: {worker.name for worker in namespace.workers()} >= set(names))


def test_a_poll_is_woken_by_a_put(url: str, backend: Backend, threads: ThreadPoolExecutor) -> None:
    waiting = threads.submit(poll, url)
    until_known(backend, "ann")

    began = time.monotonic()
    httpx.post(f"{url}/api/v1/namespaces/crawl/queues/fetch/jobs", json={"klass": "Crawl", "jid": "one"})
    answer = waiting.result(PATIENCE)

    assert [job["jid"] for job in answer.json()["jobs"]] == ["one"]
    assert time.monotonic() - began < AT_ONCE


def test_polls_beyond_the_places_are_answered_early_and_empty(
    url: str, backend: Backend, threads: ThreadPoolExecutor
) -> None:
    waiting = [threads.submit(poll, url, 30, worker) for worker in ("ann", "bob")]
    until_known(backend, "ann", "bob")

    began = time.monotonic()
    third = poll(url, 30, "cyd")

    assert (third.status_code, third.json()["jobs"]) == (200, [])
    assert third.headers["Retry-After"] == "1"
    assert time.monotonic() - began < AT_ONCE
    assert not any(each.done() for each in waiting)
    backend.namespace("crawl").put([NewJob("Crawl", queue="fetch")] * 2)
    assert [len(each.result(PATIENCE).json()["jobs"]) for each in waiting] == [1, 1]


def test_a_place_is_free_again_after_the_wait(url: str, backend: Backend, threads: ThreadPoolExecutor) -> None:
    for _ in range(3):
        poll(url, 0.01)

    waiting = threads.submit(poll, url, 30, "bob")
    until_known(backend, "bob")
    backend.namespace("crawl").put([NewJob("Crawl", queue="fetch")])

    assert len(waiting.result(PATIENCE).json()["jobs"]) == 1


def test_polls_for_events_wait_too(url: str, backend: Backend, threads: ThreadPoolExecutor) -> None:
    address = f"{url}/api/v1/namespaces/crawl/events?wait=30"
    waiting = threads.submit(httpx.get, address, timeout=60)

    backend.namespace("crawl").put([NewJob("Crawl", queue="fetch")])

    assert [event["event"] for event in waiting.result(PATIENCE).json()["events"]] == ["put"]


def test_a_filtered_poll_for_events_waits_for_one_that_matches(
    url: str, backend: Backend, threads: ThreadPoolExecutor
) -> None:
    address = f"{url}/api/v1/namespaces/crawl/events?wait=30&tag=x"
    waiting = threads.submit(httpx.get, address, timeout=60)

    backend.namespace("crawl").put([NewJob("Crawl", queue="fetch")])
    backend.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid="one", tags=("x",))])

    assert [event["jid"] for event in waiting.result(PATIENCE).json()["events"]] == ["one"]


def test_a_look_at_a_job_waits_for_its_end(url: str, backend: Backend, threads: ThreadPoolExecutor) -> None:
    namespace = backend.namespace("crawl")
    namespace.put([NewJob("Crawl", queue="fetch", jid="one")])
    waiting = threads.submit(httpx.get, f"{url}/api/v1/namespaces/crawl/jobs/one?wait=30", timeout=60)

    [lease] = namespace.pop(["fetch"], "ann")
    namespace.settle([Complete(lease, result="[1]")])

    job = waiting.result(PATIENCE).json()
    assert (job["state"], job["result"]) == ("complete", [1])


def test_a_look_without_a_place_to_wait_in_is_told_to_come_back(
    url: str, backend: Backend, threads: ThreadPoolExecutor
) -> None:
    backend.namespace("crawl").put([NewJob("Crawl", queue="parse", jid="one")])
    for worker in ("ann", "bob"):
        threads.submit(poll, url, 30, worker)
    until_known(backend, "ann", "bob")

    look = httpx.get(f"{url}/api/v1/namespaces/crawl/jobs/one?wait=30", timeout=60)

    assert (look.json()["state"], look.headers["Retry-After"]) == ("waiting", "1")
    backend.namespace("crawl").put([NewJob("Crawl", queue="fetch")] * 2)


def test_an_exchange_waits_too(url: str, backend: Backend, threads: ThreadPoolExecutor) -> None:
    address = f"{url}/api/v1/namespaces/crawl/exchange"
    body = {"settle": [], "pop": {"queues": ["fetch"], "worker": "ann", "wait": 30}}
    waiting = threads.submit(httpx.post, address, json=body, timeout=60)
    until_known(backend, "ann")

    backend.namespace("crawl").put([NewJob("Crawl", queue="fetch")])

    assert len(waiting.result(PATIENCE).json()["jobs"]) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("pop", {"queues": ["fetch"], "worker": "ann", "wait": 30}),
        ("exchange", {"settle": [], "pop": {"queues": ["fetch"], "worker": "ann", "wait": 30}}),
    ],
)
def test_who_is_shut_out_while_they_wait_is_given_nothing(
    path: str,
    body: dict[str, object],
    url: str,
    backend: Backend,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "SEEN_SECONDS", 0.0)
    made = tokens.Tokens(backend).create("worker", ["crawl"])
    headers = {"Authorization": f"Bearer {made.text}"}
    address = f"{url}/api/v1/namespaces/crawl/{path}"
    waiting = threads.submit(httpx.post, address, json=body, headers=headers, timeout=60)
    until_known(backend, "ann")

    tokens.Tokens(backend).revoke(made.token.id)
    backend.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid="one")])
    answer = waiting.result(PATIENCE)

    [job] = backend.namespace("crawl").get(["one"])
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert job is not None
    assert (job.state, job.losses, job.remaining) == ("waiting", 0, 5)


def test_a_server_of_one_thread_never_waits(backend: Backend) -> None:
    client = create_app(backend=backend).test_client()
    path = "/api/v1/namespaces/crawl/queues/fetch/pop"

    began = time.monotonic()
    answer = client.post(path, json={"worker": "ann", "wait": 30}, environ_overrides={"wsgi.multithread": False})

    assert answer.get_json()["jobs"] == []
    assert time.monotonic() - began < AT_ONCE


def test_closing_the_extension_sends_polls_home_for_good(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    app = Flask("host")
    qless = QlessFlask(app, url=f"sqlite:///{tmp_path}/jobs.db", url_prefix="")
    with serving(app) as url:
        waiting = threads.submit(poll, url)
        until_known(qless.backend, "ann")

        qless.close()
        again = threads.submit(poll, url)

        assert waiting.result(AT_ONCE).json()["jobs"] == []
        assert again.result(AT_ONCE).json()["jobs"] == []
    qless.close()


class TestTheHTTPBackend:
    def test_its_pop_is_woken_by_a_put_from_elsewhere(
        self, url: str, backend: Backend, threads: ThreadPoolExecutor
    ) -> None:
        with HTTPBackend(url) as ours:
            waiting: Future[Popped] = threads.submit(ours.namespace("crawl").pop, ["fetch"], "ann", wait=30)
            until_known(backend, "ann")

            began = time.monotonic()
            ours.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid="one")])
            popped = waiting.result(PATIENCE)

            assert [lease.jid for lease in popped] == ["one"]
            assert time.monotonic() - began < AT_ONCE

    def test_without_a_place_to_wait_in_it_asks_again_until_there_is_a_job(
        self, url: str, backend: Backend, threads: ThreadPoolExecutor
    ) -> None:
        with ExitStack() as stack:
            ours = stack.enter_context(HTTPBackend(url))
            workers = ["ann", "bob", "cyd", "dan"]
            waiting = [threads.submit(ours.namespace("crawl").pop, ["fetch"], worker, wait=30) for worker in workers]
            until_known(backend, *workers)

            backend.namespace("crawl").put([NewJob("Crawl", queue="fetch") for _ in workers])

            assert [len(each.result(PATIENCE)) for each in waiting] == [1, 1, 1, 1]

    def test_closing_it_ends_a_wait_on_a_socket(self, url: str, backend: Backend, threads: ThreadPoolExecutor) -> None:
        ours = HTTPBackend(url)
        waiting = threads.submit(ours.namespace("crawl").pop, ["fetch"], "ann", wait=30)
        until_known(backend, "ann")

        ours.close()

        assert len(waiting.result(AT_ONCE)) == 0
        backend.close()

    def test_heartbeats_go_through_while_pops_wait(
        self, url: str, backend: Backend, threads: ThreadPoolExecutor
    ) -> None:
        with HTTPBackend(url) as ours:
            namespace = ours.namespace("crawl")
            namespace.put([NewJob("Crawl", queue="parse")])
            [lease] = namespace.pop(["parse"], "ann")
            for worker in ("ann", "bob", "cyd"):
                threads.submit(namespace.pop, ["fetch"], worker, wait=30)
            until_known(backend, "ann", "bob", "cyd")

            began = time.monotonic()
            [renewed] = namespace.heartbeat([Beat(lease)])

            assert time.monotonic() - began < AT_ONCE
            assert not isinstance(renewed, Exception)
        backend.close()

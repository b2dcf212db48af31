"""The strategy, the policy and the tracker, at work."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType

import pytest
import qless_polite
from flask.testing import FlaskClient
from qless_polite import RetryAfter

from qless_flask import Client, FailJob, LeasedJob, job
from qless_flask.backends.base import Backend, Namespace
from qless_flask.models import Backoff, NewJob, Retry
from qless_flask.testing import ManualClock, build_failure, build_job, drain


@pytest.fixture
def qless_plugins() -> list[ModuleType]:
    return [qless_polite]


def after(message: str, strategy: RetryAfter | None = None, *, group: str = "http-503") -> float | Backoff | None:
    failure = build_failure(message, group=group, at=1_800_000_000.0)
    return (strategy or RetryAfter()).next_delay(build_job(), failure, 1)


class TestRetryAfterAlone:
    def test_seconds_are_waited(self) -> None:
        assert after("HTTP 503\nRetry-After: 120") == 120

    def test_the_header_may_be_spelt_in_any_way(self) -> None:
        assert after("retry-after:7\r\n") == 7

    def test_until_a_date_is_waited(self) -> None:
        assert after("Retry-After: Fri, 15 Jan 2027 08:01:00 GMT") == 60

    def test_a_date_that_has_passed_is_no_wait(self) -> None:
        assert after("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT") == 0

    def test_no_more_is_waited_than_we_are_willing_to(self) -> None:
        assert after("Retry-After: 86400", RetryAfter(most=600)) == 600

    def test_who_is_not_asked_to_wait_goes_by_another_back_off(self) -> None:
        assert after("HTTP 503") == Backoff()
        assert after("HTTP 503", RetryAfter(otherwise={"strategy": "fixed", "delay": 9})) == Backoff("fixed", 9)

    def test_what_is_gone_is_not_tried_again(self) -> None:
        assert after("HTTP 410\nRetry-After: 1", group="http-410") is None


def test_a_retry_waits_as_the_server_asked(qless_namespace: Namespace, qless_clock: ManualClock) -> None:
    qless_namespace.configure_namespace({"backoff": Backoff.of({"strategy": "retry_after"})})
    [put] = qless_namespace.put([NewJob("Crawl", queue="fetch")])
    [lease] = qless_namespace.pop(["fetch"], "ann")

    qless_namespace.settle([Retry(lease, message="HTTP 503\nRetry-After: 90")])

    [found] = qless_namespace.get([put.jid])
    assert found is not None
    assert (found.state, found.available_at) == ("scheduled", qless_clock() + 90)


class TestByHost:
    @pytest.fixture(autouse=True)
    def policy(self, qless_http: FlaskClient) -> None:
        policies = [{"name": "by_host", "avoid": ["example.org"]}]
        answer = qless_http.patch("/api/v1/namespaces/default/settings", json={"policies": policies})
        assert answer.status_code == 200, answer.json

    def test_jobs_count_by_host(self, qless_http: FlaskClient, qless_namespace: Namespace) -> None:
        body = {"klass": "Crawl", "jid": "a", "data": {"url": "http://www.example.com/"}}

        qless_http.post("/api/v1/namespaces/default/queues/fetch/jobs", json=body)

        [found] = qless_namespace.get(["a"])
        assert found is not None
        assert found.key == "www.example.com"

    def test_a_host_to_avoid_is_refused(self, qless_http: FlaskClient) -> None:
        body = {"klass": "Crawl", "data": {"url": "http://example.org/"}}

        answer = qless_http.post("/api/v1/namespaces/default/queues/fetch/jobs", json=body)

        assert answer.status_code == 422
        assert answer.get_json()["code"] == "REJECTED"
        assert "policy by_host" in answer.get_json()["detail"]


@job("Fall", queue="fetch", tags=("crawl",))
def fall(job: LeasedJob) -> None:
    """Give up."""
    raise FailJob("fallen")


class Room(HTTPServer):
    """A chat that keeps what is said, and is out of order at first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Ear)
        self.said: list[object] = []
        self.broken = 0


class Ear(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Room)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.broken -= 1
        if self.server.broken < 0:
            self.server.said.append(body)
        self.send_response(503 if self.server.broken >= 0 else 200)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def room() -> Iterator[Room]:
    with Room() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


class TestChat:
    @pytest.fixture(autouse=True)
    def tracker(self, qless_http: FlaskClient, room: Room) -> None:
        trackers = [{"name": "chat", "tags": ["crawl"], "url": f"http://127.0.0.1:{room.server_port}/hook"}]
        answer = qless_http.patch("/api/v1/namespaces/default/settings", json={"trackers": trackers})
        assert answer.status_code == 200, answer.json

    def test_failed_jobs_are_told(self, qless_backend: Backend, room: Room) -> None:
        handle = fall.put(client=Client(qless_backend))
        fall.put(client=Client(qless_backend), tags=("another",))

        drain(qless_backend, [fall])

        assert room.said == [{"text": f"Fall {handle.jid} failed in fetch (fallen)"}]

    def test_a_chat_that_is_down_is_told_later(
        self, qless_backend: Backend, qless_clock: ManualClock, room: Room
    ) -> None:
        room.broken = 2
        fall.put(client=Client(qless_backend))

        drain(qless_backend, [fall], clock=qless_clock, until=qless_clock() + 3600)

        assert len(room.said) == 1

    def test_its_address_is_shown_to_nobody(self, qless_http: FlaskClient) -> None:
        answer = qless_http.get("/api/v1/namespaces/default/settings")

        assert answer.get_json()["trackers"][0]["url"] == "********"

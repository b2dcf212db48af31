"""The token that the HTTP backend shows to a server: how it goes there, and that it goes nowhere else."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from servers import free_port
from werkzeug.serving import make_server

from qless_flask import Client, open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.http import HTTPBackend
from qless_flask.backends.http import transport as http_transport
from qless_flask.backends.tokens import Tokens
from qless_flask.errors import Forbidden, Invalid, QlessError, QuotaExceeded, RateLimited, Unauthenticated
from qless_flask.models import NewJob, Role
from qless_flask.web import create_app

CRAWL = NewJob("Crawl", queue="fetch", jid="one")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/jobs.db?synchronous=off"


@pytest.fixture
def store(url: str) -> Iterator[Backend]:
    with open_backend(url) as store:
        yield store


@pytest.fixture
def tokens(store: Backend) -> Tokens:
    return Tokens(store)


@pytest.fixture
def server(url: str) -> Iterator[str]:
    """A real server on the store, at this URL."""
    app = create_app(url)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(20)
    app.extensions["qless_flask"].close()


def made(tokens: Tokens, role: Role = "admin", namespace: str = "*") -> str:
    return tokens.create(role, [namespace]).text


class TestLetIn:
    def test_a_token_opens_a_server_that_asks_for_one(self, server: str, tokens: Tokens) -> None:
        token = made(tokens)

        with HTTPBackend(server, token=token) as backend, Client(server, "crawl", token=token) as client:
            client.put([CRAWL])

            assert backend.namespaces() == ["crawl"]

    def test_without_one_it_is_told_so(self, server: str, tokens: Tokens) -> None:
        made(tokens)

        backend = HTTPBackend(server)
        with backend:
            for call in (backend.namespaces, backend.namespace("crawl").queues, backend.plugin_report):
                with pytest.raises(Unauthenticated):
                    call()
            assert backend.ping()

    def test_what_its_role_may_not_do_is_forbidden_by_name(self, server: str, tokens: Tokens) -> None:
        with Client(server, token=made(tokens, "viewer")) as client, pytest.raises(Forbidden) as caught:
            client.put([CRAWL])

        assert caught.value.subject == "put"

    def test_another_namespace_is_forbidden(self, server: str, tokens: Tokens) -> None:
        with open_backend(server, token=made(tokens, namespace="mail")) as backend:
            assert backend.namespace("mail").queues() == []
            with pytest.raises(Forbidden):
                backend.namespace("crawl").queues()

    def test_a_store_asks_for_none(self, url: str, tokens: Tokens) -> None:
        with open_backend(url, token=made(tokens)) as backend:
            assert backend.namespaces() == []


class TestTokensInFiles:
    def test_one_is_read_from_a_file(self, server: str, tokens: Tokens, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text(f"{made(tokens)}\n")

        with open_backend(server, token=file) as backend:
            assert backend.namespaces() == []

    def test_one_that_was_replaced_is_read_again_when_it_is_refused(
        self, server: str, tokens: Tokens, tmp_path: Path
    ) -> None:
        file = tmp_path / "token"
        first = tokens.create("producer", ["crawl"])
        file.write_text(first.text)
        with open_backend(server, token=file) as backend:
            backend.namespace("crawl").put([CRAWL])
            file.write_text(made(tokens, "producer", "crawl"))
            tokens.revoke(first.token.id)
            wait_until_refused(server, first.text)

            # What could not be done twice is asked for again too: a refusal has done nothing.
            [put] = backend.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid="two")])

        assert put.created

    def test_one_that_is_the_same_still_is_not_shown_twice(self, tmp_path: Path) -> None:
        seen: list[str] = []
        (tmp_path / "token").write_text("old")

        with pytest.raises(Unauthenticated):
            answered(refusing(seen), token=tmp_path / "token").queues()

        assert seen == ["Bearer old"]

    @pytest.mark.parametrize(
        "spoil", [Path.unlink, lambda file: file.write_text(""), lambda file: file.write_text("a b")]
    )
    def test_a_file_that_is_spoilt_meanwhile_leaves_it_refused(
        self, tmp_path: Path, spoil: Callable[[Path], object]
    ) -> None:
        file = tmp_path / "token"
        file.write_text("old")
        seen: list[str] = []
        namespace = answered(refusing(seen), token=file)

        spoil(file)
        with pytest.raises(Unauthenticated):
            namespace.queues()
        file.write_text("new")
        with pytest.raises(Unauthenticated):
            namespace.queues()

        assert seen == ["Bearer old", "Bearer old", "Bearer new"]

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(Invalid, match=r"none: No such file") as caught:
            HTTPBackend("http://localhost", token=tmp_path / "none")

        assert set(caught.value.fields) == {"token"}


class TestSecrecy:
    def test_it_stands_in_no_log_error_or_repr(
        self, server: str, tokens: Tokens, caplog: pytest.LogCaptureFixture
    ) -> None:
        token = made(tokens, "viewer")
        told: list[str] = []
        caplog.set_level(logging.DEBUG)

        with open_backend(server, token=token) as backend:
            namespace = backend.namespace("crawl")
            for call in (lambda: namespace.put([CRAWL]), lambda: namespace.lines("none"), namespace.queues):
                try:
                    call()
                except QlessError:
                    told.append(traceback.format_exc())
            told += [repr(backend), repr(namespace), str(vars(backend)), repr(vars(backend)["_transport"])]
        with open_backend(f"http://127.0.0.1:{free_port()}", token=token) as nobody:
            try:
                nobody.ping()
            except QlessError:
                told.append(traceback.format_exc())

        assert len(told) == 7
        assert "receive_response_headers" in caplog.text
        secret = token.rpartition("_")[2]
        assert not [text for text in (*told, caplog.text) if secret in text]

    @pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "schlüssel", "x" * 8000, 7])
    def test_what_can_be_no_token_is_refused_and_not_repeated(self, token: Any) -> None:
        with pytest.raises(Invalid) as caught:
            HTTPBackend("http://localhost", token=token)

        assert set(caught.value.fields) == {"token"}
        assert not token or str(token) not in str(caught.value)

    def test_it_does_not_follow_to_another_server(self) -> None:
        seen: list[httpx.URL] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request.url)
            return httpx.Response(307, headers={"Location": "http://elsewhere/"})

        with pytest.raises(QlessError):
            answered(answer, token="secret").queues()

        assert [each.host for each in seen] == ["localhost"]

    @pytest.mark.parametrize(
        ("url", "warned"),
        [
            ("http://queues.example", True),
            ("http://192.0.2.7:5000/qless", True),
            ("https://queues.example", False),
            ("http://localhost:5000", False),
            ("http://127.0.0.2", False),
            ("http://[::1]:5000", False),
        ],
    )
    def test_it_warns_once_of_a_line_that_others_can_read(
        self, caplog: pytest.LogCaptureFixture, url: str, warned: bool
    ) -> None:
        transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"queues": []}))

        with HTTPBackend(url, token="secret", transport=transport) as backend:
            backend.namespace("crawl").queues()
            backend.namespace("crawl").queues()
        with HTTPBackend(url, transport=transport) as without:
            without.namespace("crawl").queues()

        assert [url in record.getMessage() for record in caplog.records] == [True] * warned


class TestLogins:
    """Before a server there may be a proxy that asks for a user and a password."""

    def test_one_in_the_url_is_sent_and_never_shown(self) -> None:
        seen: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request.headers["Authorization"])
            return httpx.Response(502) if len(seen) == 1 else httpx.Response(404)

        url = "http://ann:s3cret@localhost/qless/"
        with pytest.raises(QlessError) as caught:
            HTTPBackend(url, transport=httpx.MockTransport(answer)).namespace("crawl").queues()

        assert seen == [httpx.BasicAuth("ann", "s3cret")._auth_header] * 2
        assert caught.value.message.startswith("http://localhost/qless/api/v1/")

    def test_one_beside_a_token_is_refused(self) -> None:
        with pytest.raises(Invalid, match="beside the user and password") as caught:
            HTTPBackend("http://ann:s3cret@localhost", token="secret")

        assert "s3cret" not in str(caught.value)

    def test_one_in_a_url_that_is_none_is_not_repeated(self) -> None:
        for url in ("http://ann:s3cret@localhost?x", "http://ann:s3cret@localhost:port"):
            with pytest.raises(Invalid) as caught:
                HTTPBackend(url)
            assert "s3cret" not in str(caught.value)


class TestRates:
    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http_transport, "FIRST_PAUSE_SECONDS", 0.001)

    def test_what_came_too_soon_is_sent_again_whatever_it_is(self, store: Backend) -> None:
        bodies: list[bytes] = []
        app = httpx.WSGITransport(create_app(backend=store))
        store.namespace("crawl").put([CRAWL])

        def answer(request: httpx.Request) -> httpx.Response:
            bodies.append(request.read())
            return too_soon() if len(bodies) < 10 else app.handle_request(request)

        # A lost answer to a move is not asked for again; a refusal is none.
        [moved] = answered(answer).move(["one"], "parse")

        assert not isinstance(moved, QlessError)
        assert moved.queue == "parse"
        assert len(bodies) == 10
        assert set(bodies) == {bodies[0]}

    def test_it_comes_back_no_sooner_than_it_was_told(self) -> None:
        times: list[float] = []

        def answer(request: httpx.Request) -> httpx.Response:
            times.append(time.monotonic())
            return too_soon("1") if len(times) == 1 else httpx.Response(200, json={"queues": []})

        answered(answer).queues()

        assert times[1] - times[0] >= 1

    def test_who_would_have_to_wait_for_long_hears_of_it_at_once(self) -> None:
        calls: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            calls.append(request)
            return too_soon("3600")

        with pytest.raises(RateLimited, match="wait 1 s"):
            answered(answer).queues()

        assert len(calls) == 1

    def test_patience_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http_transport, "RATE_PATIENCE_SECONDS", 0.05)

        with pytest.raises(RateLimited):
            answered(lambda request: too_soon()).queues()

    def test_closing_ends_the_wait(self) -> None:
        asked = threading.Event()
        raised: list[QlessError] = []

        def answer(request: httpx.Request) -> httpx.Response:
            asked.set()
            return too_soon("20")

        def ask() -> None:
            try:
                backend.namespace("crawl").queues()
            except QlessError as error:
                raised.append(error)

        backend = HTTPBackend("http://localhost", transport=httpx.MockTransport(answer))
        thread = threading.Thread(target=ask)
        thread.start()
        assert asked.wait(10)

        backend.close()
        thread.join(10)

        assert [type(error) for error in raised] == [RateLimited]

    def test_a_full_queue_is_another_thing(self, store: Backend) -> None:
        calls: list[httpx.Request] = []
        app = httpx.WSGITransport(create_app(backend=store))
        store.namespace("crawl").configure("fetch", {"max_size": 1})
        store.namespace("crawl").put([CRAWL])

        def answer(request: httpx.Request) -> httpx.Response:
            calls.append(request)
            return app.handle_request(request)

        with pytest.raises(QuotaExceeded):
            answered(answer).put([NewJob("Crawl", queue="fetch", jid="two")])

        assert len(calls) == 1


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthenticated), (403, Forbidden), (429, RateLimited)])
def test_what_a_proxy_refuses_in_its_own_words_is_the_same_error(
    monkeypatch: pytest.MonkeyPatch, status: int, kind: type[QlessError]
) -> None:
    monkeypatch.setattr(http_transport, "RATE_PATIENCE_SECONDS", 0.0)

    with pytest.raises(kind, match=rf"http://localhost/api/v1/.* answered {status}"):
        answered(lambda request: httpx.Response(status, text="<h1>No</h1>")).queues()


def answered(answer: Callable[[httpx.Request], httpx.Response], token: str | Path | None = None) -> Namespace:
    """Open a namespace on a server that answers as told."""
    return HTTPBackend("http://localhost", token=token, transport=httpx.MockTransport(answer)).namespace("crawl")


def refusing(seen: list[str]) -> Callable[[httpx.Request], httpx.Response]:
    """Refuse whoever asks, and note what they showed."""

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(401, json={"code": "UNAUTHENTICATED", "detail": "this token is not known"})

    return answer


def too_soon(after: str = "0") -> httpx.Response:
    problem = {"code": "RATE_LIMITED", "detail": "too many requests: wait 1 s"}
    return httpx.Response(429, json=problem, headers={"Retry-After": after})


def wait_until_refused(server: str, token: str) -> None:
    """Wait until the server has heard that a token is revoked."""
    deadline = time.monotonic() + 10
    with HTTPBackend(server, token=token) as backend:
        while time.monotonic() < deadline:
            try:
                backend.namespace("crawl").queues()
            except Unauthenticated:
                return
            time.sleep(0.05)
    raise AssertionError("it is never refused")

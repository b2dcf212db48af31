"""How many requests whoever asks may send: counted for each, refused with how long to wait."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from workers import until

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend
from qless_flask.backends.tokens import Tokens
from qless_flask.errors import RateLimited
from qless_flask.models import Identity
from qless_flask.settings import Settings
from qless_flask.web import create_app
from qless_flask.web.limits import Limits, window

SELDOM = 0.01
"""One request in 100 seconds: what comes next in a test is one too many."""
QUEUES = "/api/v1/namespaces/shop/queues"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Backend]:
    with open_backend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off") as backend:
        yield backend


def client_of(store: Backend, requests_per_second: float | None = None) -> FlaskClient:
    return create_app(backend=store, settings=Settings(requests_per_second=requests_per_second)).test_client()


def token(store: Backend, rate: float | None = None) -> str:
    return Tokens(store).create("viewer", ["shop"], rate=rate).text


def ask(client: FlaskClient, bearer: str | None = None, path: str = QUEUES) -> TestResponse:
    return client.get(path, headers={"Authorization": f"Bearer {bearer}"} if bearer else {})


class TestRequests:
    def test_one_too_many_is_refused_with_how_long_to_wait(self, store: Backend) -> None:
        client, bearer = client_of(store, SELDOM), token(store)

        first, second = ask(client, bearer), ask(client, bearer)

        assert first.status_code == 200
        assert (second.status_code, second.mimetype) == (429, "application/problem+json")
        assert second.get_json(force=True)["code"] == "RATE_LIMITED"
        assert 90 < int(second.headers["Retry-After"]) <= 100

    def test_a_token_has_its_own_rate_before_the_servers(self, store: Backend) -> None:
        client, often, seldom = client_of(store, SELDOM), token(store, 1_000), token(store, SELDOM)

        assert [ask(client, often).status_code for _ in range(5)] == [200] * 5
        assert [ask(client, seldom).status_code for _ in range(2)] == [200, 429]

    def test_nobody_pays_for_what_another_sends(self, store: Backend) -> None:
        client, one, other = client_of(store, SELDOM), token(store), token(store)

        assert [ask(client, each).status_code for each in (one, one, other, other)] == [200, 429, 200, 429]

    def test_it_may_go_on_after_a_while(self, store: Backend) -> None:
        client, bearer = client_of(store), token(store, 2)
        while ask(client, bearer).status_code == 200:
            pass

        until(lambda: ask(client, bearer).status_code == 200)

    def test_as_many_as_one_likes_unless_a_rate_is_set(self, store: Backend) -> None:
        client, bearer = client_of(store), token(store)

        assert {ask(client, bearer).status_code for _ in range(200)} == {200}

    def test_what_is_refused_has_done_nothing(self, store: Backend) -> None:
        client, bearer = client_of(store), Tokens(store).create("producer", ["shop"], rate=SELDOM).text
        answers = [
            client.post(
                f"{QUEUES}/fetch/jobs",
                json={"klass": "Crawl", "jid": jid},
                headers={"Authorization": f"Bearer {bearer}"},
            ).status_code
            for jid in ("a", "b")
        ]

        assert answers == [201, 429]
        assert store.namespace("shop").get(["a", "b"])[1] is None

    def test_addresses_that_ask_nobody_are_not_counted(self, store: Backend) -> None:
        client, bearer = client_of(store, SELDOM), token(store)

        assert [ask(client, bearer, "/healthz").status_code for _ in range(3)] == [200] * 3
        assert ask(client, bearer).status_code == 200

    def test_it_counts_where_nobody_is_asked_too(self, store: Backend) -> None:
        client = client_of(store, SELDOM)

        assert [ask(client).status_code for _ in range(2)] == [200, 429]

    def test_a_request_that_is_forbidden_counts(self, store: Backend) -> None:
        client, bearer = client_of(store, SELDOM), token(store)

        codes = [ask(client, bearer, "/api/v1/namespaces/other/queues").status_code for _ in range(2)]

        assert codes == [403, 429]


class TestCounting:
    @pytest.mark.parametrize(
        ("rate", "told"),
        [(1, (1, 1)), (100, (100, 1)), (2.5, (5, 2)), (0.5, (1, 2)), (0.01, (1, 100)), (10_000, (10_000, 1))],
    )
    def test_a_rate_is_so_many_in_so_many_whole_seconds(self, rate: float, told: tuple[int, int]) -> None:
        assert window(rate) == told

    @pytest.mark.parametrize("rate", [0.01, 0.013, 0.3, 0.999, 1.001, 7.77, 9_999.99])
    def test_any_rate_is_kept_to_within_a_tenth(self, rate: float) -> None:
        times, seconds = window(rate)

        assert 0.9 <= times / seconds / rate <= 1.3
        assert 1 <= seconds <= 100

    def test_many_at_once_are_as_many_as_the_rate_lets_through(self) -> None:
        limits, identity = Limits(None), Identity("ann", "viewer", rate=0.5)

        def passes(_: int) -> bool:
            try:
                limits.check(identity)
            except RateLimited:
                return False
            return True

        with ThreadPoolExecutor(16) as threads:
            assert sum(threads.map(passes, range(200))) == 1

    def test_a_name_is_no_token_that_is_called_so(self) -> None:
        limits = Limits(SELDOM)

        limits.check(Identity("a1b2", "viewer"))
        limits.check(Identity("deploy", "viewer", token="a1b2"))

        with pytest.raises(RateLimited):
            limits.check(Identity("a1b2", "viewer"))

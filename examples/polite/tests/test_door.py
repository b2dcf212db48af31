"""The door of the house: who the company's proxy has let in is known, and nobody else."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from qless_polite.door import Door
from werkzeug.middleware.proxy_fix import ProxyFix

from qless_flask.backends.base import Backend
from qless_flask.models import NewJob

PAUSE = "POST queues/mail/pause"
LOOK = "GET queues"


@pytest.fixture
def qless_plugins() -> list[object]:
    return [Door()]


class Proxy:
    """Sends requests on, with who has logged in."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def status(
        self,
        call: str,
        name: str | None = None,
        groups: str = "",
        *,
        namespace: str = "crawl",
        sender: str = "127.0.0.1",
    ) -> int:
        method, _, path = call.partition(" ")
        headers = {} if name is None else {"X-Forwarded-User": name, "X-Forwarded-Groups": groups}
        answer = self._client.open(
            f"/api/v1/namespaces/{namespace}/{path}",
            method=method,
            headers=headers,
            environ_overrides={"REMOTE_ADDR": sender},
        )
        return answer.status_code


@pytest.fixture
def proxy(qless_http: FlaskClient) -> Proxy:
    return Proxy(qless_http)


def test_who_has_not_logged_in_is_not_let_in(proxy: Proxy) -> None:
    assert proxy.status(LOOK) == 401


def test_the_role_is_the_highest_of_the_groups(proxy: Proxy) -> None:
    assert proxy.status(LOOK, "ann", "queue-viewers") == 200
    assert proxy.status(PAUSE, "ann", "queue-viewers") == 403
    assert proxy.status(PAUSE, "ann", "staff, queue-operators,queue-viewers") == 200


def test_whoever_is_in_no_group_may_do_nothing(proxy: Proxy) -> None:
    assert proxy.status(LOOK, "ann", "staff") == 403


def test_the_headers_of_anybody_but_the_proxy_are_worth_nothing(proxy: Proxy) -> None:
    assert proxy.status(LOOK, "ann", "queue-operators", sender="192.0.2.7") == 401


def test_a_name_that_cannot_stand_in_events_is_nobodys(proxy: Proxy) -> None:
    assert proxy.status(LOOK, "x" * 201, "queue-operators") == 401


def test_everybody_may_do_as_they_like_in_their_own_namespace(proxy: Proxy) -> None:
    assert proxy.status("DELETE frozen", "ann", namespace="people.ann") == 200
    assert proxy.status(LOOK, "ann", "queue-operators", namespace="people.bob") == 403
    assert proxy.status("DELETE frozen", "ann", "queue-operators", namespace="crawl") == 403


def test_of_others_own_namespaces_nobody_is_told(qless_http: FlaskClient, qless_backend: Backend) -> None:
    for name in ("crawl", "people.ann", "people.bob"):
        qless_backend.namespace(name).put([NewJob("Crawl", queue="fetch")])

    answer = qless_http.get(
        "/api/v1/namespaces", headers={"X-Forwarded-User": "ann", "X-Forwarded-Groups": "queue-viewers"}
    )

    assert [each["name"] for each in answer.get_json()["namespaces"]] == ["crawl", "people.ann"]


def test_events_say_who_it_was(proxy: Proxy, qless_backend: Backend) -> None:
    proxy.status(PAUSE, "ann", "queue-operators")

    [event] = qless_backend.namespace("crawl").events().events
    assert (event.event, event.actor) == ("paused", "ann")


def test_behind_a_proxy_whose_word_on_addresses_counts_it_is_still_the_proxy_that_must_send_it(
    proxy: Proxy, qless_http: FlaskClient
) -> None:
    app = qless_http.application
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    headers = {"X-Forwarded-User": "ann", "X-Forwarded-Groups": "queue-viewers"}

    def status(sender: str, told: str) -> int:
        answer = qless_http.get(
            "/api/v1/namespaces/crawl/queues",
            headers={**headers, "X-Forwarded-For": told},
            environ_overrides={"REMOTE_ADDR": sender},
        )
        return answer.status_code

    assert status("127.0.0.1", "192.0.2.7") == 200
    assert status("192.0.2.7", "127.0.0.1") == 401

"""An app of ours over a SQLite store, and a caller that speaks JSON to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.models import LEAST_ROLES, ROLES
from qless_flask.settings import Settings
from qless_flask.testing import ManualClock
from qless_flask.web import create_app
from qless_flask.web.audit import note
from qless_flask.web.blueprint import routes
from qless_flask.web.guard import NAMED


class Api:
    """Calls below one namespace; answers are werkzeug's responses."""

    def __init__(self, client: FlaskClient, base: str = "/api/v1/namespaces/crawl/") -> None:
        self._client = client
        self._base = base

    def __call__(self, call: str, body: object = None) -> TestResponse:
        """Make a call, as in `api("POST queues/fetch/jobs", {…})`; a body of bytes is sent as it is."""
        method, _, path = call.partition(" ")
        sent = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        address = path if path.startswith("/") else self._base + path
        return self._client.open(
            address, method=method, data=sent, content_type=None if sent is None else "application/json"
        )

    def put(self, jid: str, queue: str = "fetch", **options: object) -> None:
        """Put a job."""
        assert self(f"POST queues/{queue}/jobs", {"klass": "Crawl", "jid": jid, **options}).status_code == 201

    def pop(self, queue: str = "fetch", worker: str = "ann") -> str:
        """Pop one job, and answer with its token."""
        [job] = self.told(f"POST queues/{queue}/pop", {"worker": worker})["jobs"]
        return str(job["lease"]["token"])

    def told(self, call: str, body: object = None) -> Any:
        """Make a call that goes well, and answer with its JSON."""
        response = self(call, body)
        assert response.status_code in (200, 201), response.get_data(as_text=True)
        return response.json

    def problem(self, call: str, body: object = None) -> Any:
        """Make a call that is refused, and answer with its problem details."""
        response = self(call, body)
        problem = response.get_json(force=True)
        assert response.mimetype == "application/problem+json"
        assert response.status_code == problem["status"]
        return problem


@pytest.fixture(autouse=True)
def _nothing_more_than_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break each address that does an operation for which it takes a higher role than the table says of the address."""
    actions = {(route.method, route.rule): route.action for route in routes()}

    def check(operation: str, *noted: Any) -> None:
        _, api, rule = str(request.url_rule).partition("/api/v1/")
        if api:
            method = "GET" if request.method == "HEAD" else request.method
            action = actions[method, f"{api}{rule}".replace("//<", "/<")]
            least = LEAST_ROLES[operation if action == NAMED else action]
            assert ROLES.index(LEAST_ROLES[operation]) <= ROLES.index(least), f"{action} does {operation}"
        note(operation, *noted)

    monkeypatch.setattr("qless_flask.web.service.note", check)


@pytest.fixture
def clock() -> ManualClock:
    """The clock that the store goes by."""
    return ManualClock()


@pytest.fixture
def backend(tmp_path: Path, clock: ManualClock) -> Iterator[Backend]:
    """A SQLite store of the test's own."""
    with open_backend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off", clock=clock) as backend:
        yield backend


@pytest.fixture
def namespace(backend: Backend) -> Namespace:
    """The namespace that `api` calls."""
    return backend.namespace("crawl")


@pytest.fixture
def app(backend: Backend) -> Flask:
    """The app that `serve` runs, with small limits."""
    return create_app(backend=backend, settings=Settings(max_body_bytes=4_000_000, max_waits=2))


@pytest.fixture
def api(app: Flask) -> Api:
    """A caller of the app."""
    return Api(app.test_client())

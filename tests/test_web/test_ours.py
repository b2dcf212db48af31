"""What is ours in a store, tokens among it, is nobody's over HTTP, whoever asks and by whatever address."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from flask import Flask
from werkzeug.routing import Rule

from qless_flask.backends.base import Namespace
from qless_flask.backends.http import HTTPBackend
from qless_flask.backends.scheduling import OURS
from qless_flask.backends.tokens import INDEX, Tokens
from qless_flask.errors import Invalid
from qless_flask.models import EVERYWHERE, Identity, MemoRecord, NewJob
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.testing import ModelBackend
from qless_flask.web import QlessFlask

NAMES = {"name": "recall", "jid": "a-job-of-ours", "queue": "fetch"}
"""What stands in an address beside the namespace; whatever else it is, a word will do."""
BODIES: dict[str, dict[str, Any]] = {
    "recall": {"name": INDEX},
    "remember": {"name": INDEX, "value": None, "expected": None},
    "get": {"jids": ["a-job-of-ours"]},
    "put": {"jobs": [{"klass": "Crawl", "queue": "fetch"}]},
    "pop": {"queues": ["fetch"], "worker": "ann"},
    "erase": {"confirm": OURS},
    "freeze": {"on": True},
    "configure_namespace": {"changes": {"retries": 1}},
    "lead": {"role": "scheduler", "holder": "ann", "seconds": 60},
    "load": {"records": []},
}


@pytest.fixture
def store() -> ModelBackend:
    """A store in whose namespace of ours there is something."""
    backend = ModelBackend()
    ours = backend.namespace(OURS)
    ours.remember("note", "a-note-of-ours", None)
    ours.put([NewJob("Crawl", queue="fetch", jid="a-job-of-ours")])
    return backend


@pytest.fixture(params=["nobody asked", "token", "host"])
def app(request: pytest.FixtureRequest, store: ModelBackend) -> Flask:
    """An app in which whoever asks may do anything."""
    app = Flask("app")
    if request.param == "host":
        QlessFlask(
            app,
            backend=store,
            url_prefix="",
            authenticate=lambda _: Identity("ann", "admin"),
            authorize=lambda *_: True,
        )
    else:
        QlessFlask(app, backend=store, url_prefix="")
    if request.param == "token":
        token = Tokens(store).create("admin", [EVERYWHERE]).text
        app.wsgi_app = _bearing(token, app.wsgi_app)  # type: ignore[method-assign]
    return app


@pytest.fixture
def kept(store: ModelBackend) -> dict[str, str]:
    """What is ours, by its name."""
    ours = store.namespace(OURS)
    ids = (ours.recall(INDEX) or "").split()
    found = {name: ours.recall(name) for name in ("note", INDEX, *(f"token:{id}" for id in ids))}
    return {name: text for name, text in found.items() if text is not None}


@pytest.mark.parametrize("namespace", [OURS, "__", "_mine", "%5F", "_%2F..%2F_"])
def test_no_address_reaches_what_is_ours(app: Flask, store: ModelBackend, kept: dict[str, str], namespace: str) -> None:
    store.namespace("shop").put([NewJob("Crawl", queue="fetch")])
    client = app.test_client()
    page = client.get("/namespaces/shop/queues/fetch").get_data(as_text=True)
    form = dict(re.findall(r'name="(csrf)" value="([^"]+)"', page))
    assert form
    asked = 0
    for rule, method in _addresses(app):
        for name in OPERATIONS if "/operations/" in rule.rule else ("",):
            values = {each: NAMES.get(each, "a") for each in rule.arguments} | ({"name": name} if name else {})
            address = rule.rule
            for each, value in values.items():
                spelled = namespace if each == "namespace" else value
                address = re.sub(rf"<(path:)?{each}>", spelled, address)
            assert "<" not in address

            if "/api/" in address:
                kind = "application/x-ndjson" if address.endswith("/import") else "application/json"
                answer = client.open(address, method=method, data=json.dumps(BODIES.get(name, {})), content_type=kind)
            else:
                answer = client.open(address, method=method, data=form if method == "POST" else None)

            assert answer.status_code in (400, 404, 405, 422), (method, address, answer.status_code)
            text = answer.get_data(as_text=True)
            assert not [each for each in (*kept.values(), "a-note-of-ours") if each in text], (method, address)
            asked += 1
    assert asked > 100

    ours = store.namespace(OURS)
    assert {name: ours.recall(name) for name in kept} == kept
    [job] = ours.get(["a-job-of-ours"])
    assert job is not None
    assert (job.state, job.queue) == ("waiting", "fetch")
    assert not ours.settings().frozen


def test_no_list_names_it(app: Flask, store: ModelBackend) -> None:
    store.namespace("shop").put([NewJob("Crawl", queue="fetch")])
    client = app.test_client()

    told = [client.get(address) for address in ("/api/v1/namespaces", "/metrics", "/")]

    assert told[0].json == {"namespaces": [{"name": "shop"}]}
    for each in told:
        text = each.get_data(as_text=True)
        assert f'"{OURS}"' not in text
        assert "of-ours" not in text


def test_nor_does_a_client_of_ours_reach_it(app: Flask) -> None:
    with HTTPBackend("http://localhost", transport=httpx.WSGITransport(app)) as backend:
        ours: Namespace = backend.namespace(OURS)
        for attempt in (
            lambda: ours.recall(INDEX),
            lambda: ours.remember(INDEX, None, None),
            lambda: ours.erase(OURS),
            lambda: ours.dump(),
            lambda: ours.load([MemoRecord(name="note", value="mine")]),
        ):
            with pytest.raises(Invalid, match="reserved"):
                attempt()


def _addresses(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        if "namespace" in rule.arguments:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def _bearing(token: str, app: Any) -> Any:
    def call(environ: dict[str, Any], start_response: Any) -> Any:
        return app({**environ, "HTTP_AUTHORIZATION": f"Bearer {token}"}, start_response)

    return call

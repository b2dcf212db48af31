"""Who says who asks, and what they may do: tokens as soon as there are any, the host first, and plugins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask, Request, abort
from werkzeug.test import TestResponse

from qless_flask.backends import open_backend
from qless_flask.backends.http import HTTPBackend
from qless_flask.backends.tokens import Tokens
from qless_flask.errors import Unauthenticated
from qless_flask.hookspecs import hookimpl
from qless_flask.models import Identity
from qless_flask.settings import Settings
from qless_flask.web import QlessFlask, create_app
from qless_flask.web.access import Authenticate, Authorize


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class TestOpenAndClosed:
    @pytest.fixture
    def app(self, tmp_path: Path) -> Flask:
        return create_app(f"sqlite:///{tmp_path}/jobs.db")

    def status(self, app: Flask, **headers: str) -> int:
        return app.test_client().get("/api/v1/namespaces/crawl/queues", headers=headers).status_code

    def test_without_tokens_nobody_is_asked(self, app: Flask) -> None:
        assert self.status(app) == 200
        assert self.status(app, **bearing("whatever")) == 200

    def test_a_closed_one_lets_nobody_in_though_there_is_no_token(self, tmp_path: Path) -> None:
        app = create_app(f"sqlite:///{tmp_path}/jobs.db", settings=Settings(closed=True))

        assert self.status(app) == 401
        assert self.status(app, **bearing("whatever")) == 401

    def test_from_the_first_token_on_all_are_asked_and_after_the_last_one_too(self, app: Flask, tmp_path: Path) -> None:
        tokens = Tokens(app.extensions["qless_flask"].backend)
        made = tokens.create("viewer", ["crawl"])
        assert self.status(app) == 401
        assert self.status(app, **bearing(made.text)) == 200

        tokens.revoke(made.token.id)

        # Another process: this one goes by what it has read half a second longer.
        other = create_app(f"sqlite:///{tmp_path}/jobs.db")
        assert self.status(other) == 401
        assert self.status(other, **bearing(made.text)) == 401

    def test_the_scheme_may_be_spelt_in_any_case(self, app: Flask) -> None:
        made = Tokens(app.extensions["qless_flask"].backend).create("viewer", ["crawl"])

        assert self.status(app, Authorization=f"bearer  {made.text} ") == 200

    def test_a_store_that_is_down_lets_nobody_in(self) -> None:
        app = create_app("redis://127.0.0.1:1/0")

        assert self.status(app) == 503

    def test_a_server_behind_goes_by_its_own_tokens(self, app: Flask) -> None:
        made = Tokens(app.extensions["qless_flask"].backend).create("viewer", ["crawl"])
        transport = httpx.WSGITransport(app)
        with HTTPBackend("http://localhost", token=made.text, transport=transport) as backend:
            front = create_app(backend=backend)

            assert self.status(front) == 200


class TestTheHost:
    """What an app has to say itself comes before plugins, tokens and roles."""

    def ask(
        self,
        path: Path,
        authenticate: Authenticate | None = None,
        authorize: Authorize | None = None,
        *plugins: object,
        call: str = "GET queues",
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        app = Flask("host")
        settings = Settings(plugins=list(plugins), installed_plugins=False)
        url = f"sqlite:///{path}/jobs.db"
        QlessFlask(app, url=url, settings=settings, url_prefix="", authenticate=authenticate, authorize=authorize)
        method, _, rest = call.partition(" ")
        body: dict[str, object] | None = None if method == "GET" else {}
        return app.test_client().open(
            f"/api/v1/namespaces/crawl/{rest}", method=method, headers=dict(headers or {}), json=body
        )

    def test_it_knows_who_asks_and_their_role_counts(self, tmp_path: Path) -> None:
        def authenticate(request: Request) -> Identity | None:
            name = request.headers.get("X-Name")
            return Identity(name, "viewer", ("crawl",)) if name else None

        def status(call: str, name: str) -> int:
            return self.ask(tmp_path, authenticate, call=call, headers={"X-Name": name}).status_code

        assert status("GET queues", "ann") == 200
        assert status("POST queues/fetch/pause", "ann") == 403
        assert status("GET queues", "") == 401

    def test_whom_it_does_not_know_a_token_may_vouch_for(self, tmp_path: Path) -> None:
        with open_backend(f"sqlite:///{tmp_path}/jobs.db") as backend:
            made = Tokens(backend).create("viewer", ["crawl"])

        assert self.ask(tmp_path, lambda request: None, headers=bearing(made.text)).status_code == 200
        assert self.ask(tmp_path, lambda request: None).status_code == 401

    def test_it_refuses_by_raising_or_as_its_views_do(self, tmp_path: Path) -> None:
        def unauthenticated(request: Request) -> Identity | None:
            raise Unauthenticated()

        def aborted(request: Request) -> Identity | None:
            abort(401)

        with open_backend(f"sqlite:///{tmp_path}/jobs.db") as backend:
            headers = bearing(Tokens(backend).create("viewer", ["crawl"]).text)

        assert self.ask(tmp_path, unauthenticated, headers=headers).status_code == 401
        assert self.ask(tmp_path, aborted, headers=headers).status_code == 401

    def test_an_identity_without_a_role_may_do_what_it_is_allowed(self, tmp_path: Path) -> None:
        def authorize(identity: Identity, action: str, namespace: str | None) -> bool | None:
            return True if (identity.name, action, namespace) == ("ann", "pause", "crawl") else None

        def status(call: str) -> int:
            return self.ask(tmp_path, lambda request: Identity("ann"), authorize, call=call).status_code

        assert status("POST queues/fetch/pause") == 200
        assert status("POST operations/resume") == 403
        assert status("GET queues") == 403

    def test_what_it_forbids_no_role_allows(self, tmp_path: Path) -> None:
        def authorize(identity: Identity, action: str, namespace: str | None) -> bool | None:
            return False if action == "pause" else None

        def status(call: str) -> int:
            return self.ask(tmp_path, None, authorize, call=call).status_code

        assert status("POST queues/fetch/pause") == 403
        assert status("POST operations/pause") == 403
        assert status("GET queues") == 200

    def test_it_is_asked_before_plugins_and_the_first_plugin_that_answers_counts(self, tmp_path: Path) -> None:
        class Ann:
            @hookimpl
            def authenticate(self) -> Identity | None:
                return Identity("ann", "viewer")

            @hookimpl
            def authorize(self, actor: Identity) -> bool | None:
                return False if actor.name == "bob" else None

        class Nobody:
            @hookimpl
            def authenticate(self, request: Request) -> Identity | None:
                return None

            @hookimpl
            def authorize(self, action: str, namespace: str) -> bool | None:
                return None

        plugins = (Ann(), Nobody())

        assert self.ask(tmp_path, None, None, *plugins).status_code == 200
        assert self.ask(tmp_path, lambda request: Identity("bob", "viewer"), None, *plugins).status_code == 403
        assert self.ask(tmp_path, lambda _: Identity("bob"), lambda *_: True, *plugins).status_code == 200
        assert self.ask(tmp_path, None, None, Nobody()).status_code == 401

    @pytest.mark.parametrize("answer", ["no", 1, "", []])
    def test_what_is_no_answer_lets_nobody_in(self, tmp_path: Path, answer: Any) -> None:
        class Odd:
            @hookimpl
            def authorize(self) -> Any:
                return answer

        for told in (
            self.ask(tmp_path, lambda request: answer),
            self.ask(tmp_path, None, lambda *_: answer),
            self.ask(tmp_path, None, None, Odd()),
        ):
            assert (told.status_code, told.get_json(force=True)["code"]) == (500, "PLUGIN_ERROR")

    def test_what_breaks_lets_nobody_in_and_tells_nothing(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(request: Request) -> Identity | None:
            raise ValueError("the password is hunter2")

        class Broken:
            @hookimpl
            def authenticate(self) -> Identity | None:
                raise ValueError("the password is hunter2")

        for told in (self.ask(tmp_path, broken), self.ask(tmp_path, None, None, Broken())):
            assert told.status_code == 500
            assert "hunter2" not in told.text
        assert "hunter2" in caplog.text

"""Every address lets in whom the table says, and nobody else; to a stranger all of them are alike."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from flask import Flask
from werkzeug.test import TestResponse

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend
from qless_flask.backends.tokens import Tokens
from qless_flask.cli import main
from qless_flask.cli.roles import BELOW
from qless_flask.hookspecs import hookimpl
from qless_flask.models import EVERYWHERE, LEAST_ROLES, ROLES, NewJob, Role
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.settings import Settings
from qless_flask.web import create_app
from qless_flask.web.blueprint import routes
from qless_flask.web.guard import KNOWN, NAMED, PUBLIC

VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
STRANGERS = ("none", "wrong", "malformed", "empty", "basic", "expired", "revoked", "guessed", "in the query")


class Ask(NamedTuple):
    """A method at an address, what it asks for, and whether that is about a namespace."""

    method: str
    path: str
    action: str
    in_namespace: bool


class Bearer(NamedTuple):
    """A role in the namespace `mine`, or everywhere."""

    role: Role
    namespace: str = "mine"

    def may(self, ask: Ask, namespace: str) -> bool:
        """Say what the table says."""
        sees = not ask.in_namespace or self.namespace in (namespace, EVERYWHERE)
        return sees and (ask.action == KNOWN or ROLES.index(self.role) >= ROLES.index(LEAST_ROLES[ask.action]))


BEARERS = (*map(Bearer, ROLES), Bearer("viewer", EVERYWHERE), Bearer("admin", EVERYWHERE))


class Door:
    """An app on a store with tokens, and those that knock."""

    def __init__(self, app: Flask, backend: Backend) -> None:
        self.app = app
        self.tokens = Tokens(backend)
        self.good = {bearer: self.tokens.create(bearer.role, [bearer.namespace]).text for bearer in BEARERS}
        revoked = self.tokens.create("admin", [EVERYWHERE])
        self.tokens.revoke(revoked.token.id)
        past = Tokens(backend, clock=lambda: time.time() - 100)
        known = self.good[Bearer("admin", EVERYWHERE)]
        self.strange = {
            "none": {},
            "wrong": bearing("qless_0123456789ab_" + "x" * 43),
            "malformed": bearing("abc"),
            "empty": bearing(""),
            "basic": {"Authorization": "Basic cWxlc3M6cWxlc3M="},
            "expired": bearing(past.create("admin", [EVERYWHERE], expires=50).text),
            "revoked": bearing(revoked.text),
            "guessed": bearing(known[:-1] + ("a" if known[-1] != "a" else "b")),
            "in the query": {},
        }
        self.query = {"in the query": f"?access_token={known}&token={known}"}
        self._client = app.test_client()

    def ask(self, method: str, path: str, headers: dict[str, str]) -> TestResponse:
        """Send a request with an empty JSON object, where it has a body at all."""
        body = {"data": b"{}", "content_type": "application/json"} if method not in ("GET", "HEAD") else {}
        return self._client.open(path, method=method, headers=headers, **body)  # type: ignore[arg-type]

    def asks(self) -> Iterator[Ask]:
        """List each method of each rule; namespaces are left open."""
        table = {(route.method, route.rule): route.action for route in routes()}
        for rule in self.app.url_map.iter_rules():
            for method in sorted(rule.methods or ()):
                # A jid that begins with a slash has rules of its own.
                spelt = rule.rule.replace("//<", "/<")
                action = table.get(("GET" if method == "HEAD" else method, spelt))
                if action is None:
                    public = any(table.get((each, spelt)) == PUBLIC for each in ("GET", "POST"))
                    action = PUBLIC if public else KNOWN
                names = [*OPERATIONS, "nothing"] if action == NAMED else ["x"]
                for name in names:
                    named = action if action != NAMED else KNOWN if name == "nothing" else name
                    yield Ask(method, fill(rule.rule, name), named, "<namespace>" in rule.rule)


def fill(rule: str, name: str) -> str:
    return VARIABLE.sub(lambda found: "{namespace}" if found[1] == "namespace" else name, rule)


def is_refused(answer: TestResponse, ask: Ask) -> bool:
    """Tell whether the check refused it; a form that nobody was given is refused, too, but for another reason."""
    if answer.status_code != 403 or ask.method == "HEAD":
        return answer.status_code == 403
    problem = answer.get_json(force=True)
    assert problem["code"] == "FORBIDDEN"
    return bool(problem.get("subject") == ask.action)


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module", params=["sqlite", "valkey"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door to each store."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('door')}/jobs.db?synchronous=off"
    else:
        url = request.getfixturevalue("valkey_url")
    with open_backend(url) as backend:
        for name in ("mine", "theirs"):
            backend.namespace(name).put([NewJob("Crawl", queue="fetch", jid="x")])
        door = Door(create_app(backend=backend), backend)
        yield door
        door.tokens.reset()


def test_the_table_has_every_operation_and_every_action_of_an_address() -> None:
    asked = {route.action for route in routes()} - {PUBLIC, KNOWN, NAMED}

    assert LEAST_ROLES.keys() >= OPERATIONS.keys()
    assert LEAST_ROLES.keys() == OPERATIONS.keys() | asked


def test_the_page_about_it_is_written_from_the_code() -> None:
    page = Path(__file__).parents[2] / "docs" / "access.md"

    told = CliRunner().invoke(main, ["token", "roles", "--markdown"]).output

    assert page.read_text() == told, "write it anew: qless-flask token roles --markdown > docs/access.md"
    assert all(f"`{route.address}`".replace(BELOW, "…") in told for route in routes())


def test_the_roles_are_told_on_a_line_each() -> None:
    lines = CliRunner().invoke(main, ["token", "roles"]).output.splitlines()

    assert [line.split()[0] for line in lines[1:]] == list(ROLES)
    assert "exchange" in lines[1 + ROLES.index("worker")]


def test_every_address_of_the_app_is_in_the_table(door: Door) -> None:
    answered = {ask.path for ask in door.asks() if ask.action not in (KNOWN, PUBLIC)}
    told = {fill(route.rule, "x") for route in routes() if route.action not in (KNOWN, NAMED, PUBLIC)}

    assert told <= answered


@pytest.mark.parametrize("bearer", BEARERS, ids=lambda bearer: "-".join(bearer))
def test_each_role_may_do_what_the_table_says_and_no_more(door: Door, bearer: Bearer) -> None:
    headers = bearing(door.good[bearer])
    for ask in door.asks():
        if ask.action == PUBLIC:
            continue
        for namespace in ("mine", "theirs") if ask.in_namespace else ("",):
            answer = door.ask(ask.method, ask.path.format(namespace=namespace), headers)
            assert answer.status_code != 401, (ask, namespace)
            assert is_refused(answer, ask) != bearer.may(ask, namespace), (ask, namespace, answer.text)


@pytest.mark.parametrize("stranger", STRANGERS)
def test_to_a_stranger_every_address_answers_the_same(door: Door, stranger: str) -> None:
    headers, query = door.strange[stranger], door.query.get(stranger, "")
    with_token = headers.get("Authorization", "").startswith("Bearer")
    expected = door.ask("GET", f"/api/v1/namespaces{query}", headers)
    for ask in door.asks():
        if ask.action == PUBLIC:
            continue
        answer = door.ask(ask.method, ask.path.format(namespace="mine") + query, headers)

        assert answer.status_code == 401, ask
        assert dict(answer.headers) == dict(expected.headers), ask
        assert answer.data == (b"" if ask.method == "HEAD" else expected.data), ask
    told = 'Bearer realm="qless"' + (', error="invalid_token"' if with_token else "")
    assert expected.headers["WWW-Authenticate"] == told
    assert expected.get_json()["code"] == "UNAUTHENTICATED"
    assert expected.get_json()["detail"].startswith("this token" if with_token else "say who you are")


@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/v2", "/api/v1/namespaces/mine//", "/metrics/"])
def test_to_a_stranger_what_there_is_not_answers_as_what_there_is(door: Door, path: str) -> None:
    expected = door.ask("GET", "/api/v1/namespaces", {})

    answer = door.ask("GET", path, {})

    assert (answer.status_code, answer.data) == (401, expected.data)


def test_of_tokens_that_do_not_count_nobody_learns_why(door: Door) -> None:
    answers = {
        (answer.status_code, answer.data, answer.headers["WWW-Authenticate"])
        for name in ("wrong", "malformed", "empty", "expired", "revoked", "guessed")
        for answer in [door.ask("GET", "/api/v1/namespaces", door.strange[name])]
    }

    assert len(answers) == 1


def test_whoever_asks_what_is_public_is_let_in(door: Door) -> None:
    for ask in door.asks():
        if ask.action == PUBLIC:
            answers = {
                door.ask(ask.method, ask.path, headers).status_code
                for headers in (*door.strange.values(), *map(bearing, door.good.values()))
            }
            assert len(answers) == 1, ask
            assert 401 not in answers, ask


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/{}",
        "/api/v1/namespaces/{}/",
        "/api/v1/namespaces/{}/nothing",
        "/api/v1/namespaces/{}/jobs/x",
        "/api/v1/namespaces/{}/jobs/y",
        "/api/v1/namespaces/{}/queues//fetch/pop",
        "/api/v1/namespaces/{}/operations/nothing",
    ],
)
def test_of_another_namespace_nobody_learns_whether_it_is_there(door: Door, path: str) -> None:
    headers = bearing(door.good[Bearer("admin")])
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        there = door.ask(method, path.format("theirs"), headers)
        not_there = door.ask(method, path.format("nobodys"), headers)

        assert there.status_code == not_there.status_code == 403
        assert there.data.replace(b"theirs", b"nobodys") == not_there.data


def test_of_another_namespace_nobody_learns_which_jobs_it_has(door: Door) -> None:
    headers = bearing(door.good[Bearer("admin")])

    there, not_there = (door.ask("GET", f"/api/v1/namespaces/theirs/jobs/{jid}", headers) for jid in ("x", "y"))

    assert there.data == not_there.data


class TestLists:
    def test_namespaces_are_listed_for_those_that_may_look_at_them(self, door: Door) -> None:
        def listed(bearer: Bearer) -> list[str]:
            answer = door.ask("GET", "/api/v1/namespaces", bearing(door.good[bearer])).get_json()
            return [each["name"] for each in answer["namespaces"] if each["name"] in ("mine", "theirs")]

        assert listed(Bearer("viewer")) == ["mine"]
        assert listed(Bearer("viewer", EVERYWHERE)) == ["mine", "theirs"]

    def test_figures_are_those_of_namespaces_that_one_may_look_at(self, door: Door) -> None:
        def shown(bearer: Bearer) -> str:
            return door.ask("GET", "/metrics", bearing(door.good[bearer])).text

        assert 'namespace="mine"' in shown(Bearer("viewer"))
        assert 'namespace="theirs"' not in shown(Bearer("viewer"))
        assert 'namespace="theirs"' in shown(Bearer("viewer", EVERYWHERE))

    def test_what_plugins_said_when_they_failed_is_for_those_that_see_all(self, tmp_path: Path) -> None:
        class Careless:
            @hookimpl
            def before_put(self, job: NewJob) -> None:
                raise ValueError(f"cannot read {job.data}")

        settings = Settings(plugins={"careless": Careless()}, installed_plugins=False)
        app = create_app(f"sqlite:///{tmp_path}/jobs.db", settings=settings)
        tokens = Tokens(app.extensions["qless_flask"].backend)
        anyone, everyone = (bearing(tokens.create("admin", [each]).text) for each in ("mine", EVERYWHERE))
        body = {"klass": "Crawl", "data": "of theirs"}
        app.test_client().post("/api/v1/namespaces/theirs/queues/fetch/jobs", json=body, headers=everyone)

        told = [app.test_client().get("/api/v1/plugins", headers=headers).text for headers in (anyone, everyone)]

        assert ["of theirs" in each for each in told] == [False, True]
        assert all('"name":"careless"' in each for each in told)

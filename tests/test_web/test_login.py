"""Who has a token logs in with it, is who the token says for as long as it holds, and logs out."""

from __future__ import annotations

import html
import json
import logging
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask, Response
from itsdangerous import TimestampSigner
from werkzeug.test import TestResponse

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend
from qless_flask.backends.tokens import Created, Tokens
from qless_flask.models import Identity
from qless_flask.settings import Settings
from qless_flask.web import QlessFlask, create_app
from qless_flask.web.sessions import begin_session
from qless_flask.web.signing import KEPT_SECONDS, serializer

from .visitors import CSRF, HTML, Visitor, form_token


@pytest.fixture
def tokens(app: Flask) -> Tokens:
    """The tokens of the store, as the app knows them."""
    found: Tokens = app.extensions["qless"]["qless"].access.tokens
    return found


@pytest.fixture
def ann(tokens: Tokens) -> Created:
    """A token of an operator."""
    return tokens.create("operator", ["*"], name="ann")


@pytest.fixture
def visitor(app: Flask, ann: Created) -> Visitor:
    """Somebody who is not known yet."""
    return Visitor(app)


class TestTheWayIn:
    @pytest.mark.parametrize("path", ["/", "/?since=1%2F2&q=a+b", "/?q=%C3%A9"])
    def test_whoever_is_not_known_is_led_to_the_login_and_on_to_what_they_wanted(
        self, visitor: Visitor, ann: Created, path: str
    ) -> None:
        led = visitor.open(path)

        assert (led.status_code, led.headers["Location"].partition("?")[0]) == (303, "/login")
        login = visitor.open(led.headers["Location"])
        sent = visitor.send("/login", page=led.headers["Location"], token=ann.text, next=hidden(login, "next"))
        assert (sent.status_code, sent.headers["Location"]) == (303, path)

    def test_it_is_the_same_for_what_there_is_not(self, app: Flask, tmp_path: Path) -> None:
        host = mounted(tmp_path, "/queue")

        led = Visitor(host, "/queue").open("/no/such/page")

        assert (led.status_code, led.headers["Location"]) == (303, "/queue/login?next=/queue/no/such/page")

    def test_what_was_to_be_sent_is_not_sent_by_a_visit_after_the_login(self, visitor: Visitor) -> None:
        led = visitor.post("/logout", {"csrf": "x"})

        assert (led.status_code, led.headers["Location"]) == (303, "/login")

    def test_whoever_asks_for_no_page_is_told_in_json(self, app: Flask, visitor: Visitor) -> None:
        answer = visitor.client.get("/")

        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")

    def test_where_nobody_is_asked_there_is_none(self, app: Flask) -> None:
        visitor = Visitor(app)

        assert visitor.open("/login").headers["Location"] == "/"
        assert visitor.post("/login", {"csrf": "", "token": ""}).status_code == 403
        assert visitor.is_in()

    def test_after_a_reset_it_is_gone(self, visitor: Visitor, ann: Created, tokens: Tokens) -> None:
        visitor.log_in(ann.text)

        tokens.reset()

        assert visitor.is_in()
        assert visitor.open("/login").status_code == 303

    @pytest.mark.parametrize(
        "wanted",
        [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example/",
            "\\\\evil.example",
            "/queue/\\evil.example",
            "///evil.example",
            "javascript:alert(1)",
            "/",
            "/elsewhere",
            "/queuedeep/",
            "/queue/../elsewhere",
            "/queue/%2e%2E/elsewhere",
            "/queue/x\r\nSet-Cookie: a=b",
            "/queue/\x00",
            "/queue/ x",
            "http://[",
            "queue/",
        ],
    )
    def test_it_leads_nowhere_but_below_the_mount(self, tmp_path: Path, wanted: str) -> None:
        host = mounted(tmp_path, "/queue")
        text = tokens_of(host, "queue").create("viewer", ["*"]).text

        sent = Visitor(host, "/queue").log_in(text, next=wanted)

        assert (sent.status_code, sent.headers["Location"]) == (303, "/queue/")

    def test_below_a_prefix_of_the_server_it_leads_on_as_well(self, tmp_path: Path) -> None:
        host = mounted(tmp_path, "/queue")
        text = tokens_of(host, "queue").create("viewer", ["*"]).text
        client = host.test_client()
        script = {"SCRIPT_NAME": "/apps"}
        led = client.get("/queue/?a=b", headers={"Accept": HTML}, environ_overrides=script)

        assert led.headers["Location"] == "/apps/queue/login?next=/apps/queue/?a%3Db"
        page = client.get("/queue/login", environ_overrides=script)
        form = {"csrf": form_token(page), "token": text, "next": "/apps/queue/?a=b"}
        sent = client.post("/queue/login", data=form, environ_overrides=script)
        assert sent.headers["Location"] == "/apps/queue/?a=b"
        assert "Path=/apps/queue/;" in sent.headers["Set-Cookie"]


class TestTheToken:
    def test_every_one_that_does_not_hold_is_told_the_same(
        self, visitor: Visitor, tokens: Tokens, ann: Created
    ) -> None:
        revoked = tokens.create("admin", ["*"])
        tokens.revoke(revoked.token.id)
        expired = Tokens(tokens_backend(visitor), clock=lambda: time.time() - 100).create("admin", ["*"], expires=50)
        unknown = f"qless_{'0' * 12}_{'x' * 43}"
        guessed = ann.text[:-1] + ("A" if ann.text[-1] != "A" else "B")

        told = {
            (answer.status_code, CSRF.sub("", answer.text))
            for text in (revoked.text, expired.text, unknown, guessed, "", "nonsense", "\x00", "é" * 300)
            for answer in [visitor.log_in(text)]
        }

        [(status, page)] = told
        assert status == 401
        assert "not known, has expired or was revoked" in page
        assert not visitor.is_in()

    def test_blanks_around_it_do_no_harm(self, visitor: Visitor, ann: Created) -> None:
        visitor.log_in(f" {ann.text}\n")

        assert visitor.is_in()

    def test_it_is_not_read_from_the_address(self, visitor: Visitor, ann: Created) -> None:
        visitor.open(f"/login?token={ann.text}")
        sent = visitor.send(f"/login?token={ann.text}")

        assert sent.status_code == 401
        assert not visitor.is_in()

    def test_no_page_repeats_it(self, visitor: Visitor, ann: Created) -> None:
        sent = visitor.log_in(ann.text[:-1])

        assert ann.text[:-1] not in sent.text


class TestTheSession:
    def test_it_says_who_somebody_is_and_what_they_may(self, visitor: Visitor, app: Flask, tokens: Tokens) -> None:
        visitor.log_in(tokens.create("viewer", ["crawl"], name="victor").text)

        page = visitor.open("/")
        put = visitor.client.post("/api/v1/namespaces/crawl/queues/fetch/jobs", json={"klass": "Crawl"})
        other = visitor.client.get("/api/v1/namespaces/shop/queues")

        assert "victor" in page.text
        assert visitor.client.get("/api/v1/namespaces/crawl/queues").status_code == 200
        assert (put.status_code, other.status_code) == (403, 403)

    def test_its_cookie_is_for_this_mount_alone_and_for_no_script(self, visitor: Visitor, ann: Created) -> None:
        [cookie] = visitor.log_in(ann.text).headers.getlist("Set-Cookie")

        attributes = {each.strip() for each in cookie.split(";")[1:] if "Expires" not in each}
        assert attributes == {"HttpOnly", "Path=/", "SameSite=Lax", f"Max-Age={KEPT_SECONDS}"}

    def test_under_tls_all_cookies_are_for_tls_alone(self, app: Flask, ann: Created) -> None:
        visitor = Visitor(app, site="https://queue.example")

        for answer in (visitor.open("/login"), visitor.log_in(ann.text)):
            assert "Secure;" in answer.headers["Set-Cookie"]

    def test_its_cookie_tells_nothing_of_the_token(self, visitor: Visitor, ann: Created) -> None:
        cookie = visitor.log_in(ann.text).headers["Set-Cookie"]

        # A secret may have a _ as well.
        assert ann.text.split("_", 2)[2] not in cookie
        with visitor.client.application.test_request_context("/login"):
            told = serializer("session").loads(cookie.partition("=")[2].partition(";")[0])
        assert told == [ann.token.id, ann.token.digest[:16]]

    def test_it_lasts_no_longer_than_its_token(self, visitor: Visitor, tokens: Tokens) -> None:
        [cookie] = visitor.log_in(tokens.create("viewer", ["*"], expires=60).text).headers.getlist("Set-Cookie")

        seconds = int(cookie.partition("Max-Age=")[2].partition(";")[0])
        assert 0 < seconds <= 60

    def test_whoever_has_a_revoked_token_is_out_at_once(self, visitor: Visitor, ann: Created, tokens: Tokens) -> None:
        visitor.log_in(ann.text)
        assert visitor.is_in()

        tokens.revoke(ann.token.id)

        assert not visitor.is_in()
        assert visitor.client.get("/api/v1/namespaces").status_code == 401

    def test_whoever_has_an_expired_token_is_out(self, visitor: Visitor, tokens: Tokens, app: Flask) -> None:
        past = Tokens(tokens_backend(visitor), clock=lambda: time.time() - 100)
        keep(visitor, app, past.create("viewer", ["*"], expires=50))

        assert not visitor.is_in()

    def test_after_twelve_hours_it_is_over(self, visitor: Visitor, ann: Created, app: Flask) -> None:
        assert is_in_after(visitor, app, ann, KEPT_SECONDS - 60)
        assert not is_in_after(visitor, app, ann, KEPT_SECONDS + 60)

    def test_a_cookie_that_was_changed_is_none(self, visitor: Visitor, ann: Created) -> None:
        visitor.log_in(ann.text)
        name = visitor.cookie("session")
        kept = visitor.client.get_cookie(name)
        assert kept is not None
        id, _, rest = kept.value.partition(".")
        for value in ("", "x", rest, f"{id}x.{rest}", kept.value[:-1], kept.value.swapcase(), "é"):
            visitor.client.set_cookie(name, value)

            assert not visitor.is_in(), value

    def test_a_form_token_is_no_session(self, visitor: Visitor, ann: Created, app: Flask) -> None:
        signed = form_token(visitor.open("/login"))
        with app.test_request_context("/login"):
            visitor.client.set_cookie(f"qless_session_{visitor.cookie('form').rpartition('_')[2]}", signed)

        assert not visitor.is_in()

    def test_one_of_another_mount_is_none_here(self, tmp_path: Path) -> None:
        host = mounted(tmp_path, "/a", "/b")
        first, second = Visitor(host, "/a"), Visitor(host, "/b")
        first.log_in(tokens_of(host, "a").create("viewer", ["*"]).text)
        kept = first.client.get_cookie(first.cookie("session"), path="/a/")
        assert kept is not None
        second.open("/login")

        for name in (kept.key, second.cookie("form").replace("form", "session")):
            second.client.set_cookie(name, kept.value, path="/b/")

        assert first.is_in()
        assert not second.is_in()

    def test_one_of_another_store_is_none_here(self, visitor: Visitor, ann: Created, tmp_path: Path) -> None:
        with closing(open_backend(f"sqlite:///{tmp_path}/other.db?synchronous=off")) as other:
            elsewhere = create_app(backend=other)
            stranger = Visitor(elsewhere)
            keep(stranger, elsewhere, tokens_of(elsewhere).create("admin", ["*"]))
            assert stranger.is_in()
            kept = stranger.client.get_cookie(stranger.cookie("session"))
            assert kept is not None
            visitor.open("/login")

            visitor.client.set_cookie(visitor.cookie("form").replace("form", "session"), kept.value)

            assert kept.key != visitor.cookie("session")
            assert not visitor.is_in()

    def test_a_token_of_the_same_id_does_not_carry_it_on(self, visitor: Visitor, ann: Created, app: Flask) -> None:
        keep(visitor, app, Created(replace(ann.token, digest="0" * 64), ""))

        assert not visitor.is_in()

    def test_two_processes_know_it(self, visitor: Visitor, ann: Created, app: Flask) -> None:
        visitor.log_in(ann.text)
        kept = visitor.client.get_cookie(visitor.cookie("session"))
        assert kept is not None

        other = Visitor(create_app(backend=app.extensions["qless"]["qless"].backend))
        other.client.set_cookie(kept.key, kept.value)

        assert other.is_in()

    def test_a_bearer_token_goes_before_it(self, visitor: Visitor, ann: Created, tokens: Tokens) -> None:
        visitor.log_in(ann.text)
        viewer = tokens.create("viewer", ["*"]).text
        address = "/api/v1/namespaces/crawl/queues/fetch/jobs"

        put = visitor.client.post(address, json={"klass": "Crawl"}, headers={"Authorization": f"Bearer {viewer}"})

        assert put.status_code == 403
        assert visitor.client.post(address, json={"klass": "Crawl"}).status_code == 201

    def test_nothing_is_asked_of_the_app_that_it_is_mounted_in(self, tmp_path: Path) -> None:
        host = mounted(tmp_path, "/queue")
        visitor = Visitor(host, "/queue")

        visitor.log_in(tokens_of(host, "queue").create("viewer", ["*"]).text)

        assert host.secret_key is None
        assert visitor.is_in()
        assert host.test_client().get("/queue/").status_code == 401


class TestLogout:
    def test_it_ends_the_session(self, visitor: Visitor, ann: Created) -> None:
        visitor.log_in(ann.text)

        sent = visitor.send("/logout", page="/")

        assert (sent.status_code, sent.headers["Location"]) == (303, "/")
        assert not visitor.is_in()

    def test_a_link_does_not_log_anybody_out(self, visitor: Visitor, ann: Created) -> None:
        visitor.log_in(ann.text)

        assert visitor.open("/logout").status_code == 405
        assert visitor.is_in()

    def test_another_token_may_take_the_place_of_the_first(
        self, visitor: Visitor, ann: Created, tokens: Tokens
    ) -> None:
        visitor.log_in(ann.text)

        assert "logged in as <strong>ann" in visitor.open("/login").text
        visitor.log_in(tokens.create("viewer", ["*"], name="victor").text)

        assert "victor" in visitor.open("/").text


class TestTheThrottle:
    def test_after_ten_tries_an_address_has_to_wait(self, visitor: Visitor, ann: Created, app: Flask) -> None:
        page = form_token(visitor.open("/login"))
        answers = [visitor.post("/login", {"csrf": page, "token": "guess"}) for _ in range(11)]

        assert [answer.status_code for answer in answers] == [401] * 10 + [429]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        assert f"in {answers[-1].headers['Retry-After']} seconds" in answers[-1].text
        # Not even with the right one: whether it is right is not looked at.
        assert visitor.post("/login", {"csrf": page, "token": ann.text}).status_code == 429
        assert Visitor(app, address="127.0.0.2").log_in(ann.text).status_code == 303

    def test_whoever_has_many_addresses_of_ipv6_is_one(self, app: Flask, ann: Created) -> None:
        def tried(address: str) -> int:
            return Visitor(app, address=address).log_in("guess").status_code

        answers = [tried(f"2001:db8:1:2::{number:x}") for number in range(11)]

        assert answers == [401] * 10 + [429]
        assert tried("2001:db8:1:3::1") == 401

    def test_those_who_are_in_already_are_not_held_up(self, visitor: Visitor, ann: Created) -> None:
        visitor.log_in(ann.text)
        page = form_token(visitor.open("/login"))
        for _ in range(11):
            visitor.post("/login", {"csrf": page, "token": "guess"})

        assert visitor.is_in()


class TestWhereTheHostSaysWhoSomebodyIs:
    @pytest.fixture
    def host(self, tmp_path: Path) -> Iterator[Flask]:
        with closing(open_backend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off")) as backend:
            app = Flask("host")
            QlessFlask(app, backend=backend, authenticate=lambda request: known.get(request.headers.get("X-User")))
            known: dict[str | None, Identity] = {"ann": Identity("ann", "operator")}
            yield app

    def test_the_page_is_shown_at_once(self, host: Flask) -> None:
        answer = host.test_client().get("/qless/", headers={"Accept": HTML, "X-User": "ann"})

        assert answer.status_code == 200
        assert "ann" in answer.text
        assert "logout" not in answer.text

    def test_who_is_not_known_gets_a_page_and_no_login(self, host: Flask) -> None:
        answer = Visitor(host, "/qless").open("/")

        assert (answer.status_code, answer.mimetype) == (401, "text/html")
        assert "You are not known here" in answer.text
        assert Visitor(host, "/qless").open("/login").headers["Location"] == "/qless/"

    def test_who_has_a_token_may_log_in_all_the_same(self, host: Flask) -> None:
        text = tokens_of(host).create("viewer", ["*"], name="victor").text
        visitor = Visitor(host, "/qless")

        visitor.log_in(text)

        assert "victor" in visitor.open("/").text


def test_a_server_that_lets_nobody_in_unasked_says_so_on_a_page(backend: Backend) -> None:
    answer = Visitor(create_app(backend=backend, settings=Settings(closed=True))).open("/")

    assert (answer.status_code, answer.mimetype) == (401, "text/html")


def test_who_logs_in_and_out_and_who_fails_to_is_written_down(
    visitor: Visitor, ann: Created, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "qless_flask.audit")

    visitor.log_in(ann.text[:-1])
    visitor.log_in(ann.text)
    visitor.send("/logout", page="/")

    told = [json.loads(record.message) for record in caplog.records if record.name == "qless_flask.audit"]
    assert [(line["action"], line["actor"], line["address"]) for line in told] == [
        ("login_failed", None, "127.0.0.1"),
        ("login", "ann", "127.0.0.1"),
        ("logout", "ann", "127.0.0.1"),
    ]
    assert ann.text[:-1] not in caplog.text


def test_where_the_store_is_down_a_page_says_so(visitor: Visitor, ann: Created, tmp_path: Path) -> None:
    app = create_app("redis://127.0.0.1:1/0")

    for path in ("/", "/login"):
        answer = Visitor(app).open(path)

        assert (answer.status_code, answer.mimetype) == (503, "text/html")
        assert "The store does not answer" in answer.text
        assert answer.headers["Retry-After"] == "1"


def mounted(path: Path, *prefixes: str) -> Flask:
    """An app of somebody else, with a store under each prefix: the same, in which there is a token."""
    app = Flask("host")
    url = f"sqlite:///{path}/jobs.db?synchronous=off"
    for prefix in prefixes:
        QlessFlask(app, url=url, name=prefix.strip("/"), url_prefix=prefix)
    tokens_of(app, prefixes[0].strip("/")).create("viewer", ["*"])
    return app


def tokens_of(app: Flask, name: str = "qless") -> Tokens:
    found: Tokens = app.extensions["qless"][name].access.tokens
    return found


def tokens_backend(visitor: Visitor) -> Backend:
    backend: Backend = visitor.client.application.extensions["qless"]["qless"].backend
    return getattr(backend, "inner", backend)


def keep(visitor: Visitor, app: Flask, made: Created) -> None:
    """Give a visitor the cookie of a session, whatever has become of its token."""
    with app.test_request_context("/login"):
        response = Response()
        begin_session(response, made.token)
    name, _, rest = response.headers["Set-Cookie"].partition("=")
    visitor.client.set_cookie(name, rest.partition(";")[0])


def is_in_after(visitor: Visitor, app: Flask, made: Created, seconds: int) -> bool:
    """Tell whether a session that began so long ago is one."""

    class Earlier(TimestampSigner):
        def get_timestamp(self) -> int:
            return super().get_timestamp() - seconds

    with app.test_request_context("/login"):
        signing = serializer("session")
        signing.signer = Earlier
        value = signing.dumps([made.token.id, made.token.digest[:16]])
    keep(visitor, app, made)
    visitor.client.set_cookie(visitor.cookie("session"), str(value))
    return visitor.is_in()


def hidden(page: TestResponse, name: str) -> str:
    """Read a hidden field off a page."""
    return html.unescape(page.text.partition(f'name="{name}" value="')[2].partition('"')[0])

"""A form is taken from the browser alone that it was given to, and nothing that a page of another site has it send."""

from __future__ import annotations

import pytest
from flask import Flask
from itsdangerous import TimestampSigner

from qless_flask.backends.tokens import Created, Tokens
from qless_flask.errors import Forbidden
from qless_flask.web import create_app
from qless_flask.web.csrf import check_form
from qless_flask.web.signing import KEPT_SECONDS, cookie_name, digest, serializer

from .conftest import Api
from .visitors import CSRF, Visitor, form_token

SAYS = "This form is no longer valid"


@pytest.fixture
def ann(app: Flask) -> Created:
    """A token of an operator."""
    tokens: Tokens = app.extensions["qless"]["qless"].access.tokens
    return tokens.create("operator", ["*"], name="ann")


@pytest.fixture
def visitor(app: Flask, ann: Created) -> Visitor:
    """Ann's browser, in which she is logged in."""
    visitor = Visitor(app)
    visitor.log_in(ann.text)
    return visitor


class TestTheFieldOfAForm:
    def test_without_it_nothing_is_done(self, visitor: Visitor) -> None:
        answer = visitor.post("/logout", {})

        assert (answer.status_code, answer.mimetype) == (403, "text/html")
        assert SAYS in answer.text
        assert visitor.is_in()

    def test_nothing_is_done_with_another_text_in_it(self, visitor: Visitor) -> None:
        good = form_token(visitor.open("/"))
        for text in ("", "x", good[:-1], good.swapcase(), f"{good}.", "é", good.partition(".")[0]):
            assert visitor.post("/logout", {"csrf": text}).status_code == 403, text

        assert visitor.is_in()

    def test_that_of_another_browser_is_not_taken(self, visitor: Visitor, app: Flask) -> None:
        tokens: Tokens = app.extensions["qless"]["qless"].access.tokens
        mallory = Visitor(app)
        before = form_token(mallory.open("/login"))
        mallory.log_in(tokens.create("viewer", ["*"]).text)

        for stolen in (before, form_token(mallory.open("/"))):
            assert visitor.post("/logout", {"csrf": stolen}).status_code == 403

        assert visitor.is_in()

    def test_that_of_the_login_is_not_taken_from_another_browser(self, app: Flask, ann: Created) -> None:
        stolen = form_token(Visitor(app).open("/login"))
        for visitor in (Visitor(app), Visitor(app)):
            assert visitor.post("/login", {"csrf": stolen, "token": ann.text}).status_code == 403

            visitor.open("/login")
            assert visitor.post("/login", {"csrf": stolen, "token": ann.text}).status_code == 403
            assert not visitor.is_in()

    def test_one_from_before_the_login_is_not_taken_after_it(self, app: Flask, ann: Created) -> None:
        visitor = Visitor(app)
        before = form_token(visitor.open("/login"))
        visitor.log_in(ann.text)

        assert visitor.post("/logout", {"csrf": before}).status_code == 403

    def test_after_twelve_hours_it_is_not_taken(self, app: Flask, ann: Created) -> None:
        def taken(seconds: int) -> bool:
            class Earlier(TimestampSigner):
                def get_timestamp(self) -> int:
                    return super().get_timestamp() - seconds

            visitor = Visitor(app)
            visitor.open("/login")
            kept = visitor.client.get_cookie(visitor.cookie("form"))
            assert kept is not None
            with app.test_request_context("/login"):
                signing = serializer("form")
                signing.signer = Earlier
                token = str(signing.dumps(digest(kept.value)))
            return visitor.post("/login", {"csrf": token, "token": ann.text}).status_code == 303

        assert taken(KEPT_SECONDS - 60)
        assert not taken(KEPT_SECONDS + 60)

    def test_it_is_good_for_more_than_one_form(self, visitor: Visitor, ann: Created) -> None:
        page = visitor.open("/login")
        tokens = set(CSRF.findall(page.text))

        assert len(tokens) == 1
        assert visitor.post("/login", {"csrf": tokens.pop(), "token": ann.text}).status_code == 303

    def test_pages_in_two_tabs_do_not_spoil_each_other(self, app: Flask, ann: Created) -> None:
        visitor = Visitor(app)
        first, _ = form_token(visitor.open("/login")), form_token(visitor.open("/login"))

        assert visitor.post("/login", {"csrf": first, "token": ann.text}).status_code == 303

    def test_where_the_store_is_a_server_and_keeps_no_key_the_cookie_vouches(self) -> None:
        app = create_app("http://127.0.0.1:1")
        with app.test_request_context("/login"):
            forged = form_token_of("guessed")
        for token in ("x", forged):
            with app.test_request_context("/login", method="POST", data={"csrf": token}), pytest.raises(Forbidden):
                check_form()

        with app.test_request_context("/login"):
            cookie = f"{cookie_name('form')}=known"
            token = form_token_of("known")
        with app.test_request_context("/login", method="POST", data={"csrf": token}, headers={"Cookie": cookie}):
            check_form()

    def test_a_page_without_a_form_sets_no_cookie(self, app: Flask) -> None:
        assert "Set-Cookie" not in Visitor(app).open("/").headers


def test_a_form_that_is_too_large_is_refused(visitor: Visitor) -> None:
    answer = visitor.post("/logout", {"csrf": "x", "more": "x" * 4_000_001})

    assert answer.status_code == 413


def test_of_strangers_no_long_form_is_read(visitor: Visitor) -> None:
    assert visitor.send("/login", token="x" * 60_000).status_code == 401

    answer = visitor.send("/login", token="x" * 70_000)

    assert answer.status_code == 413


@pytest.mark.parametrize("encoding", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_may_be_as_large_as_any_body(visitor: Visitor, encoding: str) -> None:
    # Of the second kind werkzeug takes half a megabyte of its own, and a job may have more.
    answer = visitor.send("/logout", page="/", headers={"Content-Type": encoding}, more="x" * 3_000_000)

    assert answer.status_code == 303


class TestPagesOfOtherSites:
    FOREIGN = (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "something-new"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:81"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://["},
    )
    OURS: tuple[dict[str, str], ...] = (
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://other-name-behind-a-proxy"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {"Origin": "http://LOCALHOST"},
        {"Origin": "https://localhost"},
    )
    NEW = '{"klass": "Crawl"}'

    @pytest.mark.parametrize("headers", FOREIGN)
    def test_they_cannot_send_a_form(self, visitor: Visitor, headers: dict[str, str]) -> None:
        answer = visitor.send("/logout", page="/", headers=headers)

        assert answer.status_code == 403
        assert "A page of another site sent this" in answer.text
        assert visitor.is_in()

    @pytest.mark.parametrize("headers", FOREIGN)
    @pytest.mark.parametrize("who", ["anybody", "ann"])
    def test_they_cannot_use_the_api(self, api: Api, app: Flask, who: str, headers: dict[str, str]) -> None:
        visitor = Visitor(app)
        if who == "ann":
            tokens: Tokens = app.extensions["qless"]["qless"].access.tokens
            visitor.log_in(tokens.create("admin", ["*"]).text)
        for method, path in (
            ("POST", "queues/fetch/jobs"),
            ("DELETE", "jobs/a"),
            ("PUT", "jobs/a/tracked"),
            ("PATCH", "settings"),
        ):
            answer = visitor.client.open(
                f"/api/v1/namespaces/crawl/{path}", method=method, data=self.NEW, headers=headers
            )

            assert (answer.status_code, answer.get_json(force=True)["code"]) == (403, "FORBIDDEN"), path

    @pytest.mark.parametrize("headers", OURS)
    def test_our_own_can(self, visitor: Visitor, headers: dict[str, str]) -> None:
        put = visitor.client.post(
            "/api/v1/namespaces/crawl/queues/fetch/jobs",
            data=self.NEW,
            content_type="application/json",
            headers=headers,
        )

        assert put.status_code == 201
        assert visitor.send("/logout", page="/", headers=headers).status_code == 303

    @pytest.mark.parametrize("headers", FOREIGN)
    def test_who_shows_a_token_is_asked_no_more(self, app: Flask, ann: Created, headers: dict[str, str]) -> None:
        put = app.test_client().post(
            "/api/v1/namespaces/crawl/queues/fetch/jobs",
            data=self.NEW,
            content_type="application/json",
            headers={**headers, "Authorization": f"Bearer {ann.text}"},
        )

        assert put.status_code == 201

    def test_a_password_that_browsers_send_along_is_no_token(self, app: Flask) -> None:
        headers = {"Authorization": "Basic YW5uOng=", "Sec-Fetch-Site": "cross-site"}
        put = app.test_client().post("/api/v1/namespaces/crawl/queues/fetch/jobs", data=self.NEW, headers=headers)

        assert put.status_code == 403

    def test_whoever_is_not_known_hears_nothing_else_than_that(self, app: Flask, ann: Created) -> None:
        headers = {"Sec-Fetch-Site": "cross-site"}
        put = app.test_client().post("/api/v1/namespaces/crawl/queues/fetch/jobs", data=self.NEW, headers=headers)

        assert put.status_code == 401

    @pytest.mark.parametrize("headers", FOREIGN)
    def test_a_link_leads_here_from_anywhere(self, visitor: Visitor, headers: dict[str, str]) -> None:
        assert visitor.client.get("/", headers=headers).status_code == 200


def form_token_of(value: str) -> str:
    """Sign a form for the browser whose cookie has this value."""
    return str(serializer("form").dumps(digest(value)))

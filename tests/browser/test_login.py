"""In a real browser: the way in and out, and what pages of other sites can do with a session (nothing)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask, Response
from playwright.sync_api import BrowserContext, Page, expect

from qless_flask.backends.base import Backend
from qless_flask.backends.tokens import Tokens
from qless_flask.web import QlessFlask

from .conftest import Site

Serve = Callable[[Flask], Site]
WRONG = "This token is not known, has expired or was revoked."


@pytest.fixture
def token(tokens: Tokens) -> str:
    """The token of an operator."""
    return tokens.create("operator", ["*"], name="ann").text


def log_in(page: Page, token: str) -> None:
    """Log in, as people do."""
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")


class TestTheWayInAndOut:
    def test_a_link_leads_through_the_login_to_where_it_leads(self, page: Page, site: Site, token: str) -> None:
        page.goto(site.at("/?since=1%2F2"))
        expect(page).to_have_title(re.compile("Log in"))

        log_in(page, token)

        expect(page).to_have_url(site.at("/?since=1%2F2"))
        expect(page.get_by_text("ann")).to_be_visible()

    def test_a_token_can_be_typed_at_once(self, page: Page, site: Site, token: str) -> None:
        page.goto(site.at())

        expect(page.get_by_label("Token")).to_be_focused()

    def test_a_wrong_token_is_told_where_it_stands(self, page: Page, site: Site, token: str) -> None:
        page.goto(site.at("/?a=b"))

        log_in(page, token[:-1])

        expect(page.get_by_role("alert")).to_contain_text(WRONG)
        expect(page.get_by_label("Token")).to_have_accessible_description(re.compile(WRONG))
        expect(page.get_by_label("Token")).to_have_value("")
        log_in(page, token)
        expect(page).to_have_url(site.at("/?a=b"))

    def test_after_logging_out_the_way_back_shows_nothing(self, page: Page, site: Site, token: str) -> None:
        page.goto(site.at())
        log_in(page, token)
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_title(re.compile("Log in"))

        page.go_back()

        expect(page.get_by_label("Token")).to_be_visible()

    def test_a_revoked_token_ends_it(self, page: Page, site: Site, token: str, tokens: Tokens) -> None:
        page.goto(site.at())
        log_in(page, token)
        expect(page.get_by_text("ann")).to_be_visible()

        tokens.revoke(token.split("_")[1])
        page.reload()

        expect(page.get_by_label("Token")).to_be_visible()

    def test_where_there_is_no_token_the_start_page_is_shown(self, page: Page, site: Site) -> None:
        page.goto(site.at("/login"))

        expect(page).to_have_url(site.at("/"))
        expect(page.get_by_role("heading", level=1)).to_be_visible()

    def test_in_an_app_of_somebody_else_it_is_the_same(self, page: Page, store: Backend, serve: Serve) -> None:
        host = Flask("host")
        host.add_url_rule("/", "home", lambda: "the host's home")
        QlessFlask(host, backend=store, url_prefix="/deep/er")
        site = serve(host)
        found: Tokens = host.extensions["qless"]["qless"].access.tokens
        text = found.create("viewer", ["*"], name="victor").text

        page.goto(site.at("/deep/er/?a=b"))
        log_in(page, text)

        expect(page).to_have_url(site.at("/deep/er/?a=b"))
        assert [cookie["path"] for cookie in page.context.cookies() if "session" in cookie["name"]] == ["/deep/er/"]
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Token")).to_be_visible()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
class TestTheLook:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_style_is_loaded_in_both_themes(self, page: Page, site: Site, token: str, scheme: str) -> None:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.goto(site.at())

        ground = page.locator(".qless").evaluate("each => getComputedStyle(each).backgroundColor")

        shades = [int(shade) for shade in re.findall(r"\d+", ground)[:3]]
        assert all(shade < 80 for shade in shades) if scheme == "dark" else all(shade > 200 for shade in shades), ground

    def test_nothing_hangs_over_the_edge_of_a_small_screen(self, page: Page, site: Site, token: str) -> None:
        page.set_viewport_size({"width": 400, "height": 800})
        page.goto(site.at())

        assert page.locator("html").evaluate("each => each.scrollWidth") <= 400


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("scripts", [True], indirect=True)
@pytest.mark.parametrize("host", ["127.0.0.1", "queue.example"], ids=["trusted", "plain http"])
class TestPagesOfOtherSites:
    """At a name that is not this machine's a browser tells less over plain http: `Origin`, but no `Sec-Fetch-Site`."""

    def test_a_link_from_a_chat_does_not_log_anybody_out(
        self, page: Page, site: Site, token: str, host: str, serve: Serve
    ) -> None:
        come_in(page, site, host, token)
        page.goto(serve(evil(f'<a href="{site.at("/", host)}">look</a>')).at(host="chat.example"))

        page.get_by_text("look").click()

        expect(page.get_by_text("ann")).to_be_visible()

    def test_their_forms_are_refused(self, page: Page, site: Site, token: str, host: str, serve: Serve) -> None:
        come_in(page, site, host, token)
        form = f'<form method="post" action="{site.at("/logout", host)}"><button>win</button></form>'
        page.goto(serve(evil(form)).at(host="evil.example"))

        page.get_by_text("win").click()

        expect(page.locator("body")).to_contain_text(re.compile("another site sent this|Log in"))
        page.goto(site.at("/", host))
        expect(page.get_by_text("ann")).to_be_visible()

    def test_their_forms_cannot_call_the_api(
        self, page: Page, site: Site, host: str, serve: Serve, store: Backend
    ) -> None:
        # Nobody is asked who they are here, so that no cookie is needed: JSON may well be sent as plain text.
        action = site.at("/api/v1/namespaces/crawl/queues/fetch/pause", host)
        form = f'<form method="post" enctype="text/plain" action="{action}"><button>win</button></form>'
        page.goto(serve(evil(form)).at(host="evil.example"))

        page.get_by_text("win").click()

        expect(page.locator("body")).to_contain_text("FORBIDDEN")
        assert store.namespace("crawl").queues() == []

    def test_they_cannot_show_ours_in_a_frame(
        self, context: BrowserContext, site: Site, token: str, host: str, serve: Serve
    ) -> None:
        page = context.new_page()
        come_in(page, site, host, token)

        page.goto(serve(evil(f'<iframe src="{site.at("/", host)}"></iframe>')).at(host="evil.example"))

        expect(page.frame_locator("iframe").get_by_text("ann")).to_have_count(0)
        assert all(frame.url != site.at("/", host) for frame in page.frames)

    def test_our_own_forms_are_taken(self, page: Page, site: Site, token: str, host: str) -> None:
        come_in(page, site, host, token)

        page.get_by_role("button", name="Log out").click()

        expect(page.get_by_label("Token")).to_be_visible()


def come_in(page: Page, site: Site, host: str, token: str) -> None:
    page.goto(site.at("/", host))
    log_in(page, token)
    expect(page.get_by_text("ann")).to_be_visible()


def evil(body: str) -> Flask:
    """A site of somebody else, with one page."""
    app = Flask("evil")
    app.add_url_rule("/", "home", lambda: Response(f"<!doctype html><title>evil</title>{body}", mimetype="text/html"))
    return app

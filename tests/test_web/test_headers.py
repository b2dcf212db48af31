"""Every answer of ours keeps browsers from misusing it, and no answer of a host app is touched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from qless_flask.backends.base import Backend
from qless_flask.web import QlessFlask, create_app
from qless_flask.web.assets import asset
from qless_flask.web.headers import NOTHING, PAGE

from .visitors import HTML, Visitor

PLACES = {
    "a page": ("GET", "/", HTML),
    "an answer": ("GET", "/api/v1/namespaces/crawl/queues", "*/*"),
    "an answer of none": ("DELETE", "/api/v1/namespaces/crawl/queues/fetch", "*/*"),
    "a problem": ("GET", "/api/v1/namespaces/crawl/jobs/none", "*/*"),
    "an address of none": ("GET", "/api/nowhere", "*/*"),
    "another method": ("PUT", "/", HTML),
    "a redirect": ("GET", "/login", HTML),
    "events": ("GET", "/api/v1/namespaces/crawl/export", "*/*"),
    "metrics": ("GET", "/metrics", "*/*"),
    "health": ("GET", "/healthz", "*/*"),
}


@pytest.mark.parametrize("place", PLACES)
def test_each_is_what_it_says_it_is_and_for_our_own_pages_alone(app: Flask, place: str) -> None:
    method, path, accepted = PLACES[place]

    site = "https://queue.example"
    answer = app.test_client().open(path, method=method, headers={"Accept": accepted}, base_url=site)

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers.get("Cache-Control", "no-store") == "no-store"


def test_a_page_loads_nothing_but_our_own_files(app: Flask) -> None:
    policy = Visitor(app).open("/").headers["Content-Security-Policy"]

    assert policy == PAGE
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert set(rules.values()) == {"'none'", "'self'"}
    assert {"base-uri", "form-action", "frame-ancestors", "script-src", "style-src"} <= set(rules)


def test_what_is_no_page_loads_nothing_at_all(app: Flask) -> None:
    assert app.test_client().get("/healthz").headers["Content-Security-Policy"] == NOTHING


@pytest.mark.parametrize("path", ["/no/such/page", "/healthz/"])
def test_an_address_of_nothing_in_an_app_of_ours_has_them_too(app: Flask, path: str) -> None:
    assert app.test_client().get(path).headers["X-Content-Type-Options"] == "nosniff"


def test_what_is_refused_before_any_route_has_them_too(backend: Backend) -> None:
    answer = create_app(backend=backend, host_names=[]).test_client().get("/", base_url="http://evil.example")

    assert answer.status_code == 403
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_answers_of_a_host_app_are_its_own(tmp_path: Path) -> None:
    alone, host = Flask("host"), Flask("host")
    for app in (alone, host):
        app.add_url_rule("/", "home", lambda: "the host's home")
    QlessFlask(host, url=f"sqlite:///{tmp_path}/jobs.db?synchronous=off")

    for path in ("/", "/none"):
        assert set(host.test_client().get(path).headers.keys()) == set(alone.test_client().get(path).headers.keys())
    assert host.test_client().get("/qless/healthz").headers["X-Content-Type-Options"] == "nosniff"


class TestFiles:
    @pytest.fixture
    def style(self, app: Flask) -> str:
        with app.test_request_context("/"):
            return asset("css/qless.css")

    def test_a_page_names_its_style_by_what_is_in_it(self, app: Flask, style: str) -> None:
        assert f'href="{style}"' in Visitor(app).open("/").text

        answer = app.test_client().get(style)

        assert (answer.status_code, answer.content_type) == (200, "text/css; charset=utf-8")
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"

    def test_under_another_version_it_is_there_but_not_kept(self, app: Flask, style: str) -> None:
        other = style.replace(style.split("/")[2], "0" * 12)

        answer = app.test_client().get(other)

        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-cache"

    def test_it_is_sent_once_while_it_does_not_change(self, app: Flask, style: str) -> None:
        etag = app.test_client().get(style).headers["ETag"]

        again = app.test_client().get(style, headers={"If-None-Match": etag})

        assert (again.status_code, again.data) == (304, b"")

    def test_nobody_is_asked_who_they_are(self, app: Flask, style: str) -> None:
        app.extensions["qless"]["qless"].access.tokens.create("viewer", ["*"])

        assert app.test_client().get(style).status_code == 200

    def test_the_store_is_not_asked(self, style: str) -> None:
        assert create_app("redis://127.0.0.1:1/0").test_client().get(style).status_code == 200

    @pytest.mark.parametrize(
        "path",
        [
            "package.json",
            "css/none.css",
            "css",
            "css/",
            "../pyproject.toml",
            "css/../../pyproject.toml",
            "..%2f..%2fpyproject.toml",
            "/etc/passwd",
            "%2fetc%2fpasswd",
            "css/qless.css%00",
            "css/qless.css/",
        ],
    )
    def test_no_other_file_is_to_be_had(self, app: Flask, style: str, path: str) -> None:
        answer = app.test_client().get(style.replace("css/qless.css", path))

        assert answer.status_code == 404

    def test_under_any_prefix_it_is_found(self, tmp_path: Path) -> None:
        host = Flask("host")
        QlessFlask(host, url=f"sqlite:///{tmp_path}/jobs.db?synchronous=off", url_prefix="/deep/er")
        page = Visitor(host, "/deep/er").open("/")

        [style] = [part.partition('"')[0] for part in page.text.split('href="') if ".css" in part.partition('"')[0]]
        assert style.startswith("/deep/er/static/")
        assert host.test_client().get(style).status_code == 200


def test_no_page_has_a_script_or_a_style_of_its_own(app: Flask) -> None:
    visitor = Visitor(app)
    pages = [visitor.open("/"), visitor.open("/nowhere")]
    app.extensions["qless"]["qless"].access.tokens.create("viewer", ["*"])
    pages += [visitor.open("/login"), visitor.send("/login", token="none")]

    for page in pages:
        check_bare(page)


def check_bare(page: TestResponse) -> None:
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", page.text, re.DOTALL)
    assert not "".join(scripts).strip()
    assert not re.search(r"<style|\s(style|on\w+)\s*=", page.text)

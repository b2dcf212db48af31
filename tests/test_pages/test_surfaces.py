"""Plugins add pages, panels and buttons; a host's template may stand round the pages."""

from __future__ import annotations

import json
import logging
import types
from collections.abc import Iterable
from typing import Any

import pytest
from flask import Flask
from jinja2 import DictLoader
from markupsafe import Markup
from test_web.visitors import Visitor

from qless_flask.backends.base import Backend
from qless_flask.backends.hooked import Hooked
from qless_flask.errors import Rejected
from qless_flask.hookspecs import JobPanel, PageAction, PluginPage, Space, hookimpl
from qless_flask.models import Identity, Job, NewJob, Role
from qless_flask.plugins import Plugins
from qless_flask.testing.model import ModelBackend
from qless_flask.web import QlessFlask

HERE = "/namespaces/shop"
ONE = f"{HERE}/jobs/one"


def hosts(space: Space) -> str:
    return Markup("<p class='found'>{} jobs in {}</p>").format(sum(q.waiting for q in space.queues()), space.name)


def put(space: Space) -> str:
    [made] = space.put([NewJob("Crawl", queue="fetch", jid="made")])
    return f"{made.jid} is put."


def refuse(space: Space) -> str:
    raise Rejected("not on Sundays")


def explode(space: Space) -> str:
    raise ValueError("boom")


def plugin(**hooks: Any) -> types.ModuleType:
    module = types.ModuleType("surfacing")
    for name, function in hooks.items():
        setattr(module, name, hookimpl(function))
    return module


def pages() -> Iterable[PluginPage]:
    actions = {"put": PageAction("Put one", put), "wipe": PageAction("Wipe", put, action="erase")}
    return [
        PluginPage("hosts", "Hosts", hosts, actions=actions),
        PluginPage("text", "Text", lambda space: "<script>alert(1)</script>"),
        PluginPage("secret", "Secret", lambda space: "for admins", action="remember"),
        PluginPage("broken", "Broken", explode),
        PluginPage("No Such Path", "Odd", hosts),
        PluginPage("no-action", "Odd", hosts, action="zut"),
    ]


def job_panels(namespace: Space, job: Job) -> Iterable[JobPanel]:
    actions = {
        "put": PageAction("Put one", put),
        "refuse": PageAction("Refuse", refuse),
        "explode": PageAction("Explode", explode),
        "wipe": PageAction("Wipe", put, action="erase"),
    }
    return [JobPanel("Weather", f"<b>{job.jid}</b> in {namespace.name}", actions)]


@pytest.fixture
def backend() -> Backend:
    """A store with a job."""
    surfacing = plugin(register_pages=pages, job_panels=job_panels)
    backend = Hooked(ModelBackend(), plugins=Plugins({"surfacing": surfacing}, installed=False))
    backend.namespace("shop").put([NewJob("Crawl", queue="fetch", jid="one")])
    return backend


def visit(backend: Backend, role: Role = "operator") -> Visitor:
    app = Flask("host")
    QlessFlask(app, backend=backend, url_prefix="", authenticate=lambda request: Identity("ann", role))
    return Visitor(app)


class TestPages:
    def test_a_page_stands_in_the_navigation_and_says_what_it_has_to_say(self, backend: Backend) -> None:
        page = visit(backend).open(f"{HERE}/plugins/hosts")

        assert page.status_code == 200
        assert "<h1>Hosts</h1>" in page.text
        assert "<p class='found'>1 jobs in shop</p>" in page.text
        assert f'href="{HERE}/plugins/hosts" aria-current="page"' in page.text

    def test_text_is_escaped(self, backend: Backend) -> None:
        assert "&lt;script&gt;" in visit(backend).open(f"{HERE}/plugins/text").text

    def test_a_button_does_what_it_says_and_tells_it(self, backend: Backend) -> None:
        operator, page = visit(backend), f"{HERE}/plugins/hosts"

        answer = operator.send(f"{page}/put", page=page)

        assert answer.headers["Location"] == page
        assert "made is put." in operator.open(page).text
        assert backend.namespace("shop").get(["made"]) != [None]

    def test_who_pressed_a_button_is_written_down(self, backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "qless_flask.audit")
        page = f"{HERE}/plugins/hosts"

        visit(backend, "admin").send(f"{page}/wipe", page=page)

        assert [json.loads(each.message) for each in caplog.records if each.name == "qless_flask.audit"] == [
            {
                "actor": "ann",
                "address": "127.0.0.1",
                "action": "erase",
                "namespace": "shop",
                "plugin": "surfacing",
                "button": "wipe",
            }
        ]

    def test_who_may_not_is_shown_neither_page_nor_button(self, backend: Backend) -> None:
        operator, viewer = visit(backend), visit(backend, "viewer")

        assert "Secret" not in operator.open(HERE + "/").text
        assert operator.open(f"{HERE}/plugins/secret").status_code == 403
        assert visit(backend, "admin").open(f"{HERE}/plugins/secret").status_code == 200
        assert "Wipe" not in operator.open(f"{HERE}/plugins/hosts").text
        assert operator.send(f"{HERE}/plugins/hosts/wipe", page=f"{HERE}/plugins/hosts").status_code == 403
        assert "Put one" not in viewer.open(f"{HERE}/plugins/hosts").text

    def test_none_is_shown_the_namespace_that_is_ours(self, backend: Backend) -> None:
        admin = visit(backend, "admin")

        assert admin.open("/namespaces/_qless/plugins/hosts").status_code == 422
        assert admin.send("/namespaces/_qless/plugins/hosts/put", page=f"{HERE}/plugins/hosts").status_code == 422

    def test_one_that_breaks_is_named_and_breaks_nothing_else(self, backend: Backend) -> None:
        operator = visit(backend)

        assert operator.open(f"{HERE}/plugins/broken").status_code == 500
        assert operator.open(f"{HERE}/plugins/hosts").status_code == 200

    def test_one_that_cannot_be_shown_is_left_out(self, backend: Backend) -> None:
        assert "Odd" not in visit(backend, "admin").open(f"{HERE}/plugins/hosts").text

    def test_what_is_not_there(self, backend: Backend) -> None:
        operator = visit(backend)

        assert operator.open(f"{HERE}/plugins/nothing").status_code == 404
        assert operator.send(f"{HERE}/plugins/hosts/zut", page=f"{HERE}/plugins/hosts").status_code == 404


class TestPanels:
    def test_a_panel_stands_on_the_page_of_each_job(self, backend: Backend) -> None:
        text = visit(backend).open(ONE).text

        assert "Weather" in text
        assert "&lt;b&gt;one&lt;/b&gt; in shop" in text
        assert "Wipe" not in text

    def test_its_buttons_do_what_they_say(self, backend: Backend) -> None:
        operator = visit(backend)

        answer = operator.send(f"{ONE}/panels/surfacing/0/put", page=ONE)

        assert answer.headers["Location"] == ONE
        assert "made is put." in operator.open(ONE).text

    @pytest.mark.parametrize(
        ("name", "status", "told"),
        [
            ("refuse", 422, "not on Sundays"),
            ("explode", 500, "lugin surfacing failed"),
            ("wipe", 403, ""),
            ("zut", 404, ""),
        ],
    )
    def test_what_a_button_cannot_do_is_told(self, backend: Backend, name: str, status: int, told: str) -> None:
        answer = visit(backend).send(f"{ONE}/panels/surfacing/0/{name}", page=ONE)

        assert answer.status_code == status
        assert told in answer.text

    def test_a_plugin_that_breaks_leaves_the_job_to_be_seen(self) -> None:
        def broken(namespace: Space, job: Job) -> Iterable[JobPanel]:
            raise ValueError("boom")

        plugins = Plugins({"broken": plugin(job_panels=broken)}, installed=False)
        backend = Hooked(ModelBackend(), plugins=plugins)
        backend.namespace("shop").put([NewJob("Crawl", queue="fetch", jid="one")])

        page = visit(backend).open(ONE)

        assert page.status_code == 200
        assert "this plugin failed" in page.text


class TestFrame:
    LAYOUT = (
        "<html><head><title>Host: {{ qless_title }}</title>{{ qless_head }}</head>"
        "<body class=host>{{ motto }}{{ qless_body }}</body></html>"
    )

    @pytest.fixture
    def visitor(self, backend: Backend) -> Visitor:
        """Somebody at a host whose layout stands round our pages."""
        app = Flask("host")
        app.jinja_loader = DictLoader({"layout.html": self.LAYOUT})
        app.context_processor(lambda: {"motto": "We sell."})
        QlessFlask(app, backend=backend, url_prefix="/jobs", frame="layout.html")
        return Visitor(app)

    def test_the_hosts_template_stands_round_the_pages(self, visitor: Visitor) -> None:
        page = visitor.open("/jobs/namespaces/shop/queues")

        assert page.text.startswith("<html><head><title>Host: Queues</title>")
        assert '<body class=host>We sell.<div class="qless">' in page.text
        assert page.text.count("<html") == 1
        assert "/jobs/static/" in page.text.partition("</head>")[0]

    def test_problems_stand_in_it_too(self, visitor: Visitor) -> None:
        page = visitor.open("/jobs/namespaces/shop/jobs/nobody")

        assert page.status_code == 404
        assert "We sell." in page.text

    def test_what_it_may_load_is_for_the_host_to_say(self, visitor: Visitor) -> None:
        policy = visitor.open("/jobs/namespaces/shop/").headers["Content-Security-Policy"]

        assert "default-src" not in policy
        assert "form-action 'self'" in policy

    def test_forms_work_in_it(self, visitor: Visitor, backend: Backend) -> None:
        page = "/jobs/namespaces/shop/queues/fetch"

        assert visitor.send(f"{page}/pause", page=page).status_code == 303
        assert backend.namespace("shop").queues(["fetch"])[0].paused

"""The page of plugins names all of them, with what they do; what one said when it failed is for who may see all."""

from __future__ import annotations

import pytest
from flask import Flask
from test_web.visitors import Visitor

from qless_flask.backends.base import Backend
from qless_flask.models import Identity
from qless_flask.models.plugin_figures import PluginFailure
from qless_flask.models.plugins import Plugin, PluginReport
from qless_flask.web import QlessFlask
from qless_flask.web.service import Service


def test_built_in_ones_are_named(visitor: Visitor) -> None:
    page = visitor.open("/plugins")

    assert page.status_code == 200
    assert "allow_list" in page.text
    assert "built in" in page.text


def test_what_one_said_when_it_failed_is_for_who_may_see_all(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Plugin(
        "odd",
        state="loaded",
        source="given",
        errors=1,
        last_error=PluginFailure("on_event", 1.0, "<job of another namespace>"),
    )
    monkeypatch.setattr(Service, "report", lambda self: PluginReport("host-1", (broken,), {}))

    def page(namespaces: tuple[str, ...]) -> str:
        app = Flask("host")
        who = Identity("ann", "viewer", namespaces)
        QlessFlask(app, backend=backend, url_prefix="", authenticate=lambda request: who)
        return Visitor(app).open("/plugins").text

    assert "&lt;job of another namespace&gt;" in page(("*",))
    assert "job of another" not in page(("shop",))

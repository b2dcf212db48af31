"""The mount itself: a page for people, and for programs what this is and where to go on."""

from __future__ import annotations

from importlib.metadata import version

from flask import Response, url_for

from qless_flask.web.answers import answer
from qless_flask.web.current import current_service
from qless_flask.web.pages.rendering import page, wants_page
from qless_flask.web.pages.views import PageViews

views = PageViews()


@views.get("/", "home")
def home() -> Response:
    """List the namespaces, or say what this is."""
    if wants_page():
        return page("home.html", namespaces=current_service().seen_namespaces())
    response = answer(
        {
            "name": "qless-flask",
            "version": version("qless-flask"),
            "namespaces": url_for(".list_namespaces"),
            "ready": url_for(".ready"),
        }
    )
    response.headers["Vary"] = "Accept"
    return response

"""The plugins of the process that answers, and what the schedulers of its store have done."""

from __future__ import annotations

from flask import Response

from qless_flask.web.api.plugins import seen_report
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.views import PageViews

views = PageViews()


@views.get("/plugins", "plugins")
def plugins_page() -> Response:
    """Show which plugins there are, what they do, and how they do."""
    return page("plugins.html", report=seen_report())

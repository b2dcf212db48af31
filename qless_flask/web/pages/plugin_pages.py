"""The pages of plugins, and their panels on the page of a job: shown, and their buttons pressed."""

from __future__ import annotations

from typing import NoReturn

from flask import Response, request

from qless_flask.errors import Forbidden, NotFound, QlessError
from qless_flask.hookspecs import Space
from qless_flask.web.current import current_service
from qless_flask.web.pages.acting import act
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.job import find_job, show_job
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.surfaces import OfferedPage, allowed, body_of, do, find_panels, may
from qless_flask.web.pages.views import PageViews

views = PageViews("/namespaces/<namespace>")


@views.get("/plugins/<path>", "queues")
def plugin_page() -> Response:
    """Show a page of a plugin."""
    return _show(_offered())


@views.post("/plugins/<path>/<name>", "queues")
def plugin_page_form() -> Response:
    """Press a button of a page of a plugin."""
    offered, names = _offered(), request.view_args or {}
    return act(
        lambda: do(offered.call.plugin, offered.page.actions, names["name"], _space()),
        back=address_of("plugin_page", path=offered.page.path),
        said=lambda told: told,
        again=_refuse,
    )


@views.post("/jobs/<path:jid>/panels/<plugin>/<number>/<name>", "get")
def job_panel_form() -> Response:
    """Press a button of a panel on the page of a job."""
    names = request.view_args or {}
    job = find_job()
    service = current_service()
    panel = next(
        (
            each.panel
            for each in find_panels(service.plugins, _space(), job)
            if (each.plugin, str(each.number)) == (names["plugin"], names["number"])
        ),
        None,
    )
    if panel is None:
        raise NotFound(f"plugin {names['plugin']} has no such panel on job {job.jid}", subject=job.jid)
    return act(
        lambda: do(names["plugin"], panel.actions, names["name"], _space()),
        back=address_of("job_page", jid=job.jid),
        said=lambda told: told,
        again=show_job,
    )


def _refuse(error: QlessError) -> NoReturn:
    # The guard makes a page of it.
    raise error


def _show(offered: OfferedPage) -> Response:
    space = _space()
    return page(
        "plugin_page.html",
        offered=offered.page,
        body=body_of(offered, space),
        actions=allowed(space.name, offered.page.actions),
    )


def _offered() -> OfferedPage:
    """Find the page of the path. Raise NotFound, and Forbidden to whom it is not for."""
    path = (request.view_args or {})["path"]
    found = current_service().offered_pages.get(path)
    if found is None:
        raise NotFound(f"no plugin has a page {path}", subject=path)
    if not may(found.page.action, _space().name):
        raise Forbidden.about(found.page.action)
    return found


def _space() -> Space:
    return current_service().space((request.view_args or {})["namespace"])

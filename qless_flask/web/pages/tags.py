"""Tags in figures; and all that is tracked: jobs, and tags."""

from __future__ import annotations

from flask import Response, request

from qless_flask.errors import QlessError
from qless_flask.models import STATES, Tag, Tracked
from qless_flask.web.pages.acting import act
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.picking import MOST_READ, pick
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import perform

views = PageViews("/namespaces/<namespace>")

_ORDERS = {
    "jobs": lambda tag: -sum(tag.states.values()),
    "failed": lambda tag: -tag.states["failed"],
}


@views.get("/tags", "tags")
def tags_page() -> Response:
    """List the tags, those of most jobs first."""
    tags: list[Tag] = perform("tags", after=request.args.get("after") or None, limit=MOST_READ)
    return page("tags.html", picked=pick(tags, request.args, lambda each: each.name, _ORDERS, MOST_READ), states=STATES)


@views.get("/tags/<path:tag>", "tags")
def tag_page() -> Response:
    """Show one tag."""
    return _one()


@views.get("/tracked", "tracked")
def tracked_page() -> Response:
    """List all that is tracked."""
    tracked: Tracked = perform("tracked")
    return page(
        "tracked.html",
        picked=pick(tracked.jobs, request.args, lambda each: each.jid),
        tags=tracked.tags,
        states=STATES,
    )


@views.post("/tags/<path:tag>/track", "track")
def track_tag_form() -> Response:
    """Follow a tag or, with `on` as `no`, no longer."""
    name, on = _name(), request.form.get("on") != "no"
    return act(
        lambda: perform("track", tag=name, on=on),
        back=address_of("tag_page", tag=name),
        said=f"{name} is tracked." if on else f"{name} is tracked no longer.",
        again=_one,
    )


def _one(error: QlessError | None = None) -> Response:
    [tag] = perform("tags", names=[_name()])
    assert isinstance(tag, Tag)
    return page("tag.html", 200 if error is None else error.status, tag=tag, states=STATES, error=error)


def _name() -> str:
    return str((request.view_args or {})["tag"])

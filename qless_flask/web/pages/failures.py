"""Failures: the groups that failed jobs are in, and one of them, with what its jobs died of."""

from __future__ import annotations

from flask import Response, request

from qless_flask.models import FailureGroup, Filter, Page
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.filters import write_filter
from qless_flask.web.pages.picking import MOST_READ, pick
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import perform

views = PageViews("/namespaces/<namespace>")

MOST_JOBS = 50
"""How many of a group's jobs its page shows."""
_ORDERS = {
    "last": lambda group: -group.last_at,
    "first": lambda group: group.first_at,
    "jobs": lambda group: -group.count,
}


@views.get("/failures", "failures")
def failures_page() -> Response:
    """List the groups of failed jobs, that of the latest failure first."""
    after = request.args.get("after") or None
    groups: list[FailureGroup] = perform("failures", after=after, limit=MOST_READ)
    return page(
        "failures.html", picked=pick(groups, request.args, lambda each: each.group, _ORDERS, MOST_READ), change=_change
    )


@views.get("/failures/<path:group>", "failures")
def failure_page() -> Response:
    """Show one group, and what its jobs that failed last died of."""
    name = str((request.view_args or {})["group"])
    groups: list[FailureGroup] = perform("failures", groups=[name])
    found: Page = perform("select", filter=Filter(state="failed", group=name), limit=MOST_JOBS)
    return page(
        "failure.html",
        200 if groups else 404,
        name=name,
        group=groups[0] if groups else None,
        jobs=found.jobs,
        change=_change,
    )


def _change(group: str, action: str) -> str:
    """Tell the address of the page that does something to all jobs of a group."""
    return address_of("change_jobs_page", filter=write_filter(Filter(state="failed", group=group)), action=action)

"""Jobs: those that a filter asks for, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from flask import Response, request

from qless_flask.errors import QlessError
from qless_flask.models import STATES, Filter, Job, Page
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.bulk import ACTIONS
from qless_flask.web.pages.filters import NAMES, Sought, narrowed, read_filter
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import perform

views = PageViews("/namespaces/<namespace>")

ROWS = 50
LOOKS = 2
"""How often one page goes on where a look came back short: each reads 1,000 records."""
MOST_SUGGESTED = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A job in the list."""

    job: Job
    at: float | None
    """When it came into its state; when it is due, of a scheduled one."""


@views.get("/jobs", "select")
def jobs_page() -> Response:
    """List the jobs that the filter box asks for."""
    return show_jobs()


@views.get("/suggest", "select")
def suggest_page() -> Response:
    """Answer with what the filter box may go on like: whole texts, for a list below it."""
    text = request.args.get("text", "")
    before, space, word = text.rpartition(" ")
    response = Response("\n".join(f"{before}{space}{each}" for each in _completed(word)), mimetype="text/plain")
    response.headers["Cache-Control"] = "no-store"
    return response


def show_jobs(error: QlessError | None = None) -> Response:
    """Show the list of the filter in the query, or in the form that was sent."""
    text = request.form.get("filter", request.args.get("filter", ""))
    sought = read_filter(text)
    found, scanned = _select(sought.filter, request.args.get("cursor"))
    return page(
        "jobs.html",
        200 if error is None else error.status,
        sought=sought,
        filter=sought.filter,
        rows=[Row(job, _since(job)) for job in found.jobs],
        next=address_of("jobs_page", filter=sought.text, cursor=found.next) if found.next else None,
        scanned=scanned,
        paged="cursor" in request.args,
        states=[(state, _with_state(sought, state)) for state in STATES],
        suggested=_suggested(),
        also=_also,
        external=urljoin(request.host_url, address_of("put_jobs", queue="mail")),
        actions=ACTIONS,
        error=error,
    )


def _select(filter: Filter, cursor: str | None) -> tuple[Page, int]:
    """Read a page; where few of many match, look on a little, and say how many records were read."""
    jobs: list[Job] = []
    scanned = 0
    for _ in range(LOOKS):
        found: Page = perform("select", filter=filter, cursor=cursor, limit=ROWS - len(jobs))
        jobs.extend(found.jobs)
        scanned, cursor = scanned + found.scanned, found.next
        if cursor is None or len(jobs) >= ROWS:
            break
    return Page(tuple(jobs), cursor, scanned), scanned


def _since(job: Job) -> float | None:
    return job.ended_at or (job.started_at if job.state == "running" else job.available_at)


def _also(filter: Filter, **more: Any) -> str:
    """Tell the address of the list that asks for more."""
    return address_of("jobs_page", filter=narrowed(filter, **more))


def _with_state(sought: Sought, state: str) -> str:
    other = None if sought.filter.state == state else state
    return address_of("jobs_page", filter=narrowed(sought.filter, state=other))


def _suggested() -> list[str]:
    """What anybody may begin with, for browsers without scripts."""
    return [*(f"state:{state}" for state in STATES), "tracked:yes"]


def _completed(word: str) -> Sequence[str]:
    name, colon, begun = word.partition(":")
    if not colon:
        return [f"{each}:" for each in NAMES if each.startswith(name)]
    begun = begun.removeprefix('"')
    return [
        f'{name}:"{value}"' if " " in value else f"{name}:{value}"
        for value in _values(name)
        if value.casefold().startswith(begun.casefold())
    ][:MOST_SUGGESTED]


def _values(name: str) -> Sequence[str]:
    if name == "state":
        return STATES
    if name == "tracked":
        return ("yes", "no")
    if name == "queue":
        return [queue.name for queue in perform("queues")]
    if name == "tag":
        return [tag.name for tag in perform("tags")]
    if name == "worker":
        return [worker.name for worker in perform("workers")]
    groups = perform("failures") if name in ("group", "klass") else []
    if name == "group":
        return [group.group for group in groups]
    return sorted({klass for group in groups for klass in group.klasses})

"""The log of transitions: the newest that match or, behind a cursor, those that follow."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response, request

from qless_flask.errors import Invalid
from qless_flask.models import Event, EventFilter, EventPage
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import perform

views = PageViews("/namespaces/<namespace>")

ROWS = 100
LOOK = 1000
LOOKS = 10
"""How often one page goes on reading: the log is read forward only, and may be long."""
_TRACKED = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Log:
    """A part of the log."""

    events: tuple[Event, ...]
    next: str
    """Behind what it goes on."""
    is_end: bool
    """Nothing stood behind that when it was read."""


@views.get("/events", "events")
def events_page() -> Response:
    """Show the newest events that match or, behind `after`, the first of those that follow."""
    typed = {name: request.args.get(name, "").strip() for name in ("jid", "queue", "tag", "tracked")}
    error, log = None, Log((), "end", True)
    try:
        log = _read(request.args.get("after") or None, _filter(typed))
    except Invalid as refused:
        error = refused
    told = {name: value for name, value in typed.items() if value}
    in_api = {**told, **({"tracked": str(typed["tracked"] == "yes").lower()} if typed["tracked"] else {})}
    return page(
        "events.html",
        200 if error is None else error.status,
        log=log,
        typed=typed,
        told=told,
        after=request.args.get("after"),
        poll=f"{address_of('list_events')}?{urlencode({**in_api, 'after': log.next, 'limit': ROWS})}",
        error=error,
    )


def _filter(typed: Mapping[str, str]) -> EventFilter:
    return EventFilter(
        jid=typed["jid"] or None,
        queue=typed["queue"] or None,
        tag=typed["tag"] or None,
        tracked=_TRACKED.get(typed["tracked"]),
    )


def _read(after: str | None, filter: EventFilter) -> Log:
    """Read on from a cursor until a page is full; from the beginning, until the end, and keep the last of it."""
    found: deque[Event] = deque(maxlen=ROWS)
    cursor = after or "0"
    for _ in range(LOOKS):
        limit = LOOK if after is None else ROWS - len(found)
        step: EventPage = perform("events", after=cursor, limit=limit, filter=filter)
        found.extend(step.events)
        if step.next == cursor:
            return Log(tuple(found), cursor, True)
        cursor = step.next
        if after is not None and len(found) == ROWS:
            break
    return Log(tuple(found), cursor, False)

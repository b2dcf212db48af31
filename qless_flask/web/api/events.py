"""The log of all transitions."""

from __future__ import annotations

from flask import Response

from qless_flask.schemas.events import EventsAfterSchema
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.web.answers import answer
from qless_flask.web.parsing import QueryWait, QueryWhole, load_query
from qless_flask.web.service import perform
from qless_flask.web.views import Views

views = Views()


class EventsQuery(EventsAfterSchema):
    """From where to read, and how long to wait."""

    limit = QueryWhole()
    wait = QueryWait()


@views.get("/events")
def list_events() -> Response:
    """Read the events after a cursor."""
    return answer(OPERATIONS["events"].dump_answer(perform("events", **load_query(_EVENTS_QUERY))))


_EVENTS_QUERY = EventsQuery()

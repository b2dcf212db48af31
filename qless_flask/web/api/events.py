"""The log of all transitions."""

from __future__ import annotations

from typing import Any

from flask import Response

from qless_flask.models import EventFilter
from qless_flask.schemas.events import EventFilterSchema
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.schemas.values import Text
from qless_flask.web.answers import answer
from qless_flask.web.parsing import QueryFlag, QueryWait, QueryWhole, load_query
from qless_flask.web.service import perform
from qless_flask.web.views import Views

views = Views()


class EventsQuery(EventFilterSchema):
    """Which events to read, from where, and how long to wait."""

    tracked = QueryFlag()
    after = Text()
    limit = QueryWhole()
    wait = QueryWait()

    def make(self, values: dict[str, Any]) -> object:
        page: dict[str, Any] = {name: values.pop(name) for name in ("after", "limit", "wait") if name in values}
        return {"filter": EventFilter(**values), **page}


@views.get("/events", "events")
def list_events() -> Response:
    """Read the events after a cursor that match."""
    return answer(OPERATIONS["events"].dump_answer(perform("events", **load_query(_EVENTS_QUERY))))


_EVENTS_QUERY = EventsQuery()

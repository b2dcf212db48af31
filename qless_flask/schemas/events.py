"""Events on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import post_dump

from qless_flask.models import Event, EventFilter, EventPage
from qless_flask.schemas.noun import AnswerNoun, Noun
from qless_flask.schemas.values import Flag, Listed, One, Seconds, Text, Wait, Whole


class EventFilterSchema(Noun):
    """Which events to read."""

    model = EventFilter

    jid = Text(allow_none=True)
    queue = Text(allow_none=True)
    tag = Text(allow_none=True)
    tracked = Flag(allow_none=True)


class EventsAfterSchema(Noun):
    """From where to read the log of events, and how long to wait for the first."""

    after = Text(allow_none=True)
    limit = Whole()
    wait = Wait()
    filter = One(EventFilterSchema, allow_none=True)


class EventSchema(AnswerNoun):
    """One transition; what does not apply is left out."""

    model = Event
    sparse = True

    cursor = Text(required=True)
    at = Seconds(required=True)
    event = Text(required=True)
    jid = Text()
    queue = Text()
    to = Text()
    state = Text()
    worker = Text()
    group = Text()
    tags = Listed(Text())
    tracked = Flag()
    recurrence = Text()
    klass = Text()
    waited = Seconds()
    ran = Seconds()
    actor = Text()
    address = Text()

    @post_dump
    def _leave_out_what_is_not(self, message: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        # A time of 0.0 is something to say, though it equals False.
        return {name: value for name, value in message.items() if value is not False and value != []}


class EventPageSchema(AnswerNoun):
    """Events in order; ask `after` `next` for those that follow."""

    model = EventPage

    events = Listed(One(EventSchema), required=True)
    next = Text(required=True)

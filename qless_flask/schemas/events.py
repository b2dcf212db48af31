"""Events on the wire."""

from __future__ import annotations

from qless_flask.models import Event, EventPage
from qless_flask.schemas.noun import AnswerNoun, Noun
from qless_flask.schemas.values import Listed, One, Seconds, Text, Wait, Whole


class EventsAfterSchema(Noun):
    """From where to read the log of events, and how long to wait for the first."""

    after = Text(allow_none=True)
    limit = Whole()
    wait = Wait()


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
    actor = Text()
    address = Text()


class EventPageSchema(AnswerNoun):
    """Events in order; ask `after` `next` for those that follow."""

    model = EventPage

    events = Listed(One(EventSchema), required=True)
    next = Text(required=True)

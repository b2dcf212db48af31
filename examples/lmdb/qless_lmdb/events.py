"""The log of all transitions, numbered."""

from __future__ import annotations

import re

from qless_flask.backends.store import to_seconds
from qless_flask.errors import Invalid
from qless_flask.models import Event, EventPage
from qless_lmdb.look import Look
from qless_lmdb.records import EVENT, EventState, seconds

_CURSOR = re.compile(r"[0-9]{1,18}")


def events(look: Look, after: str | None, limit: int) -> EventPage:
    """Read on after an event, with a gap first where some that followed it were trimmed. Raise Invalid."""
    start = read_cursor(after)
    first = max(start, look.itself.trimmed)
    found = [Event(str(first), to_seconds(look.now), "gap")] if 0 < start < first else []
    for (number,), value in look.walk("event", after=(first,), most=limit - len(found)):
        found.append(_event(str(number), EVENT.decode(value)))
    return EventPage(tuple(found), found[-1].cursor if found else str(first))


def read_cursor(text: str | None) -> int:
    """Read a cursor of the log; 0 is the beginning. Raise Invalid."""
    if text is None:
        return 0
    if not _CURSOR.fullmatch(text):
        raise Invalid.of({"after": ["is no cursor of an event"]})
    return int(text)


def _event(cursor: str, event: EventState) -> Event:
    return Event(
        cursor,
        to_seconds(event.at),
        event.event,
        jid=event.jid,
        queue=event.queue,
        to=event.to,
        state=event.state,
        worker=event.worker,
        group=event.group,
        tags=tuple(event.tags),
        tracked=event.tracked,
        recurrence=event.recurrence,
        klass=event.klass,
        waited=seconds(event.waited),
        ran=seconds(event.ran),
        actor=event.actor,
        address=event.address,
    )

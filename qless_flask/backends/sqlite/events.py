"""The log of all transitions: an entry holds those of one operation, a line each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qless_flask.backends.sqlite.draft import TAG_END
from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.sqlite.record import STATE_NAMES
from qless_flask.backends.sqlite.statements import ENTRIES, FIRST_ENTRY, LAST_ENTRY
from qless_flask.backends.store import to_seconds
from qless_flask.errors import Invalid
from qless_flask.models import Event, EventPage

Position = tuple[int, int]
"""What to read next: an entry, and which of its transitions."""

START: Position = (0, 0)
FIELDS = 14
"""How many may stand behind the name of a transition in its line."""
_CURSOR = re.compile(r"([0-9]{1,18})-([0-9]{1,9})")


def events(look: Look, after: str | None, limit: int) -> EventPage:
    """Read up to `limit` transitions after a cursor. Raise Invalid."""
    position = read_cursor(after)
    found = list(_gap(look, position))
    for event in _read(look, position):
        if len(found) == limit:
            break
        found.append(event)
    return EventPage(tuple(found), found[-1].cursor if found else after or "0")


def last_entry(look: Look) -> int:
    """Number the latest entry."""
    found = look.connection.execute(LAST_ENTRY, (look.namespace,)).fetchone()
    return int(found[0]) if found else 0


def log_end(look: Look) -> str:
    """Tell the cursor behind the latest entry."""
    last = last_entry(look)
    return _cursor((last + 1, 0)) if last else "0"


def read_cursor(text: str | None) -> Position:
    """Read a cursor. Raise Invalid."""
    if text in (None, "0"):
        return START
    found = _CURSOR.fullmatch(text or "")
    if not found:
        raise Invalid.of({"after": ["is no cursor of an event"]})
    return int(found[1]), int(found[2])


def _cursor(position: Position) -> str:
    return "{}-{}".format(*position)


def _gap(look: Look, position: Position) -> Iterator[Event]:
    found = look.connection.execute(FIRST_ENTRY, (look.namespace,)).fetchone()
    if found and START < position < (found[0], 0):
        yield Event(_cursor((found[0], 0)), to_seconds(look.now), "gap")


def _read(look: Look, position: Position) -> Iterator[Event]:
    first, index = position
    for entry, at, transitions in look.connection.execute(ENTRIES, (look.namespace, first)):
        lines = transitions.split("\n")
        start = index if entry == first else 0
        for number, line in enumerate(lines[start:], start=start + 1):
            # After the last of an entry comes the next entry, whatever becomes of this one.
            after = (entry, number) if number < len(lines) else (entry + 1, 0)
            yield _event(_cursor(after), to_seconds(at), line)


def _event(cursor: str, at: float, line: str) -> Event:
    event, *fields = line.split("\t")
    known = (each or None for each in fields + [""] * (FIELDS - len(fields)))
    jid, queue, state, to, worker, group, actor, address, tags, tracked, recurrence, klass, waited, ran = known
    return Event(
        cursor,
        at,
        event,
        jid=jid,
        queue=queue,
        to=to,
        state=STATE_NAMES[int(state)] if state else None,
        worker=worker,
        group=group,
        tags=tuple(tags.split(TAG_END)) if tags else (),
        tracked=tracked is not None,
        recurrence=recurrence,
        actor=actor,
        address=address,
        klass=klass,
        waited=to_seconds(int(waited)) if waited else None,
        ran=to_seconds(int(ran)) if ran else None,
    )

"""Reading the log of transitions by cursor, and waiting for the next."""

from __future__ import annotations

import re
import time
from typing import Protocol, cast

from qless_flask.backends.redis.connection import Client, told_as_ours
from qless_flask.backends.redis.records import read_events
from qless_flask.backends.redis.scripts import Argument, Reply
from qless_flask.backends.store import to_seconds
from qless_flask.errors import Invalid
from qless_flask.models import Event, EventPage

_CURSOR = re.compile(r"(\d{1,20})-(\d{1,20})(?:/(\d{1,9}))?")
_BEGINNING = "0"
_BLOCK_SECONDS = 2.0


class Source(Protocol):
    """What reading the log needs of a namespace."""

    prefix: str
    client: Client

    @property
    def closed(self) -> bool:
        """Tell whether the backend was closed."""

    def read(self, script: str, *arguments: Argument) -> Reply:
        """Run a script that changes nothing."""


def read_log(source: Source, after: str | None, limit: int, wait: float) -> EventPage:
    """Read one page, after waiting up to `wait` seconds for the first event."""
    cursor = after or _BEGINNING
    deadline = time.monotonic() + wait
    while True:
        page = _read_page(source, cursor, limit)
        left = deadline - time.monotonic()
        if page.events or left <= 0 or source.closed:
            return page
        _block(source, cursor, min(left, _BLOCK_SECONDS))


def _read_page(source: Source, cursor: str, limit: int) -> EventPage:
    entry_id, index = _parse(cursor)
    start = "-" if cursor == _BEGINNING else f"{'' if index is not None else '('}{entry_id}"
    trimmed, now, *entries = cast("list[bytes | int | list[bytes | list[bytes]]]", source.read("events", start, limit))
    events: list[Event] = []
    last = cast(bytes, trimmed).decode()
    if last and cursor != _BEGINNING and _fell_off(entry_id, index, last):
        events.append(Event(cursor=last, at=to_seconds(cast(int, now)), event="gap"))
    for entry in entries:
        if len(events) >= limit:
            break
        name, (_, text) = cast("tuple[bytes, tuple[bytes, bytes]]", entry)
        found = read_events(name.decode(), text)
        events += found[index + 1 :] if index is not None and name.decode() == entry_id else found
    page = tuple(events[:limit])
    return EventPage(page, page[-1].cursor if page else cursor)


def _parse(cursor: str) -> tuple[str, int | None]:
    if cursor == _BEGINNING:
        return cursor, None
    parts = _CURSOR.fullmatch(cursor)
    if not parts or max(int(parts[1]), int(parts[2])) >= 1 << 64:
        raise Invalid.of({"after": ["is no cursor that the log gave"]})
    return f"{parts[1]}-{parts[2]}", None if parts[3] is None else int(parts[3])


def _fell_off(entry_id: str, index: int | None, trimmed: str) -> bool:
    here, gone = _order(entry_id), _order(trimmed)
    return here < gone or (here == gone and index is not None)


def _order(entry_id: str) -> tuple[int, int]:
    milliseconds, sequence = entry_id.split("-")
    return int(milliseconds), int(sequence)


def _block(source: Source, cursor: str, seconds: float) -> None:
    entry_id, _ = _parse(cursor)
    with told_as_ours():
        source.client.xread({f"{source.prefix}:events": entry_id}, count=1, block=max(1, round(seconds * 1000)))

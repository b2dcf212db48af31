"""Following the log of events."""

from __future__ import annotations

import time
from collections.abc import Iterator

from qless_flask.backends.base import Namespace
from qless_flask.backends.numbers import READER_PREFIX
from qless_flask.bounds import MAX_BATCH
from qless_flask.errors import Invalid
from qless_flask.models import Event, EventFilter

WAIT_SECONDS = 30.0
PAUSE_SECONDS = 0.1
"""How long to rest where a wait was over before its time: the store is being closed."""


def follow(
    namespace: Namespace, after: str | None, filter: EventFilter, *, on: bool, reader: str | None = None
) -> Iterator[Event]:
    """Yield the events after a cursor that match; with `on`, wait for those to come, for ever; else up to the end.

    A `reader` goes on where it was, and is noted to have passed what it has taken, a page at a time.
    """
    place = None if reader is None else _Place(namespace, reader)
    after = after or (place and place.cursor) or "0"
    if place:
        place.move(after)
    while True:
        began = time.monotonic()
        page = namespace.events(after, MAX_BATCH, wait=WAIT_SECONDS if on else 0.0, filter=filter)
        yield from page.events
        if page.next != after:
            after = page.next
            if place:
                place.move(after)
        elif not on:
            return
        elif time.monotonic() - began < PAUSE_SECONDS:
            time.sleep(PAUSE_SECONDS)


class _Place:
    """How far a reader has come, as its store remembers it: what it has not passed is kept for it."""

    def __init__(self, namespace: Namespace, reader: str) -> None:
        self._namespace = namespace
        self._name = f"{READER_PREFIX}{reader}"
        self.cursor = namespace.recall(self._name)

    def move(self, cursor: str) -> None:
        """Note that all up to a cursor is read. Raise Invalid where another reads under the same name."""
        if not self._namespace.remember(self._name, cursor, self.cursor):
            raise Invalid.of({"reader": ["another reads under this name: take one of your own"]})
        self.cursor = cursor

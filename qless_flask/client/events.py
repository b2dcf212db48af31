"""Following the log of events."""

from __future__ import annotations

import time
from collections.abc import Iterator

from qless_flask.backends.base import Namespace
from qless_flask.bounds import MAX_BATCH
from qless_flask.models import Event, EventFilter

WAIT_SECONDS = 30.0
PAUSE_SECONDS = 0.1
"""How long to rest where a wait was over before its time: the store is being closed."""


def follow(namespace: Namespace, after: str | None, filter: EventFilter, *, on: bool) -> Iterator[Event]:
    """Yield the events after a cursor that match; with `on`, wait for those to come, for ever; else up to the end."""
    after = after or "0"
    while True:
        began = time.monotonic()
        page = namespace.events(after, MAX_BATCH, wait=WAIT_SECONDS if on else 0.0, filter=filter)
        yield from page.events
        if page.next != after:
            after = page.next
        elif not on:
            return
        elif time.monotonic() - began < PAUSE_SECONDS:
            time.sleep(PAUSE_SECONDS)

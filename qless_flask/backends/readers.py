"""Readers of the log of events, as a store remembers them: how far each has come.

What a registered reader has not passed is kept for it, up to a day.
"""

from __future__ import annotations

from qless_flask.backends.base import LOG_END, Namespace
from qless_flask.backends.numbers import READER_PREFIX
from qless_flask.bounds import fitted
from qless_flask.models import kept_name


def plugin_reader(plugin: str) -> str:
    """Name the reader of a plugin that hears of events."""
    return f"plugin:{plugin}"


def tracker_reader(id: str) -> str:
    """Name the reader of a tracker, by what it is called in the settings of its namespace."""
    return f"tracker:{id}"


def log_end(namespace: Namespace) -> str:
    """Answer the cursor of the end of the log, as it is now."""
    return namespace.events(LOG_END, 1).next


def place_of(namespace: Namespace, reader: str) -> str | None:
    """Answer the cursor up to which a reader has come; None if it is not registered."""
    return namespace.recall(_record(reader))


def register_reader(namespace: Namespace, reader: str) -> str:
    """Register a reader that begins at the end of the log, unless it is there; answer where it is."""
    while True:
        place = place_of(namespace, reader)
        if place is not None:
            return place
        move_reader(namespace, reader, log_end(namespace), None)


def move_reader(namespace: Namespace, reader: str, cursor: str, seen: str | None) -> bool:
    """Note that a reader has come to a cursor, if it still is where it was seen; tell whether it was."""
    return namespace.remember(_record(reader), cursor, seen)


def forget_reader(namespace: Namespace, reader: str) -> None:
    """Delete a reader, wherever it is."""
    _forget(namespace, _record(reader))


def forget_tracker(namespace: Namespace, id: str) -> None:
    """Delete the reader of a tracker, and what the tracker itself has kept."""
    forget_reader(namespace, tracker_reader(id))
    _forget(namespace, kept_name(id))


def _forget(namespace: Namespace, record: str) -> None:
    while True:
        value = namespace.recall(record)
        if value is None or namespace.remember(record, None, value):
            return


def _record(reader: str) -> str:
    return fitted(f"{READER_PREFIX}{reader}")

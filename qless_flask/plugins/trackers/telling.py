"""What the trackers that are built in share: their tags, and how an event is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from qless_flask.bounds import Checks
from qless_flask.models import Event

MOST_TAGS = 1_000


def check_tags(check: Checks, tags: object) -> tuple[str, ...]:
    """Check the tags that a tracker watches, and answer them so that they cannot change."""
    check.texts("tags", tags, least=1, most=MOST_TAGS)
    return tuple(tags) if isinstance(tags, (tuple, list)) else ()


def event_message(event: Event) -> dict[str, Any]:
    """Write an event as an object; what does not apply is left out."""
    values = {each.name: getattr(event, each.name) for each in fields(Event)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None and value is not False and value != ()
    }


def told_in_words(namespace: str, event: Event) -> str:
    """Write an event as a line."""
    if event.event == "gap":
        return f"namespace {namespace}: what happened for a while was deleted before it could be told"
    parts: Sequence[tuple[str, object]] = (
        ("of", event.klass),
        ("in", f"{event.queue} → {event.to}" if event.to else event.queue),
        ("now", event.state),
        ("under", event.group),
        ("by", event.worker),
        ("waited", None if event.waited is None else f"{event.waited:.3f} s"),
        ("ran", None if event.ran is None else f"{event.ran:.3f} s"),
        ("tags", ", ".join(event.tags)),
    )
    told = " ".join(f"{word} {value}" for word, value in parts if value)
    return f"namespace {namespace}: {event.event} job {event.jid} {told}"

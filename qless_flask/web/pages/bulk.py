"""What can be done to many jobs at once, as a form asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qless_flask.errors import Invalid
from qless_flask.models import Action, Cancel, Changes, Move, Timeout, Update


@dataclass(frozen=True, slots=True)
class BulkAction:
    """One of them."""

    label: str
    build: Callable[[str], Action]
    """Makes it of the value that stands beside it."""
    takes: str | None = None
    """What the value is; None where there is none."""
    destroys: bool = False


def read_action(form: Mapping[str, str]) -> Action:
    """Read which it is, and its value. Raise Invalid."""
    chosen = ACTIONS.get(form.get("action", ""))
    if chosen is None:
        raise Invalid.of({"action": ["choose what to do"]})
    value = form.get("value", "").strip()
    if chosen.takes and not value:
        raise Invalid.of({"value": [f"{chosen.label.lower()} needs {chosen.takes}"]})
    return chosen.build(value)


def describe(form: Mapping[str, str]) -> str:
    """Say what it is, in words."""
    chosen = ACTIONS[form["action"]]
    return f"{chosen.label} {form.get('value', '').strip()}" if chosen.takes else chosen.label


def _priority(value: str) -> Action:
    try:
        return Update(Changes(priority=int(value)))
    except ValueError as error:
        raise Invalid.of({"value": [f"{value} is no whole number"]}) from error


ACTIONS: Mapping[str, BulkAction] = {
    "retry": BulkAction("Run again", lambda value: Move()),
    "move": BulkAction("Move into queue", lambda value: Move(value), "a queue"),
    "cancel": BulkAction("Cancel", lambda value: Cancel(), destroys=True),
    "timeout": BulkAction("Take from their workers", lambda value: Timeout(), destroys=True),
    "tag": BulkAction("Put on the tag", lambda value: Update(Changes(add_tags=(value,))), "a tag"),
    "untag": BulkAction("Take off the tag", lambda value: Update(Changes(remove_tags=(value,))), "a tag"),
    "priority": BulkAction("Set the priority", _priority, "a whole number"),
    "track": BulkAction("Track", lambda value: Update(Changes(tracked=True))),
    "untrack": BulkAction("Untrack", lambda value: Update(Changes(tracked=False))),
}
"""By name, in the order in which they are offered."""

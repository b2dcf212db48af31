"""What people do by hand: who did it, and what is to change."""

from __future__ import annotations

from dataclasses import dataclass

from qless_flask.bounds import (
    MAX_PRIORITY,
    MAX_RETRIES,
    MAX_TAGS,
    Checks,
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something by hand, and from which address; their event keeps it."""

    name: str
    address: str | None = None

    def __post_init__(self) -> None:
        check = Checks()
        check.text("name", self.name)
        if self.address is not None:
            check.text("address", self.address)
        check.done()


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change of jobs; what is None stays.

    A changed priority keeps the place among equals. `retries` counts from the next stage or move on, and lowers
    `remaining` to itself where it is lower.
    """

    priority: int | None = None
    data: str | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    """Removed before `add_tags` are added."""
    retries: int | None = None

    def __post_init__(self) -> None:
        check = Checks()
        if self.priority is not None:
            check.integer("priority", self.priority, -MAX_PRIORITY, MAX_PRIORITY)
        if self.data is not None:
            check.json("data", self.data)
        check.texts("tags.add", self.add_tags, most=MAX_TAGS)
        check.texts("tags.remove", self.remove_tags, most=MAX_TAGS)
        if self.retries is not None:
            check.integer("retries", self.retries, 0, MAX_RETRIES)
        check.done()
        object.__setattr__(self, "add_tags", tuple(dict.fromkeys(self.add_tags)))
        object.__setattr__(self, "remove_tags", tuple(dict.fromkeys(self.remove_tags)))

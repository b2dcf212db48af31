"""What people do by hand: who did it, and what is to change."""

from __future__ import annotations

from dataclasses import dataclass

from qless_flask.bounds import (
    MAX_DELAY_SECONDS,
    MAX_PRIORITY,
    MAX_RETRIES,
    MAX_TAGS,
    Checks,
)
from qless_flask.models.words import DEPENDENTS, FINISHED, Dependents, Finished


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
    tracked: bool | None = None

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
        if self.tracked is not None:
            check.kind("tracked", self.tracked, bool)
        check.done()
        object.__setattr__(self, "add_tags", tuple(dict.fromkeys(self.add_tags)))
        object.__setattr__(self, "remove_tags", tuple(dict.fromkeys(self.remove_tags)))


# What `change` does to all jobs that match a filter; each is the operation of the same name.


@dataclass(frozen=True, slots=True)
class Move:
    """Into `queue`, or each back into the queue that it is in; what is on its way there already is left alone."""

    queue: str | None = None
    delay: float = 0.0

    def __post_init__(self) -> None:
        check = Checks()
        if self.queue is not None:
            check.name("queue", self.queue)
        check.seconds("delay", self.delay, 0, MAX_DELAY_SECONDS)
        check.done()


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop for good."""

    dependents: Dependents = "refuse"

    def __post_init__(self) -> None:
        check = Checks()
        check.one_of("dependents", self.dependents, DEPENDENTS)
        check.done()


@dataclass(frozen=True, slots=True)
class Update:
    """Change what is named."""

    changes: Changes


@dataclass(frozen=True, slots=True)
class Timeout:
    """Take the leases away."""


@dataclass(frozen=True, slots=True)
class Finish:
    """End by hand."""

    state: Finished
    group: str = "finished"
    message: str = ""
    result: str | None = None

    def __post_init__(self) -> None:
        check = Checks()
        check.one_of("state", self.state, FINISHED)
        check.text("group", self.group)
        check.message("message", self.message)
        if self.state == "complete" and (self.group, self.message) != ("finished", ""):
            check.wrong("message" if self.message else "group", "belongs to a job that has failed: say state failed")
        if self.result is not None:
            check.json("result", self.result)
            if self.state == "failed":
                check.wrong("result", "belongs to a job that is complete")
        check.done()


Action = Move | Cancel | Update | Timeout | Finish


@dataclass(frozen=True, slots=True)
class Changed:
    """What a bounded step of `change` did: how many matched, how many of them it changed, and where to go on."""

    matched: int
    changed: int
    next: str | None

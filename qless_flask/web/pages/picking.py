"""Lists of nouns: those with a text in their name, in the order asked for, a page of them at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

PAGE_ROWS = 50
MOST_READ = 1000
"""How many of a noun are read at once; a link leads on from there, by name."""


@dataclass(frozen=True, slots=True)
class Picked(Generic[T]):
    """A page of a list."""

    rows: Sequence[T]
    known: int
    """How many were read."""
    matched: int
    name: str
    """What the names have in them."""
    orders: tuple[str, ...]
    order: str
    number: int
    """Of the page, from 1 on."""
    pages: int
    after: str | None
    """Behind which name was read."""
    further: str | None
    """Behind which name there may be more; None where all were read."""

    def query(self, **more: Any) -> dict[str, Any]:
        """Tell the query that asks for the same, but for what is told."""
        return {"name": self.name or None, "order": self.order, "after": self.after, **more}


def pick(
    found: Sequence[T],
    query: Mapping[str, str],
    name_of: Callable[[T], str],
    orders: Mapping[str, Callable[[T], Any]] | None = None,
    most: int | None = None,
) -> Picked[T]:
    """Pick what a query asks for: `name`, `order` and `page`; what it has no use for is as if it were not there.

    `most` is how many were asked for, if that is not all: where so many were found there may be more.
    """
    keys: dict[str, Callable[[T], Any]] = {**(orders or {}), "name": name_of}
    name, order = query.get("name", "").strip(), query.get("order", "")
    order = order if order in keys else next(iter(keys))
    matching = [each for each in found if name.casefold() in name_of(each).casefold()]
    # Sorting is stable: what is alike stands by name.
    matching = sorted(sorted(matching, key=name_of), key=keys[order])
    pages = max(1, -(-len(matching) // PAGE_ROWS))
    asked = query.get("page", "1")
    number = min(max(int(asked), 1), pages) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1
    return Picked(
        matching[(number - 1) * PAGE_ROWS :][:PAGE_ROWS],
        len(found),
        len(matching),
        name,
        tuple(keys),
        order,
        number,
        pages,
        query.get("after") or None,
        max(map(name_of, found), key=str.encode) if most is not None and len(found) >= most else None,
    )

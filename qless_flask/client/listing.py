"""Walks through listings that come by name, page after page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from qless_flask.bounds import MAX_BATCH

Listed = TypeVar("Listed")


def walk(page: Callable[[str | None], Sequence[Listed]], name: Callable[[Listed], str]) -> Iterator[Listed]:
    """Walk through what `page` lists from behind a name on, until a page is short of a thousand."""
    after: str | None = None
    while True:
        found = page(after)
        yield from found
        if len(found) < MAX_BATCH:
            return
        after = name(found[-1])

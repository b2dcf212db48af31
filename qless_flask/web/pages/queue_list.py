"""Which queues a list shows: those with a text in their name, in the order asked for, a page of them at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qless_flask.overview import QueueView

PAGE_ROWS = 50
_ORDERS: dict[str, Callable[[QueueView], tuple[float, str]]] = {
    "name": lambda view: (0.0, view.queue.name),
    "waiting": lambda view: (-view.queue.waiting, view.queue.name),
    "running": lambda view: (-view.queue.running, view.queue.name),
    "failed": lambda view: (-view.queue.failed, view.queue.name),
    "oldest_wait": lambda view: (-(view.queue.oldest_wait or 0.0), view.queue.name),
}
ORDERS = tuple(_ORDERS)


@dataclass(frozen=True, slots=True)
class QueueList:
    """A page of a list."""

    views: Sequence[QueueView]
    matched: int
    name: str
    """What the names have in them."""
    order: str
    number: int
    """Of the page, from 1 on."""
    pages: int


def list_queues(views: Sequence[QueueView], query: Mapping[str, str]) -> QueueList:
    """Pick what a query asks for: `name`, `order` and `page`; what it has no use for is as if it were not there."""
    name, order = query.get("name", "").strip(), query.get("order", "name")
    order = order if order in _ORDERS else "name"
    found = sorted((view for view in views if name.lower() in view.queue.name.lower()), key=_ORDERS[order])
    pages = max(1, -(-len(found) // PAGE_ROWS))
    asked = query.get("page", "1")
    number = min(max(int(asked), 1), pages) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1
    return QueueList(found[(number - 1) * PAGE_ROWS :][:PAGE_ROWS], len(found), name, order, number, pages)

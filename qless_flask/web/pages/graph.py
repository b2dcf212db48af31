"""The dependencies of a job as a small drawing: what it waits for on the left, what waits for it on the right."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

MOST = 20
"""How many jobs stand on either side at most."""
WIDTH, HEIGHT = 240.0, 34.0
"""Of a node."""
GAP_X, GAP_Y = 90.0, 12.0
_LETTERS = 26
"""How many letters of a name there is room for."""


@dataclass(frozen=True, slots=True)
class Node:
    """A job in the drawing; `x` and `y` are its upper left corner."""

    jid: str
    label: str
    state: str | None
    """None of one that is not there."""
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from the right side of one node to the left side of another."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Graph:
    """The whole drawing, and how many jobs on either side have no room in it."""

    width: float
    height: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    more_depends: int
    more_dependents: int


def draw(jid: str, depends: Sequence[str], dependents: Sequence[str], states: dict[str, str | None]) -> Graph | None:
    """Lay the drawing out; None for a job that waits for none, and for which none waits."""
    if not depends and not dependents:
        return None
    columns = [list(depends[:MOST]), [jid], list(dependents[:MOST])]
    columns = [column for column in columns if column]
    height = max(len(column) for column in columns) * (HEIGHT + GAP_Y) - GAP_Y
    placed = [
        [_node(each, states, index * (WIDTH + GAP_X), _y(row, len(column), height)) for row, each in enumerate(column)]
        for index, column in enumerate(columns)
    ]
    edges = [_edge(left, right) for before, after in itertools.pairwise(placed) for left in before for right in after]
    return Graph(
        len(columns) * (WIDTH + GAP_X) - GAP_X,
        height,
        tuple(node for column in placed for node in column),
        tuple(edges),
        max(0, len(depends) - MOST),
        max(0, len(dependents) - MOST),
    )


def _y(row: int, count: int, height: float) -> float:
    """Tell where a node of a column stands, which is in the middle of the drawing."""
    return (height - (count * (HEIGHT + GAP_Y) - GAP_Y)) / 2 + row * (HEIGHT + GAP_Y)


def _node(jid: str, states: dict[str, str | None], x: float, y: float) -> Node:
    label = jid if len(jid) <= _LETTERS else f"{jid[: _LETTERS - 1]}…"
    return Node(jid, label, states.get(jid), x, y)


def _edge(left: Node, right: Node) -> Edge:
    middle = HEIGHT / 2
    return Edge(left.x + WIDTH, left.y + middle, right.x, right.y + middle)

"""Charts as SVG: their curves, for browsers without scripts, and what a script needs to draw them with axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qless_flask.web.pages.shown import show_number, show_seconds

WIDTH, HEIGHT = 1000, 200
_MARGIN = 2

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Curve:
    """One column of the table behind a chart."""

    name: str
    label: str
    path: str
    """The `d` of an SVG path in a box of WIDTH by HEIGHT, with gaps where there is no value."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Columns of a table, drawn to one scale."""

    table: str
    """The id of the table, whose columns have the names of the curves as their `data-column`."""
    kind: str
    """Of the values: `count` or `seconds`."""
    label: str
    curves: tuple[Curve, ...]
    highest: str
    """What the top stands for."""


def draw_chart(table: str, label: str, columns: Mapping[str, Values], kind: str = "count") -> Chart:
    """Draw columns from the foot of the box, which is 0, to the highest value of all."""
    most = max((value for values in columns.values() for value in values if value is not None), default=0)
    curves = tuple(Curve(name, name.replace("-", " "), _path(values, most)) for name, values in columns.items())
    return Chart(table, kind, label, curves, show_seconds(most) if kind == "seconds" else show_number(most))


def _path(values: Values, most: float) -> str:
    step, room = WIDTH / max(len(values) - 1, 1), HEIGHT - 2 * _MARGIN
    parts, drawn = [], False
    for index, value in enumerate(values):
        if value is not None:
            height = HEIGHT - _MARGIN - (room * value / most if most else 0)
            parts.append(f"{'L' if drawn else 'M'}{index * step:.0f},{height:.0f}")
        drawn = value is not None
    return "".join(parts)

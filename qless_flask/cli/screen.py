"""An overview drawn in a terminal, by rich."""

from __future__ import annotations

import heapq
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from qless_flask.cli.output import told_seconds
from qless_flask.overview import Overview, QueueView

RATE_MINUTES = 10
CURVE_MINUTES = 30
WIDTH_OF_NO_TERMINAL = 180
_BARS = " ▁▂▃▄▅▆▇█"
_STYLES = {"waiting": "blue", "running": "cyan", "stalled": "yellow", "failed": "red"}
"""Of counts that are not 0."""
_LINES_AROUND = 7
"""What stands round the rows and the warnings."""

Show = Callable[[Overview, str | None], None]


class Screen:
    """Draws overviews of one store."""

    def __init__(self, url: str, console: Console | None = None) -> None:
        self._url = url
        self._console = console or Console(width=None if sys.stdout.isatty() else WIDTH_OF_NO_TERMINAL, highlight=False)

    def print(self, overview: Overview) -> None:
        """Print one, whole."""
        self._console.print(self._drawn(overview, None, len(overview.warnings), len(overview.queues)))

    @contextmanager
    def live(self) -> Iterator[Show]:
        """Take the terminal; what is shown replaces what was."""
        with Live(console=self._console, screen=True, auto_refresh=False) as live:

            def show(overview: Overview, trouble: str | None) -> None:
                room = self._console.height - _LINES_AROUND
                warned = min(len(overview.warnings), max(room // 3, 1))
                live.update(self._drawn(overview, trouble, warned, max(room - warned, 1)), refresh=True)

            yield show

    def _drawn(self, overview: Overview, trouble: str | None, warned: int, rows: int) -> RenderableType:
        busiest = heapq.nlargest(rows, overview.queues, key=lambda view: view.queue.waiting + view.queue.running)
        return Group(
            self._head(overview),
            *([Text(f"Not live: {trouble}", style="bold yellow")] if trouble else []),
            *(_warning(each.severity, each.text) for each in overview.warnings[:warned]),
            *_left(len(overview.warnings) - warned, "warnings more"),
            _table(sorted(busiest, key=lambda view: view.queue.name), self._console.width)
            if busiest
            else Text("No queues yet."),
            *_left(len(overview.queues) - len(busiest), "queues with less to do"),
        )

    def _head(self, overview: Overview) -> Text:
        at = time.strftime("%H:%M:%S", time.localtime(overview.at))
        told = Text.assemble(
            (overview.namespace, "bold"), f" of {self._url} at {at}: ", f"{_rate(overview.lately.completed)} a minute"
        )
        return told if overview.warnings else told.append(", nothing is wrong", "green")


def _left(count: int, what: str) -> list[Text]:
    return [Text(f"and {count:,} {what}", style="dim")] if count else []


def _warning(severity: str, text: str) -> Text:
    wrong = severity == "wrong"
    return Text.assemble(("Wrong  " if wrong else "Beware ", "bold red" if wrong else "bold yellow"), text)


def _table(views: Sequence[QueueView], width: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    columns = [column for column in _COLUMNS if width >= column.least_width]
    for column in columns:
        table.add_column(column.name, justify="left" if column.name in _TEXTS else "right", no_wrap=True)
    for view in views:
        table.add_row(*(column.cell(view) for column in columns))
    return table


def _name(view: QueueView) -> Text:
    name = Text(view.queue.name)
    return name.append(" paused", "yellow") if view.queue.paused else name


def _count(name: str, view: QueueView) -> Text:
    count = getattr(view.queue, name)
    return Text(f"{count:,}", style=_STYLES.get(name, "") if count else "dim")


def _time(name: str, rank: str, view: QueueView) -> Text:
    return Text(told_seconds(None if view.today is None else getattr(getattr(view.today, name), rank)))


def _lately(view: QueueView) -> Text:
    return Text("-" if view.lately is None else _rate(view.lately.completed))


def _rate(counts: Sequence[int]) -> str:
    minutes = counts[-RATE_MINUTES:]
    return f"{sum(minutes) / max(len(minutes), 1):,.1f}"


def _curve(view: QueueView) -> Text:
    """Draw what was completed as bars, the highest in full; one that is not 0 is never invisible."""
    counts = () if view.lately is None else view.lately.completed[-CURVE_MINUTES:]
    most = max((*counts, 1))
    return Text("".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in counts), style="cyan")


class Column(NamedTuple):
    """A column, and how wide a terminal has room for it."""

    name: str
    least_width: int
    cell: Callable[[QueueView], Text]


_CURVE = f"last {CURVE_MINUTES} min"
_TEXTS = ("queue", _CURVE)
_COLUMNS = (
    Column("queue", 0, _name),
    Column("waiting", 0, partial(_count, "waiting")),
    Column("running", 0, partial(_count, "running")),
    Column("stalled", 100, partial(_count, "stalled")),
    Column("scheduled", 100, partial(_count, "scheduled")),
    Column("depends", 100, partial(_count, "depends")),
    Column("failed", 0, partial(_count, "failed")),
    Column("oldest wait", 0, lambda view: Text(told_seconds(view.queue.oldest_wait))),
    Column("a minute", 0, _lately),
    Column(_CURVE, 165, _curve),
    Column("wait p50", 125, partial(_time, "wait", "p50")),
    Column("p95", 125, partial(_time, "wait", "p95")),
    Column("run p50", 125, partial(_time, "run", "p50")),
    Column("p95", 125, partial(_time, "run", "p95")),
)

"""Queues as pages show them, and the same as the live stream tells it: texts by key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from qless_flask.overview import Overview, QueueView
from qless_flask.web.pages.charts_svg import Sparkline, draw_sparkline
from qless_flask.web.pages.shown import show_number, show_seconds

COUNTS = ("waiting", "running", "stalled", "scheduled", "depends", "failed", "complete", "canceled")
"""In the order in which tables have them."""
LATELY_MINUTES = 10
"""What a rate is taken of."""


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue in a table."""

    name: str
    paused: bool
    counts: dict[str, int]
    shown: dict[str, str]
    """What stands in its cells; in the live stream each is `queues.<name>.<key>`."""
    spark: Sparkline | None


def queue_row(view: QueueView) -> QueueRow:
    """Prepare a queue for a table."""
    queue, lately, today = view.queue, view.lately, view.today
    counts = {name: getattr(queue, name) for name in COUNTS}
    shown = {name: show_number(count) for name, count in counts.items()}
    shown["oldest_wait"] = show_seconds(queue.oldest_wait)
    shown["rate"] = "-" if lately is None else show_rate(lately.completed)
    for name in ("wait", "run"):
        times = None if today is None else getattr(today, name)
        for rank in ("p50", "p95"):
            shown[f"{name}_{rank}"] = show_seconds(None if times is None else getattr(times, rank))
    return QueueRow(queue.name, queue.paused, counts, shown, None if lately is None else draw_sparkline(lately))


def show_rate(counts: tuple[int, ...]) -> str:
    """Show how many a minute there were lately."""
    minutes = counts[-LATELY_MINUTES:]
    a_minute = sum(minutes) / max(len(minutes), 1)
    return show_number(a_minute) if a_minute >= 10 or a_minute == 0 else f"{a_minute:.1f}"


def totals(overview: Overview) -> dict[str, str]:
    """Sum up the namespace; in the live stream each is `total.<key>`."""
    shown = {name: show_number(overview.total(name)) for name in COUNTS}
    oldest = [view.queue.oldest_wait for view in overview.queues if view.queue.oldest_wait is not None]
    shown["oldest_wait"] = show_seconds(max(oldest, default=None))
    shown["rate"] = show_rate(overview.lately.completed)
    return shown


def live_values(overview: Overview) -> dict[str, str]:
    """Tell all that the stream carries."""
    values = {f"total.{name}": text for name, text in totals(overview).items()}
    values |= _curves("total", draw_sparkline(overview.lately))
    for view in overview.queues:
        row = queue_row(view)
        values |= {f"queues.{row.name}.{name}": text for name, text in row.shown.items()}
        if row.spark is not None:
            values |= _curves(f"queues.{row.name}", row.spark)
    values["warnings"] = warnings_digest(overview)
    values["queues"] = queues_digest(overview)
    return values


def warnings_digest(overview: Overview) -> str:
    """Tell the warnings apart from others, but for the numbers in them."""
    return _digest(f"{warning.kind} {warning.queue}" for warning in overview.warnings)


def queues_digest(overview: Overview) -> str:
    """Tell the queues there are, and whether they are paused, apart from others."""
    return _digest(f"{view.queue.name} {view.queue.paused}" for view in overview.queues)


def _curves(key: str, spark: Sparkline) -> dict[str, str]:
    return {f"{key}.completed_curve": spark.completed, f"{key}.area": spark.area, f"{key}.failed_curve": spark.failed}


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]

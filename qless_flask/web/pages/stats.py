"""Statistics: transitions by the time, waits and runs by the day, and how those of one day are spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from flask import Response, request

from qless_flask.errors import Invalid
from qless_flask.models import Stats, Throughput
from qless_flask.web.current import current_service
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.charts import Chart, draw_chart
from qless_flask.web.pages.histograms import spread
from qless_flask.web.pages.past_days import Day
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.stats_choice import DAY_SECONDS, DAYS, KINDS, LASTS, Choice, begin_of, day_of, read_choice
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import current_namespace, perform

views = PageViews("/namespaces/<namespace>")

TRANSITIONS = ("put", "popped", "completed", "failed", "retried", "lost")
RANKS = ("p50", "p95", "p99")
MOST_SUGGESTED = 200


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day in the table."""

    day: Day
    since: int
    until: int


@views.get("/stats", "stats")
def stats_page() -> Response:
    """Show the statistics that the query asks for."""
    lately: Throughput = perform("throughput")
    choice = read_choice(request.args, lately.times[-1])
    error, figures = None, {}
    try:
        figures = _figures(choice)
    except Invalid as refused:
        error = refused
    return page(
        "stats.html",
        200 if error is None else error.status,
        choice=choice,
        error=error,
        kinds=KINDS,
        lasts=LASTS,
        lengths=DAYS,
        transitions=TRANSITIONS,
        ranks=RANKS,
        also=lambda **more: address_of("stats_page", **choice.query(**more)),
        queues=[queue.name for queue in perform("queues")][:MOST_SUGGESTED],
        **figures,
    )


def _figures(choice: Choice) -> dict[str, Any]:
    stats: Stats = perform("stats", day=choice.day, **choice.subject)
    passed = None if choice.of in ("klass", "tag") else _throughput(choice)
    rows = _by_day(choice)
    return {
        "passed": passed,
        "by_time": [] if passed is None else _by_time(passed),
        "rows": rows,
        "charts": _charts(passed, [row.day.stats for row in reversed(rows)]),
        "unread": sum(row.day.stats is None for row in rows),
        "told": {"wait": stats.wait, "run": stats.run},
        "spreads": {"wait": spread(stats.wait), "run": spread(stats.run)},
    }


def _throughput(choice: Choice) -> Throughput:
    until = None if choice.last else choice.until
    counted: Throughput = perform("throughput", since=choice.since, until=until, step=choice.step, **choice.subject)
    return counted


def _charts(passed: Throughput | None, days: Sequence[Stats | None]) -> dict[str, Chart]:
    """Draw what the tables hold; a day that was not read is a gap."""

    def column(path: str) -> list[float | None]:
        return [None if stats is None else attrgetter(path)(stats) for stats in days]

    waits, runs = ({f"{of}-{rank}": column(f"{of}.{rank}") for rank in RANKS} for of in ("wait", "run"))
    counts = {"popped": column("wait.count"), "ran": column("run.count")}
    counts |= {name: column(name) for name in ("failed", "retried", "lost")}
    charts = {
        "wait": draw_chart("by-day", "How long jobs waited, by the day", waits, "seconds"),
        "run": draw_chart("by-day", "How long jobs ran, by the day", runs, "seconds"),
        "counts": draw_chart("by-day", "How many were popped, ran, failed, were retried and lost, by the day", counts),
    }
    if passed is not None:
        columns = {name: getattr(passed, name) for name in TRANSITIONS}
        charts["throughput"] = draw_chart("by-time", "Transitions by the time", columns)
    return charts


def _by_time(passed: Throughput) -> list[tuple[float, tuple[int, ...]]]:
    columns = [getattr(passed, name) for name in TRANSITIONS]
    return list(zip(passed.times, zip(*columns, strict=True), strict=True))


def _by_day(choice: Choice) -> list[DayRow]:
    today = begin_of(choice.today)
    names = [day_of(today - back * DAY_SECONDS) for back in range(choice.days)]
    of = (current_namespace().name, choice.of, choice.name)
    read = current_service().past_days.read(names, of, lambda name: perform("stats", day=name, **choice.subject))
    return [DayRow(day, begin_of(day.name), begin_of(day.name) + DAY_SECONDS) for day in read]

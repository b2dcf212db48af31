"""The overview of a namespace: is anything wrong?"""

from __future__ import annotations

import heapq

from flask import Response

from qless_flask.overview import Overview, QueueView
from qless_flask.web.current import current_service
from qless_flask.web.pages.charts_svg import draw_sparkline
from qless_flask.web.pages.queue_figures import queue_row, queues_digest, totals, warnings_digest
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import current_namespace

views = PageViews("/namespaces/<namespace>")

MOST_QUEUES = 50
"""How many queues it shows: those with the most to do."""


@views.get("/", "queues")
def overview_page() -> Response:
    """Look the namespace over."""
    overview = look_over()
    return page(
        "overview.html",
        overview=overview,
        wrong=sum(warning.severity == "wrong" for warning in overview.warnings),
        totals=totals(overview),
        spark=draw_sparkline(overview.lately),
        rows=[queue_row(view) for view in _busiest(overview)],
        digests={"warnings": warnings_digest(overview), "queues": queues_digest(overview)},
    )


def look_over() -> Overview:
    """Look the namespace over anew: whoever loads a page sees what they have just done."""
    return current_service().looker.overview(current_namespace().name, most_age=0)


def _busiest(overview: Overview) -> list[QueueView]:
    """Pick the queues with the most to do, by name."""
    busiest = heapq.nlargest(MOST_QUEUES, overview.queues, key=lambda view: view.queue.waiting + view.queue.running)
    return sorted(busiest, key=lambda view: view.queue.name)

"""Waits, runs and transitions in figures."""

from __future__ import annotations

from flask import Response

from qless_flask.schemas.noun import Noun
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.schemas.statistics import StatsArguments
from qless_flask.schemas.values import Text
from qless_flask.web.answers import answer
from qless_flask.web.parsing import QuerySeconds, QueryWhole, load_query
from qless_flask.web.service import perform
from qless_flask.web.views import Views

views = Views()


class QueueStatsQuery(Noun):
    """Which day of the queue in the path to sum up."""

    queue = Text(required=True)
    day = Text()


class ThroughputQuery(Noun):
    """Whose transitions to count, from when to when, by which steps."""

    queue = Text()
    since = QuerySeconds()
    until = QuerySeconds()
    step = QueryWhole()


@views.get("/queues/<path:queue>/stats", "stats")
def get_queue_stats() -> Response:
    """Sum up a day of a queue."""
    return _stats(_QUEUE_STATS_QUERY)


@views.get("/stats", "stats")
def get_stats() -> Response:
    """Sum up a day of a klass, a tag or all together."""
    return _stats(_STATS_QUERY)


@views.get("/throughput", "throughput")
def get_throughput() -> Response:
    """Count transitions by the time."""
    return answer(OPERATIONS["throughput"].dump_answer(perform("throughput", **load_query(_THROUGHPUT_QUERY))))


def _stats(query: Noun) -> Response:
    return answer(OPERATIONS["stats"].dump_answer(perform("stats", **load_query(query))))


_QUEUE_STATS_QUERY, _STATS_QUERY, _THROUGHPUT_QUERY = QueueStatsQuery(), StatsArguments(), ThroughputQuery()

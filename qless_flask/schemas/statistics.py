"""Statistics on the wire."""

from __future__ import annotations

from qless_flask.models import Bar, Stats, Throughput, Times
from qless_flask.schemas.noun import AnswerNoun, Noun
from qless_flask.schemas.values import Listed, One, Seconds, Text, Whole


class StatsArguments(Noun):
    """Which day to sum up, and of what."""

    day = Text(allow_none=True)
    queue = Text(allow_none=True)
    klass = Text(allow_none=True)
    tag = Text(allow_none=True)


class BarSchema(AnswerNoun):
    """How many times lie from `low` to below `high` seconds."""

    model = Bar

    low = Seconds(required=True)
    high = Seconds(required=True)
    count = Whole(required=True)


class DurationsSchema(AnswerNoun):
    """Waits or runs, in seconds: mean and deviation exact, percentiles within 3.2%."""

    model = Times

    count = Whole(required=True)
    mean = Seconds(required=True, allow_none=True)
    std = Seconds(required=True, allow_none=True)
    p50 = Seconds(required=True, allow_none=True)
    p95 = Seconds(required=True, allow_none=True)
    p99 = Seconds(required=True, allow_none=True)
    histogram = Listed(One(BarSchema), required=True)


class StatsSchema(AnswerNoun):
    """One day of a queue, a klass, a tag or a namespace."""

    model = Stats

    wait = One(DurationsSchema, required=True)
    run = One(DurationsSchema, required=True)
    failed = Whole(required=True)
    retried = Whole(required=True)
    lost = Whole(required=True)


class ThroughputArguments(Noun):
    """Whose transitions to count, from when to when, by steps of how many seconds."""

    queue = Text(allow_none=True)
    since = Seconds(allow_none=True)
    until = Seconds(allow_none=True)
    step = Whole()


class ThroughputSchema(AnswerNoun):
    """Transitions by the time: of each list a number for each of `times`."""

    model = Throughput

    times = Listed(Seconds(), required=True)
    put = Listed(Whole(), required=True)
    popped = Listed(Whole(), required=True)
    completed = Listed(Whole(), required=True)
    failed = Listed(Whole(), required=True)
    retried = Listed(Whole(), required=True)
    lost = Listed(Whole(), required=True)

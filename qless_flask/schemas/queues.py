"""Queues on the wire, with their settings; and the settings of a namespace."""

from __future__ import annotations

from qless_flask.models import Keep, NamespaceSettings, Queue, QueueSettings, Rate, Retention
from qless_flask.schemas.backoff import AnswerBackoffSchema, BackoffsByKlass
from qless_flask.schemas.chosen import ChosenSchema
from qless_flask.schemas.noun import AnswerNoun
from qless_flask.schemas.values import Flag, Listed, One, Seconds, Text, Whole


class RateSchema(AnswerNoun):
    """So many pops in so many seconds."""

    model = Rate

    limit = Whole(required=True)
    per = Seconds(required=True)


class KeepSchema(AnswerNoun):
    """How many ended jobs are kept, and for how many seconds."""

    model = Keep

    age = Seconds(required=True)
    count = Whole(required=True)


class RetentionSchema(AnswerNoun):
    """What is kept of jobs that have ended, by how they did."""

    model = Retention

    complete = One(KeepSchema, required=True)
    canceled = One(KeepSchema, required=True)
    failed = One(KeepSchema, required=True)


class QueueSettingsSchema(AnswerNoun):
    """What a queue was told."""

    model = QueueSettings

    heartbeat = Seconds(required=True, allow_none=True)
    retries = Whole(required=True)
    max_losses = Whole(required=True)
    max_run = Seconds(required=True, allow_none=True)
    backoff = One(AnswerBackoffSchema, required=True)
    max_concurrency = Whole(required=True, allow_none=True)
    rate = One(RateSchema, required=True, allow_none=True)
    key_concurrency = Whole(required=True, allow_none=True)
    key_rate = One(RateSchema, required=True, allow_none=True)
    max_size = Whole(required=True, allow_none=True)
    retention = One(RetentionSchema, required=True)


class QueueSchema(AnswerNoun):
    """A queue and how many of its jobs are in each state."""

    model = Queue

    name = Text(required=True)
    paused = Flag(required=True)
    scheduled = Whole(required=True)
    depends = Whole(required=True)
    waiting = Whole(required=True)
    running = Whole(required=True)
    stalled = Whole(required=True)
    complete = Whole(required=True)
    failed = Whole(required=True)
    canceled = Whole(required=True)
    oldest_wait = Seconds(required=True, allow_none=True)
    settings = One(QueueSettingsSchema, required=True)
    own = Listed(Text(), required=True)


class NamespaceSettingsSchema(AnswerNoun):
    """The settings of queues that do not say otherwise, what the namespace alone has, and whether it is frozen."""

    model = NamespaceSettings

    settings = One(QueueSettingsSchema, required=True)
    own = Listed(Text(), required=True)
    frozen = Flag(required=True)
    policies = Listed(One(ChosenSchema), required=True)
    trackers = Listed(One(ChosenSchema), required=True)
    klass_backoff = BackoffsByKlass(required=True)

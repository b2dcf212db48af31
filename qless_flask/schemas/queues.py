"""Queues on the wire, with their settings."""

from __future__ import annotations

from marshmallow import EXCLUDE

from qless_flask.models import Queue, QueueSettings
from qless_flask.schemas.backoff import BackoffSchema
from qless_flask.schemas.noun import AnswerNoun
from qless_flask.schemas.values import Flag, One, Seconds, Text, Whole


class QueueSettingsSchema(AnswerNoun):
    """What a queue was told."""

    model = QueueSettings

    heartbeat = Seconds(required=True, allow_none=True)
    retries = Whole(required=True)
    max_losses = Whole(required=True)
    max_run = Seconds(required=True, allow_none=True)
    backoff = One(BackoffSchema, unknown=EXCLUDE, required=True)


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

"""Queues: look at them, configure, pause, resume and forget them."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import INCLUDE

from qless_flask.schemas.noun import Noun
from qless_flask.schemas.operations import OPERATIONS, NoArguments
from qless_flask.schemas.queues import QueueSchema
from qless_flask.schemas.values import Listed, Text
from qless_flask.schemas.wire import opened
from qless_flask.web.answers import answer, no_content
from qless_flask.web.parsing import load_body, load_query
from qless_flask.web.persons import ByHand
from qless_flask.web.service import perform
from qless_flask.web.views import Views

views = Views()


class QueuePath(Noun):
    """The queue in the path."""

    queue = Text(required=True)


class QueueByHand(ByHand):
    """What is done to the queue in the path."""

    queue = Text(required=True)


class SettingsBody(QueueByHand):
    """The settings of the queue in the path, by name, whatever there are, and those that it is to inherit."""

    inherit = Listed(Text())

    class Meta:
        unknown = INCLUDE

    def make(self, values: dict[str, Any]) -> object:
        told: dict[str, Any] = {name: values.pop(name) for name in ("queue", "actor", "inherit") if name in values}
        return {**told, "changes": opened(values)}


@views.get("/queues", "queues")
def list_queues() -> Response:
    """Sum up all queues."""
    return answer(OPERATIONS["queues"].dump_answer(perform("queues", **load_query(_NO_QUERY))))


@views.get("/queues/<path:queue>", "queues")
def get_queue() -> Response:
    """Sum up one queue."""
    [queue] = perform("queues", names=[load_query(_QUEUE_PATH)["queue"]])
    return answer(_QUEUE.dump(queue))


@views.patch("/queues/<path:queue>", "configure")
def configure_queue() -> Response:
    """Set settings of a queue."""
    return answer(_QUEUE.dump(perform("configure", **load_body(_SETTINGS_BODY))))


@views.post("/queues/<path:queue>/pause", "pause")
def pause_queue() -> Response:
    """Let nothing be popped from a queue."""
    return answer(_QUEUE.dump(perform("pause", **load_body(_BY_HAND))))


@views.post("/queues/<path:queue>/resume", "resume")
def resume_queue() -> Response:
    """Let a queue be popped from again."""
    return answer(_QUEUE.dump(perform("resume", **load_body(_BY_HAND))))


@views.delete("/queues/<path:queue>", "forget")
def forget_queue() -> Response:
    """Delete an empty queue."""
    perform("forget", **load_query(_BY_HAND))
    return no_content()


_NO_QUERY, _QUEUE_PATH, _BY_HAND = NoArguments(), QueuePath(), QueueByHand()
_SETTINGS_BODY, _QUEUE = SettingsBody(), QueueSchema()

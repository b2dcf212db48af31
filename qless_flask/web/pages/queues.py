"""Queues: all of them, and one, with what can be done to it."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request

from qless_flask.errors import QlessError
from qless_flask.models import Queue
from qless_flask.overview import QueueView
from qless_flask.web.pages.acting import act
from qless_flask.web.pages.addresses import address_of
from qless_flask.web.pages.charts_svg import draw_sparkline
from qless_flask.web.pages.overview import look_over
from qless_flask.web.pages.queue_figures import COUNTS, queue_row, queues_digest
from qless_flask.web.pages.queue_list import list_queues
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.setting_fields import read_settings, setting_fields
from qless_flask.web.pages.views import PageViews
from qless_flask.web.service import perform

views = PageViews("/namespaces/<namespace>")


@views.get("/queues", "queues")
def queues_page() -> Response:
    """List the queues."""
    return _list()


@views.get("/queues/<path:queue>", "queues")
def queue_page() -> Response:
    """Show one queue."""
    return _one()


@views.post("/queues/<path:queue>/pause", "pause")
def pause_queue_form() -> Response:
    """Let nothing be popped from a queue."""
    return _act("pause", "{} is paused: nothing is popped from it until it is resumed.")


@views.post("/queues/<path:queue>/resume", "resume")
def resume_queue_form() -> Response:
    """Let a queue be popped from again."""
    return _act("resume", "{} is popped from again.")


@views.post("/queues/<path:queue>/forget", "forget")
def forget_queue_form() -> Response:
    """Delete an empty queue."""
    return _act("forget", "{} and its settings are forgotten.", back=address_of("queues_page"))


@views.post("/queues/<path:queue>/configure", "configure")
def configure_queue_form() -> Response:
    """Set settings of a queue, and give up others."""
    queue = _queue()
    changes, inherit = read_settings(request.form, _summary(queue).own)
    return act(
        lambda: perform("configure", queue=queue, changes=changes, inherit=inherit),
        back=address_of("queue_page", queue=queue),
        said=f"The settings of {queue} hold from now on.",
        again=lambda error: _one(error, request.form),
    )


def _act(operation: str, said: str, back: str | None = None) -> Response:
    queue = _queue()
    return act(
        lambda: perform(operation, queue=queue),
        back=back or address_of("queue_page", queue=queue),
        said=said.format(queue),
        again=_one,
    )


def _list() -> Response:
    overview = look_over()
    listed = list_queues(overview.queues, request.args)
    return page(
        "queues.html",
        listed=listed,
        known=len(overview.queues),
        rows=[queue_row(view) for view in listed.views],
        digest=queues_digest(overview),
        at=overview.at,
    )


def _one(error: QlessError | None = None, typed: Mapping[str, str] | None = None) -> Response:
    name = _queue()
    queue = _summary(name)
    lately, today = perform("throughput", queue=name), perform("stats", queue=name)
    said = error.fields if error is not None and typed is not None else None
    return page(
        "queue.html",
        200 if error is None else error.status,
        row=queue_row(QueueView(queue, lately, today)),
        states=[state for state in COUNTS if state != "stalled"],
        spark=draw_sparkline(lately),
        times={"wait": today.wait, "run": today.run},
        today=today,
        fields=setting_fields(queue.settings, queue.own, typed, said),
        is_empty=not any(getattr(queue, state) for state in COUNTS),
        error=error,
    )


def _summary(name: str) -> Queue:
    [queue] = perform("queues", names=[name])
    assert isinstance(queue, Queue)
    return queue


def _queue() -> str:
    return str((request.view_args or {})["queue"])

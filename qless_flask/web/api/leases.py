"""Leases: pop, heartbeat, settle and exchange, singly and in lists."""

from __future__ import annotations

from typing import Any

from flask import Response

from qless_flask.schemas.leases import BeatSchema, PopSchema, RenewedSchema
from qless_flask.schemas.noun import Noun
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.schemas.settlements import CompleteSchema, FailSchema, ReleaseSchema, RetrySchema, SettledSchema
from qless_flask.schemas.values import Text
from qless_flask.web.answers import answer
from qless_flask.web.outcomes import only
from qless_flask.web.parsing import load_body
from qless_flask.web.service import perform
from qless_flask.web.views import Views

views = Views()


class PopFromBody(PopSchema):
    """What a worker asks of the queue in the path."""

    queue = Text(required=True)

    class Meta:
        exclude = ("queues",)

    def make(self, values: dict[str, Any]) -> object:
        return super().make({"queues": (values.pop("queue"),), **values})


@views.post("/queues/<path:queue>/pop", "pop")
def pop_from_queue() -> Response:
    """Lease jobs of one queue."""
    return _done("pop", load_body(_POP_FROM_BODY))


@views.post("/pop", "pop")
def pop() -> Response:
    """Lease jobs of several queues."""
    return _done("pop")


@views.post("/heartbeat", "heartbeat")
def heartbeat() -> Response:
    """Renew leases."""
    return _done("heartbeat")


@views.post("/settle", "settle")
def settle() -> Response:
    """End leases."""
    return _done("settle")


@views.post("/exchange", "exchange")
def exchange() -> Response:
    """End leases, then lease more jobs."""
    return _done("exchange")


@views.post("/jobs/<path:jid>/heartbeat", "heartbeat")
def heartbeat_job() -> Response:
    """Renew one lease."""
    return answer(_RENEWED.dump(only(*perform("heartbeat", beats=[load_body(_BEAT)]))))


@views.post("/jobs/<path:jid>/complete", "settle")
def complete_job() -> Response:
    """End one lease: the stage is done."""
    return _settled(_COMPLETE)


@views.post("/jobs/<path:jid>/retry", "settle")
def retry_job() -> Response:
    """End one lease: it did not work out."""
    return _settled(_RETRY)


@views.post("/jobs/<path:jid>/fail", "settle")
def fail_job() -> Response:
    """End one lease: a person must look at it."""
    return _settled(_FAIL)


@views.post("/jobs/<path:jid>/release", "settle")
def release_job() -> Response:
    """End one lease: give the job back."""
    return _settled(_RELEASE)


def _done(operation: str, arguments: dict[str, Any] | None = None) -> Response:
    row = OPERATIONS[operation]
    return answer(row.dump_answer(perform(operation, **(arguments or load_body(row.arguments)))))


def _settled(schema: Noun) -> Response:
    return answer(_SETTLED.dump(only(*perform("settle", settlements=[load_body(schema)]))))


_POP_FROM_BODY, _BEAT, _RENEWED, _SETTLED = PopFromBody(), BeatSchema(), RenewedSchema(), SettledSchema()
_COMPLETE, _RETRY, _FAIL, _RELEASE = CompleteSchema(), RetrySchema(), FailSchema(), ReleaseSchema()

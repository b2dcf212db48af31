"""Workers, as they were seen."""

from __future__ import annotations

from flask import Response

from qless_flask.schemas.noun import Noun
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.schemas.values import Text
from qless_flask.schemas.workers import WorkerSchema
from qless_flask.web.answers import answer
from qless_flask.web.parsing import load_query
from qless_flask.web.service import perform
from qless_flask.web.views import Views

views = Views()


class NoQuery(Noun):
    """Nothing is asked."""


class WorkerPath(Noun):
    """The worker in the path."""

    worker = Text(required=True)


@views.get("/workers")
def list_workers() -> Response:
    """Sum up all workers."""
    return answer(OPERATIONS["workers"].dump_answer(perform("workers", **load_query(_NO_QUERY))))


@views.get("/workers/<path:worker>")
def get_worker() -> Response:
    """Sum up one worker."""
    [worker] = perform("workers", names=[load_query(_WORKER_PATH)["worker"]])
    return answer(_WORKER.dump(worker))


_NO_QUERY, _WORKER_PATH, _WORKER = NoQuery(), WorkerPath(), WorkerSchema()

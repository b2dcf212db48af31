"""Workers: as they were seen, and what they are asked."""

from __future__ import annotations

from flask import Response

from qless_flask.schemas.noun import Noun
from qless_flask.schemas.operations import OPERATIONS, NoArguments
from qless_flask.schemas.values import Flag, Text
from qless_flask.schemas.workers import WorkerSchema
from qless_flask.web.answers import answer
from qless_flask.web.parsing import load_body, load_query
from qless_flask.web.persons import ByHand
from qless_flask.web.service import perform
from qless_flask.web.views import Views

views = Views()


class WorkerPath(Noun):
    """The worker in the path."""

    worker = Text(required=True)


class AskBody(ByHand):
    """What is asked of the worker in the path, or with `"on": false` no longer."""

    worker = Text(required=True)
    on = Flag()


@views.get("/workers", "workers")
def list_workers() -> Response:
    """Sum up all workers."""
    return answer(OPERATIONS["workers"].dump_answer(perform("workers", **load_query(_NO_QUERY))))


@views.get("/workers/<path:worker>", "workers")
def get_worker() -> Response:
    """Sum up one worker."""
    [worker] = perform("workers", names=[load_query(_WORKER_PATH)["worker"]])
    return answer(_WORKER.dump(worker))


@views.post("/workers/<path:worker>/quiet", "quiet")
def quiet_worker() -> Response:
    """Ask a worker to pop no more."""
    return answer(_WORKER.dump(perform("quiet", **load_body(_ASK_BODY))))


@views.post("/workers/<path:worker>/stop", "stop")
def stop_worker() -> Response:
    """Ask a worker to end."""
    return answer(_WORKER.dump(perform("stop", **load_body(_ASK_BODY))))


_NO_QUERY, _WORKER_PATH, _ASK_BODY, _WORKER = NoArguments(), WorkerPath(), AskBody(), WorkerSchema()

"""An app that is nothing but a mounted qless-flask: what `qless-flask serve` runs."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from qless_flask.backends.base import Backend
from qless_flask.errors import NotFound
from qless_flask.settings import Settings
from qless_flask.web.answers import problem
from qless_flask.web.extension import QlessFlask


def create_app(url: str | None = None, *, backend: Backend | None = None, settings: Settings | None = None) -> Flask:
    """Build the app, mounted at `/`. Each process that serves it opens the store for itself, at its first request.

    The extension is `app.extensions["qless_flask"]`: close it when the process stops.
    """
    app = Flask("qless_flask", static_folder=None)
    app.extensions["qless_flask"] = qless = QlessFlask(url=url, backend=backend, settings=settings, url_prefix="")
    qless.init_app(app, whole=True)
    # The app is ours, so that what no route takes can be answered as everything else is.
    app.register_error_handler(HTTPException, _nowhere)
    return app


def _nowhere(error: HTTPException) -> Response:
    return problem(NotFound(subject=request.path))

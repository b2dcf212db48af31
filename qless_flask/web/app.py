"""An app that is nothing but a mounted qless-flask: what `qless-flask serve` runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from qless_flask.backends.base import Backend
from qless_flask.errors import NotFound, QlessError
from qless_flask.settings import Settings
from qless_flask.web.answers import problem
from qless_flask.web.current import EXTENSION
from qless_flask.web.extension import QlessFlask
from qless_flask.web.headers import protect
from qless_flask.web.hosts import refuse_other_hosts


def create_app(
    url: str | None = None,
    *,
    backend: Backend | None = None,
    settings: Settings | None = None,
    host_names: Sequence[str] | None = None,
    proxies: int = 0,
) -> Flask:
    """Build the app, mounted at `/`. Each process that serves it opens the store for itself, at its first request.

    With `host_names` it answers only to them and to those of this machine, while nobody is asked who they are; None:
    to all. So many `proxies` before it are believed what they say of a request: who sent it, and to which address.

    The extension is `app.extensions["qless_flask"]`: close it when the process stops.
    """
    app = Flask("qless_flask", static_folder=None)
    app.extensions["qless_flask"] = qless = QlessFlask(url=url, backend=backend, settings=settings, url_prefix="")
    qless.init_app(app, whole=True)
    # The app is ours, so that what no route takes can be answered as everything else is.
    app.register_error_handler(HTTPException, _nowhere)
    app.after_request(protect)
    if host_names is not None:
        app.before_request(partial(_refuse_other_hosts, host_names))
    if proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies, x_prefix=proxies
        )
    return app


def _refuse_other_hosts(names: Sequence[str]) -> Response | None:
    [service] = current_app.extensions[EXTENSION].values()
    try:
        refuse_other_hosts(names, lambda: service.access.asks())
    except QlessError as error:
        return problem(error)
    return None


def _nowhere(error: HTTPException) -> Response:
    return problem(NotFound(subject=request.path))

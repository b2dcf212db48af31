"""The blueprint: all routes of a mount, for any app and any prefix."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from flask import Blueprint
from flask.blueprints import BlueprintSetupState

from qless_flask.backends.base import Backend
from qless_flask.errors import BackendUnavailable
from qless_flask.settings import Settings
from qless_flask.web import assets
from qless_flask.web.access import Authenticate, Authorize, Host
from qless_flask.web.api import (
    events,
    failures,
    jobs,
    leases,
    metrics,
    mount,
    namespaces,
    operations,
    plugins,
    queues,
    recurrences,
    statistics,
    tags,
    transfer,
    workers,
)
from qless_flask.web.current import EXTENSION
from qless_flask.web.pages.modules import PAGES
from qless_flask.web.pages.problems import refuse_on_page
from qless_flask.web.service import Service
from qless_flask.web.views import NAMESPACE, Route, add_catch_all


def create_blueprint(
    name: str = "qless",
    *,
    url: str | None = None,
    backend: Backend | None = None,
    settings: Settings | None = None,
    authenticate: Authenticate | None = None,
    authorize: Authorize | None = None,
    frame: str | None = None,
) -> Blueprint:
    """Build a blueprint that serves a store; it mounts itself at `/{name}` unless told another `url_prefix`.

    The store is the one that `url` names (else `settings.url`), opened by each process when it is first needed, or a
    `backend` that is open already, which remains for the caller to close. The plugins are those that `settings` name,
    beside the installed ones; a backend that `open_backend` answered has its own.

    `authenticate` says who sends a request (an `Identity`, or None to leave that to plugins and tokens), `authorize`
    whether they may do something (None leaves that to plugins and roles). With an `authenticate`, nobody is let in whom
    nobody knows.

    `frame` names a template of the app that the pages stand in: it is given `qless_title`, and `qless_head` and
    `qless_body` to be put into its `<head>` and `<body>`. What such a page may load is for the app to say: of a
    Content-Security-Policy only what concerns framing, forms and `<base>` is set.
    """
    host = Host(authenticate, authorize, frame)
    return mounted(name, create_service(url=url, backend=backend, settings=settings, host=host))


def create_service(
    *, url: str | None, backend: Backend | None, settings: Settings | None, host: Host | None = None
) -> Service:
    """Build the service that a mount goes by, of what its user gave.

    Raise Invalid for a URL that names no store, and PluginError for plugins that are not as they are meant to be.
    """
    settings = settings or Settings()
    if url:
        settings = replace(settings, url=url)
    service = Service(settings, backend, host)
    service.plugins.check()
    if backend is None:
        # A slip in it is for whoever mounts: at a request it would look like the caller's.
        with suppress(BackendUnavailable):
            service.open().close()
    return service


def mounted(name: str, service: Service, *, whole: bool = False) -> Blueprint:
    """Build a blueprint that serves a service; `whole` says that the app has nothing else."""
    blueprint = Blueprint(name, __name__, url_prefix=f"/{name}")
    for noun in _NOUNS:
        noun.views.add_to(blueprint)
    add_catch_all(blueprint, "/api/<path:rest>", "nowhere_in_api")
    # Of a namespace that is another's nothing is told, not even that an address is none.
    add_catch_all(blueprint, f"{NAMESPACE}/", "nowhere_below_namespace")
    add_catch_all(blueprint, f"{NAMESPACE}/<path:rest>", "nowhere_in_namespace")

    def remember(state: BlueprintSetupState) -> None:
        full_name = f"{state.name_prefix}.{state.name}".lstrip(".")
        state.app.extensions.setdefault(EXTENSION, {})[full_name] = service
        if whole or (state.url_prefix or "/") != "/":
            # Else the unknown addresses at the root of an app are the app's own.
            add_catch_all(state, "/<path:rest>", "nowhere", refuse_on_page)

    blueprint.record(remember)
    return blueprint


def routes() -> list[Route]:
    """List all that a mount answers, with the action that each asks for."""
    return [route for noun in _NOUNS for route in noun.views.routes()]


_NOUNS = (
    *PAGES,
    assets,
    mount,
    plugins,
    metrics,
    jobs,
    leases,
    queues,
    failures,
    workers,
    tags,
    recurrences,
    events,
    statistics,
    namespaces,
    transfer,
    operations,
)

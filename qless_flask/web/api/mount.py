"""What stands at the mount itself: what this is, whether it lives, whether its store does, which namespaces it has."""

from __future__ import annotations

from importlib.metadata import version

from flask import Response, url_for

from qless_flask.schemas.mount import NamespacesSchema, ReadySchema
from qless_flask.web.answers import answer
from qless_flask.web.current import current_service
from qless_flask.web.guard import PUBLIC
from qless_flask.web.views import API, Views

views = Views(prefix="")


@views.get("/", "home")
def index() -> Response:
    """Say what this is, and where to go on."""
    return answer(
        {
            "name": "qless-flask",
            "version": version("qless-flask"),
            "namespaces": url_for(".list_namespaces"),
            "ready": url_for(".ready"),
        }
    )


@views.get("/healthz", PUBLIC)
def healthy() -> Response:
    """Say that this process answers; the store is not asked."""
    return answer({"status": "ok"})


@views.get("/readyz", PUBLIC)
def ready() -> Response:
    """Say that the store answers, and what its set-up puts at risk."""
    return answer(_READY.dump({"status": "ok", "warnings": current_service().backend.ping()}))


@views.get(f"{API}/namespaces", "namespaces")
def list_namespaces() -> Response:
    """List the namespaces that have begun, as far as whoever asks may know of them."""
    names = current_service().seen_namespaces()
    return answer(_NAMESPACES.dump({"namespaces": [{"name": name} for name in names]}))


_READY, _NAMESPACES = ReadySchema(), NamespacesSchema()

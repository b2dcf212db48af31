"""What stands at the mount itself: whether it lives, whether its store does, which namespaces it has."""

from __future__ import annotations

from flask import Response

from qless_flask.schemas.mount import NamespacesSchema, ReadySchema
from qless_flask.web.answers import answer
from qless_flask.web.current import current_service
from qless_flask.web.guard import PUBLIC
from qless_flask.web.views import API, Views

views = Views(prefix="")


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

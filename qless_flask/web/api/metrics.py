"""Figures for Prometheus."""

from __future__ import annotations

from flask import Response

from qless_flask.backends.hooked import Hooked
from qless_flask.plugins.exposition import CONTENT_TYPE, Exposition
from qless_flask.plugins.metrics.own import plugin_families, scheduler_families
from qless_flask.web.current import current_service
from qless_flask.web.views import Views

MOST_NAMESPACES = 1_000
"""So many are shown, the first by name."""

views = Views(prefix="")


@views.get("/metrics", "metrics")
def show_metrics() -> Response:
    """Show what the plugins have to show of all namespaces that one may look at, and how they and the schedulers do."""
    service = current_service()
    backend = service.backend.inner if isinstance(service.backend, Hooked) else service.backend
    names = service.seen_namespaces()[:MOST_NAMESPACES]
    exposition = Exposition()
    exposition.add_all(service.plugins, [backend.namespace(name) for name in names])
    exposition.add(scheduler_families(service.figures()))
    exposition.add(plugin_families(service.plugins.report()))
    return Response(exposition.text(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})

"""The mount that a request came to, and what it works with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, request

if TYPE_CHECKING:
    from qless_flask.web.service import Service

EXTENSION = "qless"
"""The key in `app.extensions`: a dict of services by the name of their blueprint."""


def current_service() -> Service:
    """Find the service of the mount that this request came to."""
    services: dict[str, Service] = current_app.extensions[EXTENSION]
    return services[request.blueprint or ""]

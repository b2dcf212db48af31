"""To come."""

from __future__ import annotations

from typing import Any

from qless_flask.hookspecs import hookimpl


@hookimpl
def namespace_policies() -> dict[str, Any]:
    """Offer none yet."""
    return {}

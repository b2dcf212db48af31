"""To come."""

from __future__ import annotations

from typing import Any

from qless_flask.hookspecs import hookimpl


@hookimpl
def tag_trackers() -> dict[str, Any]:
    """Offer none yet."""
    return {}

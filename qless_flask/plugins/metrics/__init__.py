"""To come."""

from __future__ import annotations

from typing import Any

from qless_flask.hookspecs import hookimpl


@hookimpl
def metrics(namespaces: Any) -> list[Any]:
    """Add none yet."""
    return []

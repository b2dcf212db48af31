"""The metrics that are built in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qless_flask.hookspecs import Space, hookimpl
from qless_flask.plugins.metrics.namespaces import families

if TYPE_CHECKING:
    from prometheus_client import Metric


@hookimpl
def metrics(namespaces: Iterable[Space]) -> list[Metric]:
    """Show how many jobs are where, and how long they wait."""
    return families(namespaces)

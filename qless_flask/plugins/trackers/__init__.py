"""The tag trackers that are built in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qless_flask.hookspecs import Space, TagTracker, hookimpl
from qless_flask.plugins.trackers.log import Log
from qless_flask.plugins.trackers.prometheus import Prometheus, families
from qless_flask.plugins.trackers.webhook import Webhook

if TYPE_CHECKING:
    from prometheus_client import Metric


@hookimpl
def tag_trackers() -> dict[str, type[TagTracker]]:
    """Offer them."""
    return {"webhook": Webhook, "log": Log, "prometheus": Prometheus}


@hookimpl
def metrics(namespaces: Iterable[Space]) -> list[Metric]:
    """Show what the `prometheus` trackers have counted."""
    return families(namespaces)

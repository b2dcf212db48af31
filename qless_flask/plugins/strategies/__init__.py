"""The retry strategies that are built in."""

from __future__ import annotations

from qless_flask.hookspecs import RetryStrategy, hookimpl
from qless_flask.plugins.strategies.by_group import ByGroup
from qless_flask.plugins.strategies.delays import Exponential, Fixed, Linear, Table


@hookimpl
def retry_strategies() -> dict[str, type[RetryStrategy]]:
    """Offer them."""
    return {
        "fixed": Fixed,
        "linear": Linear,
        "exponential": Exponential,
        "table": Table,
        "by_group": ByGroup,
    }

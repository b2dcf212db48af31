"""Manners for jobs that ask other people's servers: a retry strategy, a policy and a tag tracker."""

from __future__ import annotations

from qless_flask.hookspecs import Policy, RetryStrategy, TagTracker, hookimpl
from qless_polite.by_host import ByHost
from qless_polite.chat import Chat
from qless_polite.retry_after import RetryAfter

__all__ = ["ByHost", "Chat", "RetryAfter"]


@hookimpl
def retry_strategies() -> dict[str, type[RetryStrategy]]:
    """Offer `retry_after`."""
    return {"retry_after": RetryAfter}


@hookimpl
def namespace_policies() -> dict[str, type[Policy]]:
    """Offer `by_host`."""
    return {"by_host": ByHost}


@hookimpl
def tag_trackers() -> dict[str, type[TagTracker]]:
    """Offer `chat`."""
    return {"chat": Chat}

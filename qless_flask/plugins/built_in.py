"""The plugins that are built in, by name, in the order in which they are registered."""

from __future__ import annotations

NAMES = ("strategies", "policies", "trackers", "metrics")


def built_in() -> dict[str, str]:
    """Tell where each is imported from."""
    return {f"qless.{name}": f"qless_flask.plugins.{name}" for name in NAMES}

"""The plugins that are built in, by name, in the order in which they are registered."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

NAMES = ("strategies", "policies", "trackers", "metrics")


def built_in() -> dict[str, ModuleType]:
    """Import those that are there."""
    return {f"qless.{name}": import_module(f"qless_flask.plugins.{name}") for name in NAMES}

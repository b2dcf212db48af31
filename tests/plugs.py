"""Plugins made on the spot, for the tests of what is done with their answers."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from qless_flask.hookspecs import hookimpl
from qless_flask.plugins import Plugins


def plugin(**hooks: Callable[..., Any]) -> ModuleType:
    """Build a plugin of functions, by the names of the hooks."""
    made = ModuleType("made")
    for name, function in hooks.items():
        setattr(made, name, hookimpl(specname=name)(function))
    return made


def plugins(**hooks: Callable[..., Any]) -> Plugins:
    """Load one plugin, `mine`, beside those that are built in."""
    loaded = Plugins({"mine": plugin(**hooks)}, installed=False)
    loaded.check()
    return loaded


def offering(hook: str, **offered: type) -> Plugins:
    """Load one plugin that offers classes by name."""

    def offer() -> dict[str, type]:
        return offered

    return plugins(**{hook: offer})

"""--plugin, --block-plugin and --plugin-order, or what stands of them in the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path

import click

from qless_flask.backends import is_server, open_backend
from qless_flask.backends.base import Backend
from qless_flask.plugins import Plugins
from qless_flask.settings import PluginSettings

GIVEN = "QLESS_PLUGINS"
BLOCKED = "QLESS_BLOCKED_PLUGINS"
ORDER = "QLESS_PLUGIN_ORDER"


class _Names(click.types.StringParamType):
    """A name; in the environment there stand several, with commas between."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        return _listed(rv)


_OPTIONS = (
    click.option(
        "--plugin",
        "given_plugins",
        multiple=True,
        type=_Names(),
        envvar=GIVEN,
        show_envvar=True,
        metavar="MODULE[:NAME]",
        help="One to load beside the installed ones; may stand several times.",
    ),
    click.option(
        "--block-plugin",
        "blocked_plugins",
        multiple=True,
        type=_Names(),
        envvar=BLOCKED,
        show_envvar=True,
        metavar="PLUGIN",
        help="One that is not to be loaded; may stand several times.",
    ),
    click.option(
        "--plugin-order",
        "plugin_order",
        multiple=True,
        type=_Names(),
        envvar=ORDER,
        show_envvar=True,
        metavar="PLUGIN",
        help="One to ask before all others; several are asked in their order.",
    ),
)


def plugin_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options; it gets them as PluginSettings, its argument `plugins`."""

    @wraps(command)
    def with_plugins(
        *args: object,
        given_plugins: tuple[str, ...],
        blocked_plugins: tuple[str, ...],
        plugin_order: tuple[str, ...],
        **kwargs: object,
    ) -> None:
        settings = PluginSettings(plugins=given_plugins, blocked_plugins=blocked_plugins, plugin_order=plugin_order)
        command(*args, plugins=settings, **kwargs)

    decorated: Callable[..., None] = with_plugins
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def plugins_of_environment() -> PluginSettings:
    """Tell which plugins a command has that takes no such options."""
    given, blocked, order = (_listed(os.environ.get(name, "")) for name in (GIVEN, BLOCKED, ORDER))
    return PluginSettings(plugins=given, blocked_plugins=blocked, plugin_order=order)


def load_plugins(settings: PluginSettings) -> Plugins:
    """Load plugins; those that are given are looked for here first. Raise PluginError if one is not as it is meant."""
    plugins = look_for_plugins(settings)
    plugins.check()
    return plugins


def look_for_plugins(settings: PluginSettings) -> Plugins:
    """Load plugins, whatever is wrong with them."""
    look_here(settings)
    return Plugins.of(settings)


def look_here(settings: PluginSettings) -> None:
    """Let the plugins that are given be found in the present folder, before any other."""
    if settings.plugins and "" not in sys.path:
        sys.path.insert(0, "")


def open_store(url: str, token: str | Path | None = None) -> Backend:
    """Open a store with the plugins of the environment; a server has its own, and may want to see a token."""
    if is_server(url):
        return open_backend(url, token=token)
    return open_backend(url, plugins=load_plugins(plugins_of_environment()))


def _listed(value: str) -> tuple[str, ...]:
    return tuple(name for each in value.split(",") if (name := each.strip()))

"""Where plugins come from: built in, installed, or given."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from qless_flask.hookspecs import PROJECT
from qless_flask.plugins.built_in import built_in
from qless_flask.settings import PluginSettings

GROUP = f"{PROJECT}.plugins"
"""The entry points of plugins; a plugin has the name of its entry point."""
BACKENDS = f"{PROJECT}.backends"
"""The entry points of stores, by the schemes of their URLs."""


@dataclass(frozen=True, slots=True)
class Source:
    """A plugin that is not loaded yet."""

    name: str
    origin: str
    """As `Plugin.source` tells it."""
    load: Callable[[], object]
    must_load: bool = False
    """Whether it is an error at start if it cannot be imported."""


def sources(given: Sequence[object] | Mapping[str, object], *, installed: bool) -> Iterator[Source]:
    """List all plugins that there are, in the order in which they are registered. None is imported by that."""
    for name, module in built_in().items():
        yield Source(name, "built in", partial(import_module, module), must_load=True)
    if installed:
        seen: set[str] = set()
        for point in entry_points(group=GROUP):
            origin = told_distribution(point)
            # Which of two comes first is for nobody to say: the second has another name, by which it can be blocked.
            name = f"{point.name} of {origin}" if point.name in seen else point.name
            seen.add(name)
            yield Source(name, origin, point.load)
    for name, plugin in named(given).items():
        yield Source(name, "given", partial(_imported, plugin), must_load=True)


def is_any(settings: PluginSettings) -> bool:
    """Tell, without importing them, whether there are plugins beside those built in."""
    return bool(settings.plugins) or (settings.installed_plugins and bool(entry_points(group=GROUP)))


def named(given: Sequence[object] | Mapping[str, object]) -> dict[str, object]:
    """Give names to plugins that were given without: each is called as it is called where it stands."""
    if isinstance(given, Mapping):
        return dict(given)
    found: dict[str, object] = {}
    for plugin in given:
        name, number = _name(plugin), 2
        while name in found:
            name, number = f"{_name(plugin)} {number}", number + 1
        found[name] = plugin
    return found


def installed_stores() -> dict[str, EntryPoint]:
    """List the stores that are installed here, by scheme; of two with one scheme the first has it."""
    return {point.name: point for point in reversed(entry_points(group=BACKENDS))}


def told_distribution(point: EntryPoint) -> str:
    """Tell which distribution an entry point belongs to."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _name(plugin: object) -> str:
    if isinstance(plugin, str):
        return plugin
    if isinstance(plugin, ModuleType):
        return plugin.__name__
    kind = plugin if inspect.isclass(plugin) else type(plugin)
    return f"{kind.__module__}:{kind.__qualname__}"


def _imported(plugin: object) -> object:
    if not isinstance(plugin, str):
        return plugin
    return pkgutil.resolve_name(plugin) if ":" in plugin else import_module(plugin)

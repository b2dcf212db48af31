"""The plugins that a process has: found, ordered, called one by one, and counted."""

from __future__ import annotations

import inspect
import json
import logging
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pluggy

from qless_flask.errors import PluginError, QlessError
from qless_flask.hookspecs import PROJECT, Codec, Hooks, Policy, RetryStrategy, TagTracker
from qless_flask.models import Backoff, Chosen, Plugin
from qless_flask.models.plugins import PluginReport
from qless_flask.plugins.building import build
from qless_flask.plugins.call import Call
from qless_flask.plugins.faults import HOOKS, faults, hint
from qless_flask.plugins.offers import OFFERING, ask
from qless_flask.plugins.record import Record
from qless_flask.plugins.sources import Source, installed_stores, sources, told_distribution
from qless_flask.settings import PluginSettings

logger = logging.getLogger("qless_flask.plugins")


class Plugins:
    """The plugins of a process. Without a word: those built in, and those that are installed (their entry points).

    >>> Plugins([module, "shop.plugin"], blocked=["qless.trackers"], order=["shop.plugin", "theirs"])
    """

    def __init__(
        self,
        given: Sequence[object] | Mapping[str, object] | None = None,
        *,
        installed: bool = True,
        blocked: Iterable[str] = (),
        order: Sequence[str] = (),
    ) -> None:
        """Load them all; what cannot be loaded is told by `report`, and by `check`. See `PluginSettings`."""
        self._records: dict[str, Record] = {}
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Hooks)
        self._blocked = frozenset(blocked)
        loaded: dict[str, object] = {}
        for source in sources(given or (), installed=installed):
            self._take(source, loaded)
        stores = installed_stores() if installed else {}
        self.stores = {scheme: point for scheme, point in stores.items() if scheme not in self._blocked}
        """The stores that are installed, by the schemes of their URLs; `open_backend` opens them."""
        self._warn_of_strangers(order)
        self._register(loaded, order)
        self._calls: dict[str, tuple[Call, ...]] = {name: self._calls_of(name) for name in HOOKS}
        offers = self._offers()
        self.strategies: Mapping[str, type[RetryStrategy]] = offers["strategies"]
        self.policies: Mapping[str, type[Policy]] = offers["policies"]
        self.trackers: Mapping[str, type[TagTracker]] = offers["trackers"]
        self.codecs: Mapping[str, Codec] = offers["codecs"]
        self.strategy = lru_cache(maxsize=1024)(self._strategy)
        self.policy = lru_cache(maxsize=1024)(self._policy)

    @classmethod
    def of(cls, settings: PluginSettings) -> Plugins:
        """Load those that settings name."""
        return cls(
            settings.plugins,
            installed=settings.installed_plugins,
            blocked=settings.blocked_plugins,
            order=settings.plugin_order,
        )

    def check(self) -> None:
        """Raise PluginError if a plugin is not what it is meant to be: a server says so at its start.

        That is one with a hook or an argument that there is not, and whatever is wrong with one that was given. One
        that is installed and cannot be imported is told by `report` alone.
        """
        broken = [record for record in self._records.values() if record.state == "failed" and record.stops]
        if broken:
            told = "; ".join(f"{record.name} ({record.source}): {record.reason}" for record in broken)
            raise PluginError(f"mend or block these plugins: {told}", subject=broken[0].name)

    def calls(self, hook: str) -> tuple[Call, ...]:
        """The implementations of a hook, in the order in which they are called."""
        return self._calls[hook]

    def first(self, hook: str, **arguments: Any) -> tuple[Call, Any] | None:
        """Ask one plugin after the other until one answers.

        Raise what one raises of QlessError, and PluginError for all else.
        """
        for call in self._calls[hook]:
            answer = call.asked(**arguments)
            if answer is not None:
                return call, answer
        return None

    def tracker(self, chosen: Chosen) -> TagTracker:
        """Build a tracker. Raise Invalid if there is none of that name, or it takes no such options."""
        built: TagTracker = self._built("trackers", "tracker", chosen.name, json.loads(chosen.options))
        return built

    def report(self) -> list[Plugin]:
        """Say what is loaded, failed and blocked, in the order in which plugins are asked."""
        return [record.told() for record in self._records.values()]

    def reported(self) -> PluginReport:
        """Say that of this process, with the stores that are installed."""
        stores = {scheme: told_distribution(point) for scheme, point in sorted(self.stores.items())}
        return PluginReport(f"{socket.gethostname()[:120]}-{os.getpid()}", tuple(self.report()), stores)

    def record(self, plugin: str) -> Record:
        """What is counted of a plugin."""
        return self._records[plugin]

    def record_of(self, offered: str, name: str) -> Record:
        """What is counted of the plugin that offers a name; `offered` is strategies, policies, trackers or codecs."""
        # In the order in which they are asked: the first that offers it has it.
        return next(record for record in self._records.values() if name in record.offers.get(offered, ()))

    def modules(self) -> list[str]:
        """List the modules in which those that are loaded stand."""
        plugins = self._manager.get_plugins()
        found = {each.__name__ if inspect.ismodule(each) else type(each).__module__ for each in plugins}
        return sorted(found - {"__main__"})

    def _strategy(self, backoff: Backoff) -> RetryStrategy:
        """Build the strategy that a back-off names; raise as `tracker` does."""
        options = backoff.as_message()
        del options["strategy"]
        built: RetryStrategy = self._built("strategies", "retry strategy", backoff.strategy, options, field="strategy")
        return built

    def _policy(self, chosen: Chosen) -> Policy:
        """Build a policy; raise as `tracker` does."""
        built: Policy = self._built("policies", "policy", chosen.name, json.loads(chosen.options))
        return built

    def _built(self, offered: str, what: str, name: str, options: Mapping[str, Any], *, field: str = "name") -> Any:
        try:
            return build(what, name, getattr(self, offered), options, field=field)
        except QlessError:
            raise
        except Exception as error:
            record = self.record_of(offered, name)
            record.failed(f"{what} {name}", error, 0.0)
            logger.exception("plugin %s: %s %s cannot be built", record.name, what, name)
            message = f"plugin {record.name} failed to build {what} {name}: {type(error).__name__}"
            raise PluginError(message, subject=record.name) from error

    def _take(self, source: Source, loaded: dict[str, object]) -> None:
        """Load a plugin, if it is not blocked; one that is given or installed may take the name of another."""
        name = source.name
        loaded.pop(name, None)
        record = self._records[name] = Record(name, source.origin, stops=source.must_load)
        if name in self._blocked:
            record.state = "blocked"
            return
        try:
            plugin = source.load()
            plugin = plugin() if inspect.isclass(plugin) else plugin
            wrong = "; ".join(faults(self._manager, plugin))
        except (Exception, SystemExit) as error:
            record.fail(f"{type(error).__name__}: {error}")
            logger.warning("plugin %s (%s) could not be loaded: %s", name, source.origin, record.reason)
            logger.debug("that came of", exc_info=error)
            return
        if wrong:
            record.stops = True
            record.fail(wrong)
            logger.warning("plugin %s (%s) is left out: %s", name, source.origin, wrong)
            return
        for known in [known for known, other in loaded.items() if other is plugin]:
            # Installed, and given once more: it has the name that was said last.
            del loaded[known], self._records[known]
        loaded[name] = plugin

    def _warn_of_strangers(self, order: Sequence[str]) -> None:
        """Tell of names that are no plugin's: it may be a slip, or meant for another machine."""
        for name in (*sorted(self._blocked), *order):
            if name not in self._records and name not in installed_stores():
                logger.warning("there is no plugin %s to block or to order%s", name, hint(name, self._records))

    def _register(self, loaded: Mapping[str, object], order: Sequence[str]) -> None:
        """Register them so that those that are to be asked first come last."""
        first = [name for name in dict.fromkeys(order) if name in loaded]
        names = [name for name in loaded if name not in first] + first[::-1]
        for name in names:
            self._manager.register(loaded[name], name)
            self._records[name].hooks = tuple(
                sorted(caller.name for caller in self._manager.get_hookcallers(loaded[name]) or ())
            )
        others = [name for name in self._records if name not in names]
        self._records = {name: self._records[name] for name in names[::-1] + others}

    def _calls_of(self, hook: str) -> tuple[Call, ...]:
        caller = getattr(self._manager.hook, hook)
        return tuple(
            Call(hook, each.plugin_name, self._records[each.plugin_name], each.function)
            for each in reversed(caller.get_hookimpls())
        )

    def _offers(self) -> dict[str, dict[str, Any]]:
        """Gather what the plugins offer; where two offer a name, the one that is asked first has it."""
        offers: dict[str, dict[str, Mapping[str, Any]]] = {kind: {} for kind in OFFERING}
        for kind, hook in OFFERING.items():
            for call in self._calls[hook]:
                try:
                    offers[kind][call.plugin] = ask(kind, call)
                except Exception as error:
                    logger.warning("plugin %s failed in %s", call.plugin, hook, exc_info=error)
                    self._records[call.plugin].fail(f"{hook}: {type(error).__name__}: {error}")
        self._leave_out_failed()
        taken: dict[str, dict[str, Any]] = {kind: {} for kind in OFFERING}
        for kind, by_plugin in offers.items():
            for plugin, offered in by_plugin.items():
                if self._records[plugin].state == "loaded":
                    self._records[plugin].offer(kind, offered, taken[kind])
                    taken[kind] = {**offered, **taken[kind]}
        return taken

    def _leave_out_failed(self) -> None:
        loaded = {name for name, record in self._records.items() if record.state == "loaded"}
        for name, _ in self._manager.list_name_plugin():
            if name not in loaded:
                self._manager.unregister(name=name)
        self._calls = {
            hook: tuple(each for each in calls if each.plugin in loaded) for hook, calls in self._calls.items()
        }

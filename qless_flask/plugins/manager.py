"""The plugins that a process has: found, ordered, called one by one, and counted."""

from __future__ import annotations

import difflib
import inspect
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import pluggy

from qless_flask.bounds import Checks, is_text
from qless_flask.errors import Invalid, PluginError, QlessError
from qless_flask.hookspecs import PROJECT, Codec, Hooks, Policy, RetryStrategy, TagTracker
from qless_flask.models import Backoff, Chosen, Plugin
from qless_flask.plugins.built_in import built_in
from qless_flask.plugins.record import Record

GROUP = f"{PROJECT}.plugins"
BACKENDS = f"{PROJECT}.backends"

Value = TypeVar("Value")
Kind = TypeVar("Kind")

logger = logging.getLogger("qless_flask.plugins")


class Call:
    """One plugin's implementation of a hook."""

    __slots__ = ("_function", "_names", "hook", "plugin", "record")

    def __init__(self, hook: str, plugin: str, record: Record, function: Callable[..., Any], names: Sequence[str]):
        self.hook, self.plugin, self.record = hook, plugin, record
        self._function, self._names = function, names

    def __call__(self, **arguments: Any) -> Any:
        """Call it with those of the arguments that it wants; what it raises is counted, and raised."""
        begun = time.perf_counter()
        try:
            answer = self._function(**{name: arguments[name] for name in self._names})
        except QlessError:
            self.record.called(time.perf_counter() - begun)
            raise
        except Exception as error:
            self.record.failed(self.hook, error, time.perf_counter() - begun)
            raise
        self.record.called(time.perf_counter() - begun)
        return answer

    def broke(self, error: Exception) -> PluginError:
        """Build the error for those who asked for what this plugin could not do."""
        return PluginError(f"plugin {self.plugin} failed in {self.hook}: {type(error).__name__}", subject=self.plugin)


class Plugins:
    """The plugins of a process. Without a word: those built in, and those that are installed (their entry points).

    >>> Plugins(given={"mine": module}, blocked=["qless.trackers"], order=["mine", "theirs"])
    """

    def __init__(
        self,
        given: Mapping[str, object] | None = None,
        *,
        installed: bool = True,
        blocked: Iterable[str] = (),
        order: Sequence[str] = (),
    ) -> None:
        """Load them all; what cannot be loaded is told by `report`, and by `check`.

        `order` names those that come first, in that order; the others follow, and those built in come last.
        """
        self._records: dict[str, Record] = {}
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Hooks)
        self._blocked = frozenset(blocked)
        self._order = tuple(order)
        loaded: dict[str, object] = {}
        for name, module in built_in().items():
            self._take(name, "built in", lambda module=module: module, loaded)  # type: ignore[misc]
        if installed:
            for point in entry_points(group=GROUP):
                self._take(point.name, _distribution(point), point.load, loaded)
        for name, plugin in (given or {}).items():
            self._take(name, "given", lambda plugin=plugin: plugin, loaded)  # type: ignore[misc]
        self._register(loaded)
        self._calls: dict[str, tuple[Call, ...]] = {name: self._calls_of(name) for name in HOOKS}
        self.strategies: Mapping[str, type[RetryStrategy]] = self._offers("retry_strategies", "strategies")
        self.policies: Mapping[str, type[Policy]] = self._offers("namespace_policies", "policies")
        self.trackers: Mapping[str, type[TagTracker]] = self._offers("tag_trackers", "trackers")
        self.codecs: Mapping[str, Codec] = self._offers("data_codecs", "codecs")
        self.strategy = lru_cache(maxsize=1024)(self._strategy)
        self.policy = lru_cache(maxsize=1024)(self._policy)

    def check(self) -> None:
        """Raise PluginError if a plugin could not be loaded as it is meant: a server says so at its start."""
        broken = [record for record in self._records.values() if record.state == "failed"]
        if broken:
            told = "; ".join(f"{record.name}: {record.reason}" for record in broken)
            raise PluginError(f"mend or block these plugins: {told}", subject=broken[0].name)

    def calls(self, hook: str) -> tuple[Call, ...]:
        """The implementations of a hook, in the order in which they are called."""
        return self._calls[hook]

    def filtered(self, hook: str, argument: str, value: Value, **others: Any) -> Value:
        """Pass a value through all filters of a hook; each sees what the one before has made of it.

        Raise what a filter raises of QlessError, and PluginError for all else, and for what is no such value.
        """
        for call in self._calls[hook]:
            try:
                answer = call(**{argument: value}, **others)
            except QlessError:
                raise
            except Exception as error:
                logger.exception("plugin %s failed in %s", call.plugin, hook)
                raise call.broke(error) from error
            if answer is not None:
                if not isinstance(answer, type(value)) and argument != "settlement":
                    raise call.broke(TypeError(f"it answered {type(answer).__name__}"))
                value = answer
        return value

    def first(self, hook: str, **arguments: Any) -> tuple[Call, Any] | None:
        """Ask one plugin after the other until one answers; raise as `filtered` does."""
        for call in self._calls[hook]:
            try:
                answer = call(**arguments)
            except QlessError:
                raise
            except Exception as error:
                logger.exception("plugin %s failed in %s", call.plugin, hook)
                raise call.broke(error) from error
            if answer is not None:
                return call, answer
        return None

    def tracker(self, chosen: Chosen) -> TagTracker:
        """Build a tracker. Raise Invalid if there is none of that name, or it takes no such options."""
        return _built("name", chosen.name, self.trackers, json.loads(chosen.options), "tracker")

    def report(self) -> list[Plugin]:
        """Say what is loaded, failed and blocked, in the order in which plugins are asked."""
        return [record.told() for record in self._records.values()]

    def record(self, plugin: str) -> Record:
        """What is counted of a plugin."""
        return self._records[plugin]

    def record_of(self, offered: str, name: str) -> Record:
        """What is counted of the plugin that offers a name; `offered` is strategies, policies, trackers or codecs."""
        # In the order in which they are asked: the first that offers it has it.
        return next(record for record in self._records.values() if name in record.offers.get(offered, ()))

    def _strategy(self, backoff: Backoff) -> RetryStrategy:
        """Build the strategy that a back-off names; raise as `tracker` does."""
        options = backoff.as_message()
        del options["strategy"]
        return _built("strategy", backoff.strategy, self.strategies, options, "retry strategy")

    def _policy(self, chosen: Chosen) -> Policy:
        """Build a policy; raise as `tracker` does."""
        return _built("name", chosen.name, self.policies, json.loads(chosen.options), "policy")

    def _take(self, name: str, source: str, load: Callable[[], object], loaded: dict[str, object]) -> None:
        """Load a plugin, if it is not blocked; one that is given or installed may take the name of another."""
        loaded.pop(name, None)
        record = self._records[name] = Record(name, source)
        if name in self._blocked:
            record.state = "blocked"
            return
        try:
            plugin = load()
            plugin = plugin() if inspect.isclass(plugin) else plugin
            faults = self._faults(plugin)
        except Exception as error:
            record.fail(f"{type(error).__name__}: {error}")
            logger.warning("plugin %s could not be loaded", name, exc_info=error)
            return
        if faults:
            record.fail("; ".join(faults))
            logger.warning("plugin %s is left out: %s", name, record.reason)
            return
        loaded[name] = plugin

    def _faults(self, plugin: object) -> list[str]:
        """Tell what is wrong with the hooks that a plugin implements."""
        faults, found = [], False
        for name in dir(plugin):
            options = self._manager.parse_hookimpl_opts(plugin, name)
            if options is None:
                continue
            found = True
            hook = options["specname"] or name
            if hook not in HOOKS:
                faults.append(f"there is no hook {hook}{_hint(hook, HOOKS)}")
                continue
            if options["wrapper"] or options["hookwrapper"]:
                faults.append(f"{hook} cannot be wrapped: implement it")
            for word in inspect.signature(getattr(plugin, name)).parameters:
                if word not in ARGUMENTS[hook]:
                    faults.append(f"{hook} has no argument {word}: it has {', '.join(ARGUMENTS[hook]) or 'none'}")
        if not found:
            faults.append("it implements no hook: mark its functions with qless_flask.hookspecs.hookimpl")
        return faults

    def _register(self, loaded: Mapping[str, object]) -> None:
        """Register them so that those that are to be asked first come last."""
        first = [name for name in self._order if name in loaded]
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
            Call(hook, each.plugin_name, self._records[each.plugin_name], each.function, each.argnames)
            for each in reversed(caller.get_hookimpls())
        )

    def _offers(self, hook: str, kind: str) -> Mapping[str, Any]:
        """Gather what the plugins offer; where two offer a name, the one that is asked first has it."""
        taken: dict[str, Any] = {}
        for call in self._calls[hook]:
            record = self._records[call.plugin]
            try:
                offered = dict(call())
                faults = [f"{kind} must have a name: {name!r} is none" for name in offered if not is_text(name)]
            except Exception as error:
                offered, faults = {}, [f"{hook}: {type(error).__name__}: {error}"]
                logger.warning("plugin %s failed in %s", call.plugin, hook, exc_info=error)
            if faults:
                self._leave_out(call.plugin, "; ".join(faults))
                continue
            record.shadowed |= {kind: shadowed} if (shadowed := tuple(sorted(offered.keys() & taken.keys()))) else {}
            record.offers |= {kind: tuple(sorted(offered))}
            taken = offered | taken
        return taken

    def _leave_out(self, name: str, reason: str) -> None:
        self._manager.unregister(name=name)
        self._records[name].fail(reason)
        self._calls = {
            hook: tuple(each for each in calls if each.plugin != name) for hook, calls in self._calls.items()
        }


ARGUMENTS: dict[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(function).parameters)[1:]
    for name, function in vars(Hooks).items()
    if inspect.isfunction(function)
}
"""The arguments of each hook, in the order of a job's life."""
HOOKS = tuple(ARGUMENTS)


def _built(
    field: str, name: str, kinds: Mapping[str, Callable[..., Kind]], options: Mapping[str, Any], what: str
) -> Kind:
    kind = kinds.get(name)
    if kind is None:
        raise Invalid.of({field: [f"there is no {what} {name}{_hint(name, kinds)}"]})
    parameters = inspect.signature(kind).parameters.values()
    check = Checks()
    if not any(each.kind is each.VAR_KEYWORD for each in parameters):
        known = [each.name for each in parameters]
        for option in options.keys() - {*known}:
            check.wrong(option, f"is nothing that {name} takes; it takes {', '.join(known) or 'nothing'}")
    for each in parameters:
        if each.default is each.empty and each.kind is not each.VAR_KEYWORD and each.name not in options:
            check.wrong(each.name, "must be given")
    check.done()
    try:
        return kind(**options)
    except (TypeError, ValueError) as error:
        raise Invalid.of({field: [f"{name} cannot be told that: {error}"]}) from error


def _hint(name: str, names: Iterable[str]) -> str:
    names = sorted(names)
    near = difflib.get_close_matches(name, names, 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value

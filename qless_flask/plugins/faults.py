"""What is wrong with the hooks that a plugin implements."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Iterator

import pluggy

from qless_flask.hookspecs import Hooks

ARGUMENTS: dict[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(function).parameters)[1:]
    for name, function in vars(Hooks).items()
    if inspect.isfunction(function)
}
"""The arguments of each hook, in the order of a job's life."""
HOOKS = tuple(ARGUMENTS)

MAY_WAIT = ("around_perform",)
"""The hooks that may be coroutine functions."""


def faults(manager: pluggy.PluginManager, plugin: object) -> Iterator[str]:
    """Tell all that is wrong, a sentence each."""
    found = False
    for name in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, name)
        if options is None:
            continue
        found = True
        hook = options["specname"] or name
        if hook not in HOOKS:
            yield f"there is no hook {hook}{hint(hook, HOOKS)}"
            continue
        function = getattr(plugin, name)
        if options["wrapper"] or options["hookwrapper"]:
            yield f"{hook} cannot be wrapped: implement it"
        if inspect.iscoroutinefunction(function) and hook not in MAY_WAIT:
            yield f"{hook} must be a plain function, not async"
        for word in inspect.signature(function).parameters:
            if word not in ARGUMENTS[hook]:
                yield f"{hook} has no argument {word}: it has {', '.join(ARGUMENTS[hook]) or 'none'}"
    if not found:
        yield "it implements no hook: mark its functions with qless_flask.hookspecs.hookimpl"


def hint(name: str, names: Iterable[str]) -> str:
    """Tell what may have been meant instead of a name, or what there is."""
    names = sorted(names)
    near = difflib.get_close_matches(name, names, 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names) or 'none'}"

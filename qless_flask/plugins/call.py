"""One plugin's implementation of a hook."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

from qless_flask.errors import PluginError, QlessError
from qless_flask.plugins.record import Record

OBSERVING = frozenset({"on_event", "metrics", "register_commands"})
"""The hooks from which no error is an answer."""


class Call:
    """An implementation, called with those of the hook's arguments that it wants; timed and counted."""

    __slots__ = ("_function", "_names", "hook", "plugin", "record")

    def __init__(self, hook: str, plugin: str, record: Record, function: Callable[..., Any]) -> None:
        self.hook, self.plugin, self.record = hook, plugin, record
        self._function = function
        self._names = tuple(inspect.signature(function).parameters)

    def __call__(self, **arguments: Any) -> Any:
        """Call it; what it raises is counted, and raised. An error of ours is what filters refuse by, and no fault."""
        begun = time.perf_counter()
        try:
            answer = self.uncounted(**arguments)
        except Exception as error:
            seconds = time.perf_counter() - begun
            if isinstance(error, QlessError) and self.hook not in OBSERVING:
                self.record.called(seconds)
            else:
                self.record.failed(self.hook, error, seconds)
            raise
        self.record.called(time.perf_counter() - begun, what=self.hook)
        return answer

    def uncounted(self, **arguments: Any) -> Any:
        """Call it, and leave it to the caller to time and count that."""
        return self._function(**{name: arguments[name] for name in self._names})

    def broke(self, error: Exception) -> PluginError:
        """Build the error for those who asked for what this plugin could not do."""
        return PluginError(f"plugin {self.plugin} failed in {self.hook}: {type(error).__name__}", subject=self.plugin)

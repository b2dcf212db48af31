"""One plugin's implementation of a hook."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable
from typing import Any

from qless_flask.errors import PluginError, QlessError
from qless_flask.plugins.record import Record

OBSERVING = frozenset({"on_event", "metrics", "register_commands"})
"""The hooks from which no error is an answer."""

logger = logging.getLogger("qless_flask.plugins")
BROKEN = (Exception, SystemExit)
"""What a plugin breaks with: one that quits would take its thread along, without a word."""


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
        except BROKEN as error:
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

    def asked(self, **arguments: Any) -> Any:
        """Call it for somebody who waits. Raise what it raises of QlessError, and PluginError for all else."""
        try:
            return self(**arguments)
        except QlessError:
            raise
        except Exception as error:
            logger.exception("plugin %s failed in %s", self.plugin, self.hook)
            raise self._broke(error) from error

    def misfit(self, answer: object) -> PluginError:
        """Count and log an answer that is none, and build the error for who waits."""
        error = TypeError(f"it answered {answer!r:.200}")
        self.record.failed(self.hook, error, 0.0)
        logger.error("plugin %s failed in %s: %s", self.plugin, self.hook, error)
        return self._broke(error)

    def _broke(self, error: Exception) -> PluginError:
        return PluginError(f"plugin {self.plugin} failed in {self.hook}: {type(error).__name__}", subject=self.plugin)

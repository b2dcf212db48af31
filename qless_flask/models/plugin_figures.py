"""What is counted of a plugin in one process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

MOST_OFF = 10
"""How many of those that are switched off are named where there must be an end to it."""


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """What a plugin did wrong, the latest."""

    hook: str
    at: float
    message: str


@dataclass(frozen=True, slots=True)
class PluginFigures:
    """How a plugin does in one process."""

    name: str
    _: KW_ONLY
    calls: int = 0
    errors: int = 0
    seconds: float = 0.0
    """How long its calls took, all together."""
    off: tuple[str, ...] = ()
    """The observing hooks and trackers that were switched off, after ten errors in a row."""
    last_error: PluginFailure | None = None

    def figures(self) -> PluginFigures:
        """Take these alone, where more is known; of what is off, the first few."""
        return PluginFigures(
            self.name,
            calls=self.calls,
            errors=self.errors,
            seconds=self.seconds,
            off=self.off[:MOST_OFF],
            last_error=self.last_error,
        )

    @classmethod
    def of_object(cls, told: Mapping[str, Any]) -> PluginFigures:
        """Read them as they stand in JSON."""
        error = told["last_error"]
        return cls(
            told["name"],
            calls=told["calls"],
            errors=told["errors"],
            seconds=told["seconds"],
            off=tuple(told["off"]),
            last_error=error and PluginFailure(error["hook"], error["at"], error["message"]),
        )

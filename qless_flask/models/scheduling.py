"""What the schedulers of a store have done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from qless_flask.models.plugin_figures import PluginFigures


@dataclass(frozen=True, slots=True)
class Upkept:
    """What was done in some time, in numbers."""

    ticks: int = 0
    """How often the leader looked after the whole store."""
    fired: int = 0
    """Jobs that recurrences have put."""
    promoted: int = 0
    """Jobs made available when they were due."""
    lost: int = 0
    """Leases taken back, those of runs over their `max_run` among them."""
    expired: int = 0
    """Jobs that nobody had popped within their `expires_in`."""
    told: int = 0
    """Dependents of ended jobs that were left for the scheduler to tell."""
    pruned: int = 0
    """Jobs deleted because their time was over."""
    errors: int = 0
    """What could not be done; it is tried again each second, and each try counts."""

    def __add__(self, other: Upkept) -> Upkept:
        return Upkept(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Upkept)))

    def __bool__(self) -> bool:
        """Tell whether anything came of the ticks."""
        return replace(self, ticks=0) != Upkept()


@dataclass(frozen=True, slots=True)
class SchedulerFigures:
    """Who looks after a store, and what all that ever did so have done: its leader writes it down every few seconds.

    What a leader did in the seconds before it was killed may be missing.
    """

    leader: str
    """Who led when this was written."""
    since: float
    """When it came to lead."""
    last_tick_at: float
    done: Upkept = Upkept()
    plugins: tuple[PluginFigures, ...] = ()
    """How those plugins do that were called in the process of the leader, since it began."""

    def as_object(self) -> dict[str, Any]:
        """Write it as it stands in JSON."""
        told = asdict(self)
        done, plugins = told.pop("done"), told.pop("plugins")
        return {**told, **done, "plugins": plugins}

    @classmethod
    def of_object(cls, told: Mapping[str, Any]) -> SchedulerFigures:
        """Read it; what another version of ours counts beside is left out."""
        done = Upkept(**{each.name: told[each.name] for each in fields(Upkept) if each.name in told})
        plugins = tuple(PluginFigures.of_object(each) for each in told.get("plugins", ()))
        return cls(told["leader"], told["since"], told["last_tick_at"], done, plugins)

    def as_text(self) -> str:
        """Write it as JSON."""
        return json.dumps(self.as_object())

    @classmethod
    def of_text(cls, text: str) -> SchedulerFigures:
        """Read it from JSON."""
        return cls.of_object(json.loads(text))

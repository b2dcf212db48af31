"""What the schedulers of a store have done."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace


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

    def as_text(self) -> str:
        """Write it as JSON."""
        told = {"leader": self.leader, "since": self.since, "last_tick_at": self.last_tick_at}
        return json.dumps(told | asdict(self.done))

    @classmethod
    def of_text(cls, text: str) -> SchedulerFigures:
        """Read it; what another version of ours counts beside is left out."""
        told = json.loads(text)
        done = Upkept(**{each.name: told[each.name] for each in fields(Upkept) if each.name in told})
        return cls(told["leader"], told["since"], told["last_tick_at"], done)

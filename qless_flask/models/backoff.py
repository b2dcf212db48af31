"""How long a retry that names no delay is put off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from qless_flask.bounds import MAX_DELAY_SECONDS, Checks
from qless_flask.errors import Invalid
from qless_flask.models.chosen import checked_options, dump_options
from qless_flask.models.words import JITTERS, STRATEGIES, Jitter

MAX_FACTOR = 1_000.0
MAX_DELAYS = 1_000
MAX_OPTIONS_BYTES = 4 << 10
TAKEN: dict[str, tuple[str, ...]] = {
    "fixed": ("delay",),
    "linear": ("delay", "max"),
    "exponential": ("delay", "factor", "max", "jitter"),
    "table": ("delays",),
}
"""What each of our own strategies takes; those of plugins take what they will."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Which retry strategy is taken, and what it is told.

    `fixed`: each retry after `delay` seconds; `linear`: the n-th after `delay * n`, ≤ `max`; `exponential`: after
    `delay * factor**(n - 1)`, ≤ `max`; `table`: after the n-th of `delays`, then always after the last of them.
    With `full` jitter an exponential delay is drawn evenly between 0 and that (AWS Architecture Blog, "Exponential
    Backoff and Jitter", 2015), so that those that failed together don't come back together.
    The strategies of plugins take `options`, the text of a JSON object; in JSON these stand beside `strategy`.
    """

    strategy: str = "exponential"
    delay: float = 15.0
    _: KW_ONLY
    factor: float = 2.0
    max: float = 3600.0
    jitter: Jitter = "full"
    delays: tuple[float, ...] = ()
    options: str = "{}"

    def __post_init__(self) -> None:
        check = Checks()
        check.text("strategy", self.strategy)
        check.seconds("delay", self.delay, 0, MAX_DELAY_SECONDS)
        if type(self.factor) not in (int, float) or not 1 <= self.factor <= MAX_FACTOR:
            check.wrong("factor", f"must be a number from 1 to {MAX_FACTOR:,.10g}")
        check.seconds("max", self.max, 0, MAX_DELAY_SECONDS)
        check.one_of("jitter", self.jitter, JITTERS)
        self._check_delays(check)
        self._check_options(check)
        taken = _taken(self.strategy)
        for name, default in _DEFAULTS.items():
            if name not in taken and getattr(self, name) != default:
                check.wrong(name, _not_taken(self.strategy))
        if self.strategy == "table" and not self.delays:
            check.wrong("delays", "must be given")
        check.done()

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Backoff:
        """Build one from the object that it is in JSON. Raise Invalid for a field that its strategy doesn't take."""
        given = dict(message)
        strategy = given.pop("strategy", "exponential")
        if isinstance(strategy, str) and strategy not in STRATEGIES:
            return cls(strategy, options=dump_options(given))
        check = Checks()
        for name in sorted(given.keys() - {*_taken(strategy)}):
            check.wrong(name, _not_taken(strategy))
            del given[name]
        try:
            built = cls(strategy, **given)
        except Invalid as error:
            for name, said in error.fields.items():
                check.wrong(name, " ".join(said))
        check.done()
        return built

    def as_message(self) -> dict[str, Any]:
        """Write it as it stands in JSON: only what its strategy goes by."""
        if self.strategy not in STRATEGIES:
            return {"strategy": self.strategy, **json.loads(self.options)}
        values = {name: getattr(self, name) for name in TAKEN[self.strategy]}
        return {"strategy": self.strategy, **{n: list(v) if isinstance(v, tuple) else v for n, v in values.items()}}

    def _check_delays(self, check: Checks) -> None:
        if not isinstance(self.delays, (tuple, list)):
            check.wrong("delays", "must be a list")
            return
        if len(self.delays) > MAX_DELAYS:
            check.wrong("delays", f"must be at most {MAX_DELAYS:,}")
            return
        for index, delay in enumerate(self.delays):
            check.seconds(f"delays.{index}", delay, 0, MAX_DELAY_SECONDS)
        object.__setattr__(self, "delays", tuple(self.delays))

    def _check_options(self, check: Checks) -> None:
        options = checked_options(check, self.options, ("strategy",), MAX_OPTIONS_BYTES)
        object.__setattr__(self, "options", options)


_DEFAULTS: dict[str, Any] = {
    "delay": 15.0,
    "factor": 2.0,
    "max": 3600.0,
    "jitter": "full",
    "delays": (),
    "options": "{}",
}


def _taken(strategy: object) -> tuple[str, ...]:
    """Name the fields that a strategy takes."""
    return TAKEN.get(strategy, ("options",)) if isinstance(strategy, str) else ()


def _not_taken(strategy: object) -> str:
    return f"is nothing that {strategy} takes; it takes {', '.join(_taken(strategy))}"

"""How long a retry that names no delay is put off."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

from qless_flask.bounds import MAX_DELAY_SECONDS, Checks
from qless_flask.models.words import JITTERS, STRATEGIES, Jitter, Strategy

MAX_FACTOR = 1_000.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """`fixed`: each retry after `delay` seconds; `exponential`: the n-th after `delay * factor**(n - 1)`, ≤ `max`.

    With `full` jitter an exponential delay is drawn evenly between 0 and that (AWS Architecture Blog, "Exponential
    Backoff and Jitter", 2015), so that those that failed together don't come back together.
    """

    strategy: Strategy = "exponential"
    delay: float = 15.0
    _: KW_ONLY
    factor: float = 2.0
    max: float = 3600.0
    jitter: Jitter = "full"

    def __post_init__(self) -> None:
        check = Checks()
        check.one_of("strategy", self.strategy, STRATEGIES)
        check.seconds("delay", self.delay, 0, MAX_DELAY_SECONDS)
        if type(self.factor) not in (int, float) or not 1 <= self.factor <= MAX_FACTOR:
            check.wrong("factor", f"must be a number from 1 to {MAX_FACTOR:,.10g}")
        check.seconds("max", self.max, 0, MAX_DELAY_SECONDS)
        check.one_of("jitter", self.jitter, JITTERS)
        if self.strategy == "fixed" and (self.factor, self.max, self.jitter) != (2.0, 3600.0, "full"):
            check.wrong("strategy", "fixed takes a delay and nothing else")
        check.done()

    def as_message(self) -> dict[str, Any]:
        """Write it as it stands in JSON: only what its strategy goes by."""
        if self.strategy == "fixed":
            return {"strategy": self.strategy, "delay": self.delay}
        return {
            "strategy": self.strategy,
            "delay": self.delay,
            "factor": self.factor,
            "max": self.max,
            "jitter": self.jitter,
        }

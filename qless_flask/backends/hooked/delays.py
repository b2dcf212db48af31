"""How long a retry that names no delay is put off: what its back-off's strategy says, or that it is not."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

from qless_flask.backends.hooked.calling import counted
from qless_flask.bounds import MAX_DELAY_SECONDS
from qless_flask.hookspecs import RetryStrategy
from qless_flask.models import Backoff, Failure, Job
from qless_flask.plugins import Plugins
from qless_flask.plugins.strategies import retry_strategies

Draw = Callable[[], float]
"""Answers a random number from 0 to 1."""

DEEPEST = 8
"""How many back-offs are asked at most, where each leaves it to the next."""

logger = logging.getLogger("qless_flask.plugins")


class Delays:
    """Asks the strategies."""

    def __init__(self, plugins: Plugins, draw: Draw) -> None:
        self._plugins = plugins
        self._draw = draw

    def of(self, backoff: Backoff, job: Job, failure: Failure, run: int) -> float | None:
        """Answer the seconds before a retry, or None to give up.

        A strategy that there is not here, or that fails, loses no job: it is told, and the default back-off counts.
        """
        try:
            for _ in range(DEEPEST):
                answer = self._ask(backoff, job, failure, run)
                if not isinstance(answer, Backoff):
                    return answer
                backoff = answer
            raise RecursionError(f"{DEEPEST} back-offs leave it to another")
        except Exception:
            logger.exception("strategy %s failed for job %s: the default counts", backoff.strategy, job.jid)
            return retry_delay(Backoff(), run, self._draw)

    def _ask(self, backoff: Backoff, job: Job, failure: Failure, run: int) -> float | Backoff | None:
        strategy = self._plugins.strategy(backoff)
        if self._draw is not random.random:
            object.__setattr__(strategy, "draw", self._draw)
        record = self._plugins.record_of("strategies", backoff.strategy)
        return counted(record, f"retry strategy {backoff.strategy}", lambda: _answer(strategy, job, failure, run))


def retry_delay(backoff: Backoff, number: int, draw: Draw = random.random) -> float:
    """Work out the seconds before a retry, of which it is the first, second, … in its stage, by a built-in strategy."""
    options = backoff.as_message()
    strategy = retry_strategies()[str(options.pop("strategy"))](**options)
    object.__setattr__(strategy, "draw", draw)
    delay = strategy.next_delay(_NO_JOB, _NO_FAILURE, number)
    assert isinstance(delay, (int, float)), backoff
    return delay


def _answer(strategy: RetryStrategy, job: Job, failure: Failure, run: int) -> float | Backoff | None:
    answer = strategy.next_delay(job, failure, run)
    if answer is None or isinstance(answer, Backoff):
        return answer
    if type(answer) not in (int, float) or not answer >= 0:
        raise ValueError(f"it answered {answer!r:.200}, which is no delay")
    return min(answer, MAX_DELAY_SECONDS)


_NO_FAILURE = Failure("-", "", 0.0, None, 1)
_NO_JOB = Job("-", "-", "-", "running", 0, (), None, 0, 0, (), None, None, 0.0, 0.0, None, None)

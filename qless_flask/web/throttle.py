"""How often an address may try to log in: a guesser is slowed down before the store is asked."""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class Throttle:
    """Counts tries in the memory of this process: several processes let through so many times more."""

    def __init__(self, *, times: int, seconds: int) -> None:
        """Let each `times` tries through in any `seconds`."""
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._limit = RateLimitItemPerSecond(times, seconds)

    def wait(self, who: str) -> int:
        """Count a try; answer 0 if it may go on, else after how many seconds another may."""
        if self._limiter.hit(self._limit, who):
            return 0
        reset, _ = self._limiter.get_window_stats(self._limit, who)
        return max(1, math.ceil(reset - time.time()))

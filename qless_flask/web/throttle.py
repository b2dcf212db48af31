"""How often somebody may do something: counted in memory, before the store is asked for anything."""

from __future__ import annotations

import ipaddress
import math
import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

MOST_KEYS = 10_000
"""How many are told apart; then all are forgotten, for the storage keeps the name of everybody who ever came."""


class Throttle:
    """Counts in the memory of this process: several processes let through so many times more."""

    def __init__(self, *, times: int, seconds: int) -> None:
        """Let each `times` tries through in any `seconds`."""
        self._storage = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._limit = RateLimitItemPerSecond(times, seconds)

    def wait(self, who: str) -> int:
        """Count a try; answer 0 if it may go on, else after how many seconds another may."""
        if len(self._storage.events) >= MOST_KEYS:
            self._storage.reset()
        if self._limiter.hit(self._limit, who):
            return 0
        reset, _ = self._limiter.get_window_stats(self._limit, who)
        return max(1, math.ceil(reset - time.time()))


def network_of(address: str | None) -> str:
    """Tell by what to count an address: one of IPv6 by its /64, for whoever has one has all of that."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network((int(parsed), 64), strict=False))

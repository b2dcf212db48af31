"""How many requests a second whoever asks may send, counted in the memory of each process."""

from __future__ import annotations

from fractions import Fraction

from qless_flask.errors import RateLimited
from qless_flask.models import Identity
from qless_flask.web.throttle import Throttle


class Limits:
    """Counts the requests of each token, or of each name where another than a token says who somebody is."""

    def __init__(self, requests_per_second: float | None) -> None:
        """`requests_per_second` is for those whose token does not say; None: as many as they like."""
        self._rate = requests_per_second
        self._throttles: dict[float, Throttle] = {}

    def check(self, identity: Identity) -> None:
        """Count a request. Raise RateLimited where it is one too many; that one does not count."""
        rate = self._rate if identity.rate is None else identity.rate
        if rate is None:
            return
        wait = self._throttle(rate).wait(f"token {identity.token}" if identity.token else f"name {identity.name}")
        if wait:
            raise RateLimited(f"more than {rate:g} requests a second: ask again in {wait} s", wait=wait)

    def _throttle(self, rate: float) -> Throttle:
        throttle = self._throttles.get(rate)
        if throttle is None:
            times, seconds = window(rate)
            throttle = self._throttles.setdefault(rate, Throttle(times=times, seconds=seconds))
        return throttle


def window(rate: float) -> tuple[int, int]:
    """Say a rate in whole requests and seconds: 0.5 is 1 in 2 s, 2.5 is 5 in 2 s, and 100 is 100 in 1 s.

    No window is longer than it need be, so that nobody waits long after a burst: it is 10 s at most from 1 a second
    on, and 100 s below.
    """
    times = Fraction(rate).limit_denominator(10 if rate >= 1 else 100)
    return times.numerator, times.denominator

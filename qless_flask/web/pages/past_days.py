"""Statistics day by day: what was read of days that are over is kept a while, as it hardly changes any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from qless_flask.models import Stats

FRESH_SECONDS = 300.0
"""How long a day is kept: a dump may be loaded meanwhile, or a scheduler may have counted what was left."""
MOST_KEPT = 2_000
PATIENCE_SECONDS = 1.0
"""How long one page reads days: where no scheduler counts transitions, each look counts those that are left anew."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Day:
    """A day, and what was read of it: without histograms; None where there was no time to."""

    name: str
    stats: Stats | None


class PastDays:
    """Days that were read, in this process."""

    def __init__(self, clock: Clock = time.monotonic, patience: float = PATIENCE_SECONDS) -> None:
        self._clock, self._patience = clock, patience
        self._kept: dict[Hashable, tuple[float, Stats]] = {}
        self._lock = threading.Lock()

    def read(self, names: Sequence[str], of: Hashable, stats: Callable[[str], Stats]) -> list[Day]:
        """Read days, the newest first, for as long as patience lasts; the first name is today, which is read anew.

        `of` tells what they are of from all else that is asked for in this process.
        """
        end = self._clock() + self._patience
        today, *past = names
        days = [Day(today, _without_histograms(stats(today)))]
        for name in past:
            found = self._known(of, name)
            if found is None and self._clock() < end:
                found = _without_histograms(stats(name))
                self._keep(of, name, found)
            days.append(Day(name, found))
        return days

    def _known(self, of: Hashable, name: str) -> Stats | None:
        with self._lock:
            until, stats = self._kept.get((of, name), (0.0, None))
        return stats if self._clock() < until else None

    def _keep(self, of: Hashable, name: str, stats: Stats) -> None:
        with self._lock:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[of, name] = (self._clock() + FRESH_SECONDS, stats)


def _without_histograms(stats: Stats) -> Stats:
    return replace(stats, wait=replace(stats.wait, histogram=()), run=replace(stats.run, histogram=()))

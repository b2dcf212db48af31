"""Times operations where few jobs lie in the store, then where many do, and prints both side by side."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from statistics import median

from qless_flask.backends import open_backend
from qless_flask.bench.redis_server import Server
from qless_flask.bench.scale import FILLS, Fill, Operation, operations, prepare

TIMES = 2_000
"""How often most operations are done."""
PARTS = 8
"""In how many parts they are timed: the middle one counts, so that what disturbs some of them does not."""

Costs = dict[str, float]
"""Microseconds by the name of the operation."""


class Meter(ABC):
    """Measures what operations cost."""

    unit: str

    @abstractmethod
    def clear(self) -> None:
        """Delete everything in the store."""

    @abstractmethod
    def so_far(self) -> float:
        """Tell how many microseconds were used so far."""

    def cost(self, operation: Operation) -> float:
        """Do an operation, and tell what a call costs."""
        calls = list(operation.calls)
        parts = [part for start in range(PARTS) if (part := calls[start::PARTS])]
        return median(self._timed(part) / len(part) for part in parts)

    def _timed(self, calls: Iterable[Callable[[], object]]) -> float:
        before = self.so_far()
        for call in calls:
            call()
        return self.so_far() - before


class RedisMeter(Meter):
    """A Redis server's own time inside scripts."""

    unit = "µs in scripts"

    def __init__(self, url: str) -> None:
        self._server = Server(url)

    def clear(self) -> None:
        self._server.clear()

    def so_far(self) -> float:
        return self._server.script_microseconds()


class ProcessMeter(Meter):
    """The processor's time in this process, where the store lies."""

    unit = "µs of the processor"

    def clear(self) -> None:
        """Leave the store as it is: each measurement has a namespace of its own."""

    def so_far(self) -> float:
        return time.process_time() * 1e6


def print_scale(url: str, meter: Meter, few: int, many: int) -> None:
    """Print a table for each state that the jobs lie in."""
    print(f"\n{url}: an operation in {meter.unit}, where so many jobs lie in its queue")
    for state, fill in FILLS.items():
        costs = [_costs(url, meter, state, fill, count) for count in (few, many)]
        print(f"  {state:34}{few:>10,}{many:>12,}{'ratio':>8}")
        for name, cost in costs[0].items():
            print(f"    {name:32}{cost:>10.1f}{costs[1][name]:>12.1f}{costs[1][name] / cost:>8.2f}")


def _costs(url: str, meter: Meter, state: str, fill: Fill, count: int) -> Costs:
    meter.clear()
    print(f"  {count:,} jobs {state} …", file=sys.stderr, flush=True)
    with open_backend(url) as backend:
        namespace = backend.namespace(f"{state}-{count}")
        prepare(namespace)
        fill(namespace, count)
        return {operation.name: meter.cost(operation) for operation in operations(namespace, TIMES)}

"""Times operations where few jobs lie in the store, by turns with where many do, and prints both side by side."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from statistics import median

from qless_flask.backends import open_backend
from qless_flask.bench.redis_server import Server
from qless_flask.bench.scale import FILLS, Fill, operations, prepare

Cost = tuple[str, float, float]
"""An operation, and the microseconds that it takes with few jobs and with many."""

TIMES = 2_000
"""How often most operations are done."""
FIRST_CALLS = 8
"""How often each is done before, untimed."""
PARTS = 20
"""In how many parts they are timed, by turns with few jobs and with many, so that both have the same weather; of each
the middle part counts."""


class Meter(ABC):
    """Measures what operations cost on a store."""

    unit: str
    here: bool
    """Whether the store lies in this process."""

    def __init__(self, url: str) -> None:
        self.url = url

    @abstractmethod
    def name(self) -> str:
        """Name what is measured."""

    @abstractmethod
    def clear(self) -> None:
        """Delete what the last measurement left."""

    @abstractmethod
    def so_far(self) -> float:
        """Tell how many microseconds were used so far."""

    def timed(self, calls: Sequence[Callable[[], object]]) -> float:
        """Make calls, and tell what one costs."""
        before = self.so_far()
        for call in calls:
            call()
        return (self.so_far() - before) / len(calls)


class RedisMeter(Meter):
    """A Redis server's own time inside scripts."""

    unit = "µs in scripts"
    here = False

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._server = Server(url)

    def name(self) -> str:
        return self._server.version()

    def clear(self) -> None:
        self._server.clear()

    def so_far(self) -> float:
        return self._server.script_microseconds()


class ProcessMeter(Meter):
    """The processor's time in this process, where the store lies."""

    unit = "µs of the processor"
    here = True

    def name(self) -> str:
        return self.url

    def clear(self) -> None:
        """Leave the store as it is: each measurement has a namespace of its own."""

    def so_far(self) -> float:
        return time.process_time() * 1e6


def print_scale(meters: tuple[Meter, Meter], few: int, many: int) -> None:
    """Print a table for each state that the jobs lie in: few in the store of the first meter, many in the other's."""
    print(f"\n{meters[0].name()}: an operation in {meters[0].unit}, where so many jobs lie in its queue")
    for state, fill in FILLS.items():
        print(f"  {state:34}{few:>10,}{many:>12,}{'ratio':>8}", flush=True)
        for name, at_few, at_many in _costs(meters, state, fill, (few, many)):
            print(f"    {name:32}{at_few:>10.1f}{at_many:>12.1f}{at_many / at_few:>8.2f}", flush=True)


def _costs(meters: tuple[Meter, Meter], state: str, fill: Fill, counts: tuple[int, int]) -> Iterator[Cost]:
    for meter in meters:
        meter.clear()
    with ExitStack() as stack:
        walks = []
        for meter, count in zip(meters, counts, strict=True):
            print(f"  {count:,} jobs {state} …", file=sys.stderr, flush=True)
            backend = stack.enter_context(open_backend(meter.url))
            # What a server or a connection does at the first call of its life: it comes before all jobs.
            for operation in operations(backend.namespace(f"first-{state}-{count}"), FIRST_CALLS):
                meter.timed(list(operation.calls))
            namespace = backend.namespace(f"{state}-{count}")
            prepare(namespace)
            fill(namespace, count)
            walks.append(operations(namespace, TIMES))
        for pair in zip(*walks, strict=True):
            each = [list(operation.calls) for operation in pair]
            times: tuple[list[float], list[float]] = [], []
            for start in range(PARTS):
                for meter, calls, found in zip(meters, each, times, strict=True):
                    if part := calls[start::PARTS]:
                        found.append(meter.timed(part))
            yield pair[0].name, median(times[0]), median(times[1])

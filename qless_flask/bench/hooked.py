"""Times operations on a bare store by turns with the same through `Hooked`, where no plugin has anything to say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

from qless_flask.backends import open_backend
from qless_flask.backends.base import Namespace
from qless_flask.backends.hooked import Hooked
from qless_flask.bench.scale import QUEUE, WORKER, Operation, prepare
from qless_flask.bench.scaling import Meter
from qless_flask.models import Complete, Lease, NewJob, Pop
from qless_flask.plugins import Plugins

GOAL = 1.05
PARTS = 50
"""In how many parts each is timed, by turns, so that both have the same weather; of each the middle part counts."""
BATCH = 100


def print_hooked(meter: Meter, times: int) -> None:
    """Print what operations cost bare and hooked: in the store, and of the processor's time in this process."""
    meter.clear()
    unit = meter.unit if meter.here else f"{meter.unit}, and of the processor here"
    print(f"\n{meter.name()}: {unit}; no plugin, no policy (goal: a ratio of at most {GOAL:g})")
    print(f"  {'':32}{'bare':>10}{'hooked':>10}{'ratio':>8}", flush=True)
    with open_backend(meter.url, plugins=Plugins(installed=False)) as hooked:
        assert isinstance(hooked, Hooked)
        spaces = (hooked.inner.namespace("bare"), hooked.namespace("hooked"))
        for space in spaces:
            prepare(space)
        for pair in zip(*(_operations(space, times) for space in spaces), strict=True):
            bare, through = _by_turns(meter, pair)
            print(f"  {pair[0].name:32}{bare:>10.1f}{through:>10.1f}{through / bare:>8.3f}", flush=True)


def _by_turns(meter: Meter, pair: tuple[Operation, ...]) -> tuple[float, float]:
    each = [list(operation.calls) for operation in pair]
    found: tuple[list[float], list[float]] = [], []
    for start in range(PARTS):
        # Who comes first has the colder caches: not always the same.
        for turn in (0, 1) if start % 2 else (1, 0):
            found[turn].append(_timed(meter, each[turn][start::PARTS]))
    return median(found[0]), median(found[1])


def _timed(meter: Meter, calls: list[Callable[[], object]]) -> float:
    """Make calls, and tell what one costs, on both sides."""
    here = time.process_time()
    there = meter.timed(calls)
    # Where the store lies in this process, its time is counted already.
    return there if meter.here else there + (time.process_time() - here) * 1e6 / len(calls)


def _operations(namespace: Namespace, times: int) -> Iterator[Operation]:
    """Name what is timed, in an order in which each finds what the one before has left."""
    leases: list[Lease] = []

    def put(count: int = 1) -> None:
        namespace.put([NewJob("Crawl", queue=QUEUE) for _ in range(count)])

    def pop(count: int = 1) -> None:
        leases.extend(namespace.pop([QUEUE], WORKER, count))

    def complete(count: int = 1) -> None:
        namespace.settle([Complete(leases.pop()) for _ in range(count)])

    def exchange() -> None:
        leases.extend(namespace.exchange([Complete(leases.pop())], Pop((QUEUE,), WORKER)).popped)

    for name, act in (("put", put), ("pop", pop), ("complete", complete)):
        yield Operation(name, [act] * times)
    for _ in range(times):
        put()
    pop()
    yield Operation("exchange", [exchange] * (times - 1))
    for name, many in (("put", put), ("pop", pop), ("complete", complete)):
        yield Operation(f"{name}, {BATCH} at once", [partial(many, BATCH)] * max(PARTS, times // BATCH))

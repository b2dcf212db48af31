"""What an operation costs where little lies in the store, and where much does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from qless_flask.backends.base import Namespace
from qless_flask.models import (
    Beat,
    Changes,
    Complete,
    Fail,
    Filter,
    Keep,
    Lease,
    NewJob,
    Release,
    Retention,
    Retry,
)

QUEUE, ASIDE, WORKER, HOLDER = "bench", "aside", "bench", "holder"
KEYS = 100
"""Over how many keys the parked jobs are spread."""
_NEVER_PRUNED = Retention(*[Keep(3e9, 1_000_000_000)] * 3)
_YEAR = 366 * 86_400.0


class Operation(NamedTuple):
    """An operation to time: `run` does it so many times."""

    name: str
    times: int
    run: Callable[[], None]


Fill = Callable[[Namespace, int], None]
"""Puts so many jobs into a state, to stay there."""


def fill_waiting(namespace: Namespace, count: int) -> None:
    """Let jobs wait."""
    for size in _batches(count):
        namespace.put([NewJob("Crawl", queue=QUEUE) for _ in range(size)])


def fill_parked(namespace: Namespace, count: int) -> None:
    """Let jobs wait whose keys run as much as they may."""
    namespace.configure(QUEUE, {"key_concurrency": 1})
    for size in _batches(count):
        namespace.put([NewJob("Crawl", queue=QUEUE, key=f"key {number % KEYS}") for number in range(size)])
    namespace.pop([QUEUE], HOLDER, KEYS, request="the first")


def fill_scheduled(namespace: Namespace, count: int) -> None:
    """Let jobs be due in a year."""
    for size in _batches(count):
        namespace.put([NewJob("Crawl", queue=QUEUE, delay=_YEAR) for _ in range(size)])


def fill_complete(namespace: Namespace, count: int) -> None:
    """Let jobs be complete."""
    for size in _batches(count):
        namespace.put([NewJob("Crawl", queue=QUEUE) for _ in range(size)])
        namespace.settle([Complete(lease) for lease in namespace.pop([QUEUE], WORKER, size)])


FILLS: dict[str, Fill] = {
    "waiting": fill_waiting,
    "parked": fill_parked,
    "scheduled": fill_scheduled,
    "complete": fill_complete,
}


def prepare(namespace: Namespace) -> None:
    """Let nothing of what is put be pruned, nor any lease be lost, while it is timed."""
    namespace.configure(QUEUE, {"retention": _NEVER_PRUNED, "heartbeat": None})


def operations(namespace: Namespace, times: int) -> Iterator[Operation]:
    """Name what is timed, in an order in which each finds what the one before has left."""
    jids: list[str] = []
    leases: list[Lease] = []

    def put() -> None:
        for _ in range(times):
            jids.extend(each.jid for each in namespace.put([NewJob("Crawl", queue=QUEUE)]))

    def pop() -> None:
        for _ in range(times):
            leases.extend(namespace.pop([QUEUE], WORKER))

    def each_lease(do: Callable[[Lease], object], part: int) -> Callable[[], None]:
        def run() -> None:
            for lease in leases[part::4]:
                do(lease)

        return run

    def each_jid(do: Callable[[list[str]], object]) -> Callable[[], None]:
        def run() -> None:
            for jid in jids:
                do([jid])

        return run

    def again(do: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            for _ in range(times):
                do()

        return run

    yield Operation("put", times, put)
    yield Operation("pop", times, pop)
    quarter = times // 4
    yield Operation("heartbeat", quarter, each_lease(lambda lease: namespace.heartbeat([Beat(lease)]), 0))
    yield Operation("complete", quarter, each_lease(lambda lease: namespace.settle([Complete(lease)]), 0))
    yield Operation("retry", quarter, each_lease(lambda lease: namespace.settle([Retry(lease, delay=0.0)]), 1))
    yield Operation("fail", quarter, each_lease(lambda lease: namespace.settle([Fail(lease, group="group")]), 2))
    yield Operation("release", quarter, each_lease(lambda lease: namespace.settle([Release(lease)]), 3))
    yield Operation("update", times, each_jid(lambda jid: namespace.update(jid, Changes(priority=1))))
    yield Operation("move", times, each_jid(lambda jid: namespace.move(jid, ASIDE)))
    yield Operation("cancel", times, each_jid(namespace.cancel))
    yield Operation("get", times, each_jid(namespace.get))
    page = Filter(queue=QUEUE, state="waiting")
    yield Operation("select, a page", times, again(lambda: namespace.select(page, limit=10)))
    yield Operation("queues", times, again(namespace.queues))
    yield Operation("promote", times, again(namespace.promote))
    yield Operation("prune", times, again(namespace.prune))
    if namespace.queues([QUEUE])[0].settings.key_concurrency:
        yield Operation("complete and pop, of a full key", times, lambda: _give_keyed(namespace, times))


def _give_keyed(namespace: Namespace, times: int) -> None:
    """Let one job after the other of a key that is full end, and so let the next of it go."""
    popped = namespace.pop([QUEUE], HOLDER, request="the first")
    for _ in range(times):
        namespace.settle([Complete(lease) for lease in popped])
        popped = namespace.pop([QUEUE], HOLDER)


def _batches(count: int) -> Sequence[int]:
    return [min(1000, count - start) for start in range(0, count, 1000)]

"""What an operation costs where little lies in the store, and where much does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
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
    Settlement,
)

QUEUE, ASIDE, WORKER, HOLDER = "bench", "aside", "bench", "holder"
KEYS = 10
"""Over how many keys the parked jobs are spread."""
_NEVER_PRUNED = Retention(*[Keep(3e9, 1_000_000_000)] * 3)
_DAY = 86_400.0
_YEAR = 366 * _DAY


class Operation(NamedTuple):
    """An operation to time, call by call."""

    name: str
    calls: Iterable[Callable[[], object]]


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
    namespace.configure(QUEUE, {"retention": _NEVER_PRUNED, "heartbeat": _DAY})


def operations(namespace: Namespace, times: int) -> Iterator[Operation]:
    """Name what is timed, in an order in which each finds what the one before has left."""
    jids: list[str] = []
    leases: list[Lease] = []

    def put() -> None:
        jids.extend(each.jid for each in namespace.put([NewJob("Crawl", queue=QUEUE)]))

    def pop() -> None:
        leases.extend(namespace.pop([QUEUE], WORKER))

    yield Operation("put", [put] * times)
    yield Operation("pop", [pop] * times)
    heartbeat = [partial(namespace.heartbeat, [Beat(lease)]) for lease in leases]
    yield Operation("heartbeat", heartbeat)
    ends: dict[str, Callable[[Lease], Settlement]] = {
        "complete": Complete,
        "retry": lambda lease: Retry(lease, delay=0.0),
        "fail": lambda lease: Fail(lease, group="group"),
        "release": Release,
    }
    for part, (name, end) in enumerate(ends.items()):
        held = leases[part :: len(ends)]
        yield Operation(name, [partial(namespace.settle, [end(lease)]) for lease in held])
    yield Operation("update", [partial(namespace.update, [jid], Changes(priority=1)) for jid in jids])
    yield Operation("move", [partial(namespace.move, [jid], ASIDE) for jid in jids])
    yield Operation("cancel", [partial(namespace.cancel, [jid]) for jid in jids])
    yield Operation("get", [partial(namespace.get, [jid]) for jid in jids])
    page = Filter(queue=QUEUE, state="waiting")
    yield Operation("select, a page", [partial(namespace.select, page, limit=10)] * times)
    yield Operation("queues", [namespace.queues] * times)
    yield Operation("promote", [namespace.promote] * times)
    yield Operation("prune", [namespace.prune] * times)
    if namespace.queues([QUEUE])[0].settings.key_concurrency:
        turns = _let_the_next_go(namespace)
        yield Operation("complete, pop of a full key", [partial(next, turns)] * (times // 4))


def _let_the_next_go(namespace: Namespace) -> Iterator[None]:
    """Let one job after the other of a key that is full end, and so the next of it go."""
    popped = namespace.pop([QUEUE], HOLDER, request="the first")
    while popped:
        namespace.settle([Complete(lease) for lease in popped])
        popped = namespace.pop([QUEUE], HOLDER)
        yield


def _batches(count: int) -> Sequence[int]:
    return [min(1000, count - start) for start in range(0, count, 1000)]

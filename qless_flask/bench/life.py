"""The life of a job (put, pop, complete), singly and in batches, on any namespace."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qless_flask.backends.base import Namespace
from qless_flask.models import Complete, NewJob, Pop

Life = Callable[[int], None]
"""Lets so many jobs live."""

QUEUE, WORKER = "bench", "bench"
SMALL = '{"hello":"world"}'
KILOBYTE = '{"text":"' + "x" * 1013 + '"}'
BATCH = 100


def lives(namespace: Namespace) -> dict[str, Life]:
    """Name the ways in which jobs live here."""
    return {
        "singly": lambda count: _singly(namespace, count),
        "singly, settle and pop together": lambda count: _exchanging(namespace, count),
        f"batches of {BATCH}": lambda count: _in_batches(namespace, count),
    }


def put_waiting(namespace: Namespace, count: int, data: str) -> None:
    """Put jobs with generated jids, to stay."""
    for size in _batches(count, 1000):
        namespace.put([NewJob("Crawl", data, queue=QUEUE) for _ in range(size)])


def _singly(namespace: Namespace, count: int) -> None:
    for _ in range(count):
        namespace.put([NewJob("Crawl", SMALL, queue=QUEUE)])
    for _ in range(count):
        [lease] = namespace.pop([QUEUE], WORKER)
        namespace.settle([Complete(lease)])


def _exchanging(namespace: Namespace, count: int) -> None:
    for _ in range(count):
        namespace.put([NewJob("Crawl", SMALL, queue=QUEUE)])
    popped = namespace.pop([QUEUE], WORKER)
    while popped:
        popped = namespace.exchange([Complete(lease) for lease in popped], Pop((QUEUE,), WORKER)).popped


def _in_batches(namespace: Namespace, count: int) -> None:
    for size in _batches(count, BATCH):
        namespace.put([NewJob("Crawl", SMALL, queue=QUEUE) for _ in range(size)])
    while popped := namespace.pop([QUEUE], WORKER, BATCH):
        namespace.settle([Complete(lease) for lease in popped])


def _batches(count: int, size: int) -> Iterator[int]:
    for start in range(0, count, size):
        yield min(size, count - start)

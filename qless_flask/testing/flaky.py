"""A store that fails where a test wants it to: before or after any of its operations.

Who works on it is told nothing: an operation raises, or the process is killed. To go through all the places at which
something can go wrong, list them by one run in which nothing does, and then fail at each in turn:

>>> points = []
>>> work(Flaky(backend, before=points.append))
>>> for point in points:
...     work(Flaky(backend, before=fail_at(point.number)))
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import wraps
from typing import Any

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.passing import Passing
from qless_flask.errors import BackendUnavailable


@dataclass(frozen=True, slots=True)
class Point:
    """A place at which something can go wrong: one operation that is asked for."""

    operation: str
    namespace: str | None
    """None for the operations of the store itself: `namespaces` and `ping`."""
    number: int
    """Which of all operations it is, from 1 on, whatever thread asks for it."""


Fault = Callable[[Point], object]
"""Lets something go wrong at a point, or nothing: what it raises is what the operation raises."""


class Flaky(Backend):
    """A store, and what goes wrong with it. Wrap it round the bare store, and `Hooked` round it.

    `before` is called before each operation, which then has not happened; `after` when the store has answered, and who
    asked does not know it yet. Both by the thread that asks. Opening a namespace and closing the store are none.
    """

    def __init__(self, inner: Backend, *, before: Fault | None = None, after: Fault | None = None) -> None:
        self.inner = inner
        self.before = before
        self.after = after
        self._numbers = itertools.count(1)

    def namespace(self, name: str) -> Namespace:
        return _FlakyNamespace(self, self.inner.namespace(name))

    def namespaces(self) -> list[str]:
        answer: list[str] = self._ask("namespaces", None, self.inner.namespaces)
        return answer

    def ping(self) -> list[str]:
        answer: list[str] = self._ask("ping", None, self.inner.ping)
        return answer

    def close(self) -> None:
        self.inner.close()

    def _ask(self, operation: str, namespace: str | None, call: Callable[[], Any]) -> Any:
        point = Point(operation, namespace, next(self._numbers))
        if self.before is not None:
            self.before(point)
        try:
            return call()
        finally:
            if self.after is not None:
                self.after(point)


def fail_at(numbers: Container[int] | int) -> Fault:
    """Build a fault: BackendUnavailable at the operation of that number, or at each of several."""
    wanted: Container[int] = (numbers,) if isinstance(numbers, int) else numbers

    def fail(point: Point) -> None:
        if point.number in wanted:
            raise BackendUnavailable(f"the test wants {point.operation} to fail")

    return fail


def kill_at(number: int) -> Fault:
    """Build a fault: at the operation of that number this process ends, as by `kill -9`."""

    def kill(point: Point) -> None:
        if point.number == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return kill


class _FlakyNamespace(Passing):
    def __init__(self, flaky: Flaky, inner: Namespace) -> None:
        super().__init__(inner)
        self._flaky = flaky


def _asked(name: str, operation: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(operation)
    def asked(self: _FlakyNamespace, *args: object, **options: object) -> Any:
        return self._flaky._ask(name, self.name, lambda: operation(self, *args, **options))

    return asked


for _name in sorted(Namespace.__abstractmethods__):
    setattr(_FlakyNamespace, _name, _asked(_name, getattr(Passing, _name)))

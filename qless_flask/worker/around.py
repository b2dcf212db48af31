"""What runs around a job's function: the `around_perform` of plugins, and what stands in its `@job(around=[…])`."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from qless_flask.client.functions import Around, JobFunction
from qless_flask.client.leased import LeasedJob
from qless_flask.client.outcomes import Outcome
from qless_flask.errors import QlessError
from qless_flask.plugins import Plugins
from qless_flask.plugins.record import Record

HOOK = "around_perform"


class Arounds:
    """Runs job functions inside all that belongs around them: the plugins that are asked first outermost."""

    def __init__(self, plugins: Plugins | None) -> None:
        calls = plugins.calls(HOOK) if plugins else ()
        self._layers = tuple(
            Layer(f"{HOOK} of plugin {call.plugin}", partial(_asked, call.uncounted), call.record) for call in calls
        )

    def run(self, function: JobFunction, job: LeasedJob) -> object:
        """Run a plain function. Raise TypeError if what comes out is to be awaited."""
        call: Callable[[], object] = partial(_perform, function, job)
        for layer in reversed(self._around(function)):
            call = partial(layer.run, function, job, call)
        return call()

    async def run_async(self, function: JobFunction, job: LeasedJob) -> object:
        """Run an `async def` function."""
        call: Callable[[], Coroutine[Any, Any, object]] = partial(_await, partial(function.function, job))
        for layer in reversed(self._around(function)):
            call = partial(layer.run_async, job, call)
        return await call()

    def _around(self, function: JobFunction) -> tuple[Layer, ...]:
        if not function.around:
            return self._layers
        own = (Layer(f"{_name(each)} around {function.klass}", each, None) for each in function.around)
        return (*self._layers, *own)


class Layer:
    """One thing that runs around a job; what a plugin's does is counted."""

    __slots__ = ("_around", "_record", "name")

    def __init__(self, name: str, around: Around, record: Record | None) -> None:
        self.name = name
        self._around = around
        self._record = record

    def run(self, function: JobFunction, job: LeasedJob, call: Callable[[], object]) -> object:
        """Run it around a call."""
        inside = _Inside()
        begun = time.perf_counter()
        try:
            answer = self._around(job, partial(inside.run, call))
            if inspect.isawaitable(answer):
                _close(answer)
                raise TypeError(
                    f"{self.name} answered something to await, but {function.klass} is performed by a plain function: "
                    "there it must be a plain function too"
                )
        except Exception as error:
            self._count(begun, inside, error)
            raise
        self._count(begun, inside)
        return answer

    async def run_async(self, job: LeasedJob, call: Callable[[], Coroutine[Any, Any, object]]) -> object:
        """Run it around a call that is to be awaited; a plain function answers what the call answers."""
        inside = _Inside()
        begun = time.perf_counter()
        try:
            answer = await _await(partial(self._around, job, partial(inside.begin, call)))
            if inside.close():
                raise TypeError(f"{self.name} began the job, and neither awaited nor answered what came of that")
        except Exception as error:
            self._count(begun, inside, error)
            raise
        finally:
            inside.close()
        self._count(begun, inside)
        return answer

    def _count(self, begun: float, inside: _Inside, error: Exception | None = None) -> None:
        if self._record is None:
            return
        # The time of the job, and what it raises, are not the plugin's.
        seconds = max(0.0, time.perf_counter() - begun - inside.seconds)
        if error is None or isinstance(error, (Outcome, QlessError)) or inside.raised(error):
            self._record.called(seconds)
        else:
            self._record.failed(HOOK, error, seconds)


class _Inside:
    """What goes on inside a layer."""

    __slots__ = ("_begun", "_error", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self._error: BaseException | None = None
        self._begun: list[Coroutine[Any, Any, object]] = []

    def run(self, call: Callable[[], object]) -> object:
        begun = time.perf_counter()
        try:
            return call()
        except BaseException as error:
            self._error = error
            raise
        finally:
            self.seconds += time.perf_counter() - begun

    def begin(self, call: Callable[[], Coroutine[Any, Any, object]]) -> Coroutine[Any, Any, object]:
        coroutine = self._run_async(call)
        self._begun.append(coroutine)
        return coroutine

    def raised(self, error: BaseException) -> bool:
        """Tell whether an error comes from inside, as it is or told in other words."""
        return self._error is not None and (error is self._error or error.__cause__ is self._error)

    def close(self) -> bool:
        """Close what was begun and never awaited; tell whether there was any."""
        idle = [each for each in self._begun if inspect.getcoroutinestate(each) == inspect.CORO_CREATED]
        for each in idle:
            each.close()
        return bool(idle)

    async def _run_async(self, call: Callable[[], Coroutine[Any, Any, object]]) -> object:
        begun = time.perf_counter()
        try:
            return await call()
        except BaseException as error:
            self._error = error
            raise
        finally:
            self.seconds += time.perf_counter() - begun


def _perform(function: JobFunction, job: LeasedJob) -> object:
    answer = function.function(job)
    # Left alone, a coroutine would never run, and the job would pass for done.
    if inspect.isawaitable(answer):
        _close(answer)
        raise TypeError(f"the function of {function.klass} returned something to await: declare it with async def")
    return answer


async def _await(call: Callable[[], object]) -> object:
    answer = call()
    return await answer if inspect.isawaitable(answer) else answer


def _asked(uncounted: Callable[..., object], job: LeasedJob, call: Callable[[], object]) -> object:
    return uncounted(job=job, call=call)


def _close(answer: object) -> None:
    # Or Python warns, somewhere else, that it was never awaited.
    if inspect.iscoroutine(answer):
        answer.close()


def _name(around: Around) -> str:
    return getattr(around, "__qualname__", None) or type(around).__qualname__

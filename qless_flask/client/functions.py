"""`@job`: the functions that perform jobs, by klass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from functools import update_wrapper
from types import ModuleType
from typing import TYPE_CHECKING, Unpack, cast

from qless_flask.client.data import EMPTY, Data, dump
from qless_flask.client.jobs import JobHandle
from qless_flask.client.leased import LeasedJob
from qless_flask.client.queues import PutOptions
from qless_flask.models import NewJob

if TYPE_CHECKING:
    from qless_flask.client import Client

Around = Callable[[LeasedJob, Callable[[], object]], object]
"""Takes a job and what runs it, and answers the result; see the hook `around_perform`."""
Perform = Callable[[LeasedJob], object]
"""Takes the job, does the work. What a plain function returns means nothing yet; a coroutine is awaited."""

current_client: ContextVar[Client] = ContextVar("current_client")
"""The client of the worker that runs the present job."""


def job(
    klass: str, *, queue: str | None = None, around: Iterable[Around] = (), **defaults: Unpack[PutOptions]
) -> Callable[[Perform], JobFunction]:
    """Let a function perform the jobs of `klass`; the options are the defaults of its `put`.

    In a worker it runs inside the functions of `around`, the first outermost; each is given the job and a call.
    """
    outer = tuple(around)
    return lambda function: JobFunction(function, klass, queue, defaults, around=outer)


class JobFunction:
    """A function that performs jobs of one klass. Calling it calls the function, so that tests can."""

    def __init__(
        self,
        function: Perform,
        klass: str,
        queue: str | None,
        defaults: PutOptions,
        *,
        around: tuple[Around, ...] = (),
    ) -> None:
        # Built once here, so that a bad klass or option is told where it is written.
        NewJob(klass, queue=queue or "any", **defaults)
        for each in around:
            if not callable(each):
                raise TypeError(f"{klass}: around takes functions of a job and a call, not {each!r}")
        self.function = function
        self.klass = klass
        self.queue = queue
        self.defaults = defaults
        self.around = around
        self.is_async = inspect.iscoroutinefunction(function)
        update_wrapper(self, function)

    def __call__(self, job: LeasedJob) -> object:
        return self.function(job)

    def put(
        self,
        data: Data = EMPTY,
        *,
        queue: str | None = None,
        client: Client | None = None,
        **options: Unpack[PutOptions],
    ) -> JobHandle:
        """Put a job for this function, with `client` or that of the worker that runs the present job."""
        [handle] = self._client(client).put([self.new(data, queue=queue, **options)])
        return handle

    def new(self, data: Data = EMPTY, *, queue: str | None = None, **options: Unpack[PutOptions]) -> NewJob:
        """Build a job for this function, to be put together with others by `Client.put`."""
        queue = queue or self.queue
        if queue is None:
            raise ValueError(f"{self.klass} names no queue: give one to @job or to put")
        return NewJob(self.klass, dump(data), queue=queue, **self._with_defaults(options))

    def _with_defaults(self, options: PutOptions) -> PutOptions:
        merged = cast("PutOptions", {**self.defaults, **options})
        # A time given now wins over a delay by default, and the other way round.
        if "at" in options and "delay" not in options:
            merged.pop("delay", None)
        elif "delay" in options and "at" not in options:
            merged.pop("at", None)
        return merged

    def _client(self, given: Client | None) -> Client:
        client = given or current_client.get(None)
        if client is None:
            raise RuntimeError(f"{self.klass}.put runs outside a worker: give it a client")
        return client

    def __repr__(self) -> str:
        return f"<JobFunction {self.klass}>"


def registry_of(modules: Iterable[ModuleType]) -> Mapping[str, JobFunction]:
    """Collect the job functions that stand in modules, by klass. Raise ValueError if two perform one klass."""
    return registry(found for module in modules for found in vars(module).values() if isinstance(found, JobFunction))


def registry(functions: Iterable[JobFunction]) -> Mapping[str, JobFunction]:
    """Order job functions by klass. Raise ValueError if two of them perform one klass."""
    by_klass: dict[str, JobFunction] = {}
    for function in functions:
        other = by_klass.setdefault(function.klass, function)
        if other is not function:
            raise ValueError(f"two functions perform {function.klass}: {_where(other)} and {_where(function)}")
    return by_klass


def _where(function: JobFunction) -> str:
    code = getattr(function.function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function.function)

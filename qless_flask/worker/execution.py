"""Running one job: the function of its klass, and the settlement that follows from how it went."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import TracebackType

from qless_flask.bounds import MAX_MESSAGE_BYTES, is_text
from qless_flask.client.functions import JobFunction
from qless_flask.client.outcomes import FailJob, ReleaseJob, RetryJob
from qless_flask.client.writing import UnknownCodec, UnreadableData
from qless_flask.errors import QlessError
from qless_flask.models import Complete, Fail, Release, Retry, Settlement
from qless_flask.plugins import Plugins
from qless_flask.worker.around import Arounds
from qless_flask.worker.interrupt import Interruptible
from qless_flask.worker.running import RunningJob

UNKNOWN_KLASS = "unknown-klass"
UNUSABLE_RESULT = "unusable-result"

logger = logging.getLogger("qless_flask.worker")


class Execution:
    """The functions that this worker may run. A klass that none of them performs is never looked for elsewhere."""

    def __init__(self, functions: Mapping[str, JobFunction], plugins: Plugins | None = None) -> None:
        self._functions = functions
        self._arounds = Arounds(plugins)
        kinds = {function.is_async for function in functions.values()}
        self.has_async = True in kinds
        self.has_plain = kinds != {True}

    def is_async(self, klass: str) -> bool:
        """Tell whether jobs of a klass run on the event loop."""
        function = self._functions.get(klass)
        return function is not None and function.is_async

    def run(self, job: RunningJob) -> Settlement | None:
        """Run a job in this thread. None: there is nothing left to settle."""
        function = self._functions.get(job.klass)
        if function is None:
            return self._unknown(job)
        call = Interruptible()
        job.interrupt = call.interrupt
        try:
            result = call.run(partial(self._call, function, job))
        except BaseException as error:  # noqa: BLE001  sys.exit() in a job ends the job, not the worker
            return settlement_after(job, error)
        return _settlement(job, result)

    async def run_async(self, job: RunningJob) -> Settlement | None:
        """Run a job on this event loop."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        job.interrupt = lambda exception: loop.call_soon_threadsafe(task.cancel)
        try:
            job.check()
            result = await self._arounds.run_async(self._functions[job.klass], job)
        except BaseException as error:  # noqa: BLE001
            return settlement_after(job, error)
        return _settlement(job, result)

    def _call(self, function: JobFunction, job: RunningJob) -> object:
        job.check()
        return self._arounds.run(function, job)

    def _unknown(self, job: RunningJob) -> Settlement:
        modules = sorted({function.function.__module__ for function in self._functions.values()})
        message = (
            f"no function performs {job.klass}; this worker knows {_listed(self._functions)} of {_listed(modules)}"
        )
        logger.error("job %s: %s", job.jid, message)
        return Retry(job.lease, group=UNKNOWN_KLASS, message=message[: MAX_MESSAGE_BYTES // 4])


def settlement_after(job: RunningJob, error: BaseException) -> Settlement | None:
    """Tell how a run that ended with an exception is settled; None if its lease is gone."""
    if job.ending is not None and isinstance(error, (type(job.ending), asyncio.CancelledError)):
        error = job.ending
    if job.lost is not None:
        logger.warning("job %s (%s) was stopped: %s", job.jid, job.klass, job.lost)
        return None
    try:
        settlement = _settlement_for(job, error)
    except (QlessError, TypeError, ValueError) as fault:
        # What the function raised cannot be told to the store (a bad group, data without a form in JSON): say that.
        fault.__context__ = error
        settlement = _settlement_for(job, fault)
    logger.info("job %s (%s): %s: %s", job.jid, job.klass, type(error).__name__, error)
    return settlement


def _settlement(job: RunningJob, result: object) -> Settlement | None:
    if job.lost is not None:
        logger.warning("job %s (%s) ran to its end in vain: %s", job.jid, job.klass, job.lost)
        return None
    settlement = job.settlement or Complete(job.lease)
    if result is None or not isinstance(settlement, Complete) or settlement.result is not None:
        return settlement
    try:
        return replace(settlement, result=job.writing.dump(result))
    except (QlessError, TypeError, ValueError, RecursionError) as error:
        # Its work is done, and another run would do it again: a person must look at the function.
        message = f"the function of {job.klass} returned what cannot be kept as the job's result: {error}"
        logger.error("job %s: %s", job.jid, message)
        return Fail(job.lease, group=UNUSABLE_RESULT, message=message[: MAX_MESSAGE_BYTES // 4])


def _settlement_for(job: RunningJob, error: BaseException) -> Settlement:
    if isinstance(error, FailJob):
        data = job.writing.dump_unless_same(error.data)
        return Fail(job.lease, group=error.group, message=error.message, data=data)
    if isinstance(error, RetryJob):
        return Retry(job.lease, delay=error.delay, group=error.group, message=error.message)
    if isinstance(error, ReleaseJob):
        return Release(job.lease, delay=error.delay)
    if isinstance(error, UnreadableData):
        # Whoever looks at it later needs no traceback to see what this worker lacks.
        message = str(error) if isinstance(error, UnknownCodec) else traceback_of(error)
        return Retry(job.lease, group=error.group, message=message[: MAX_MESSAGE_BYTES // 4])
    name = type(error).__qualname__
    return Retry(job.lease, group=name if is_text(name) else "exception", message=traceback_of(error))


def traceback_of(error: BaseException) -> str:
    """Write the traceback of an exception from the job function down, cut in the middle where it is too long."""
    lines = traceback.format_exception(type(error), error, _without_our_frames(error.__traceback__))
    text = "".join(lines).encode("utf-8", "backslashreplace")
    if len(text) > MAX_MESSAGE_BYTES:
        # The end names the error; the beginning, where it came from.
        text = text[: MAX_MESSAGE_BYTES // 4] + b"\n[...]\n" + text[-MAX_MESSAGE_BYTES // 2 :]
    return text.decode("utf-8", "ignore")


def _without_our_frames(frames: TracebackType | None) -> TracebackType | None:
    left = frames
    while left is not None and left.tb_frame.f_globals.get("__name__", "").startswith("qless_flask.worker."):
        left = left.tb_next
    return left or frames


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"

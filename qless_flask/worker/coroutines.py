"""The event loop of a worker process, on which its `async def` jobs run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from qless_flask.worker.execution import Execution
from qless_flask.worker.loop import Loop
from qless_flask.worker.running import RunningJob


class Coroutines:
    """Runs up to `concurrency` jobs at once, in a thread of its own."""

    def __init__(self, loop: Loop, execution: Execution, concurrency: int) -> None:
        self._loop = loop
        self._execution = execution
        self._concurrency = concurrency
        self._started = 0
        self._ended = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._events = asyncio.new_event_loop()
        self._helper = ThreadPoolExecutor(1, "qless-settle")
        self._thread = threading.Thread(target=self._run, name="qless-async", daemon=True)

    def open(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop the event loop, whatever still runs there."""
        self._events.call_soon_threadsafe(self._events.stop)
        self._helper.shutdown(wait=False, cancel_futures=True)

    @property
    def room(self) -> int:
        """How many more jobs it can run."""
        # Two counters, each written by one side only, so that no lock is needed between them.
        return self._concurrency - (self._started - self._ended)

    def takes(self, job: RunningJob) -> bool:
        """Tell whether a job's function is an `async def`."""
        return self._execution.is_async(job.klass)

    def start(self, job: RunningJob) -> None:
        """Run a job."""
        self._started += 1
        self._events.call_soon_threadsafe(self._create_task, job)

    def call(self, function: Callable[[], object]) -> None:
        """Call a function that blocks, in a thread beside the event loop."""
        self._helper.submit(function)

    def _create_task(self, job: RunningJob) -> None:
        task = self._events.create_task(self._perform(job), name=f"{job.klass} {job.jid}")
        # The event loop itself holds tasks weakly.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _perform(self, job: RunningJob) -> None:
        settlement = await self._execution.run_async(job)
        self._ended += 1
        self._loop.finish(job, settlement, aside=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._events)
        try:
            self._events.run_forever()
        finally:
            self._events.close()

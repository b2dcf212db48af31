"""One worker: the threads of a process, from start to a stop that harms no job."""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import Literal

from qless_flask.client import Client
from qless_flask.client.functions import JobFunction, current_client, registry
from qless_flask.client.outcomes import ReleaseJob
from qless_flask.errors import QlessError
from qless_flask.models import Settlement
from qless_flask.plugins import Plugins
from qless_flask.worker.coroutines import Coroutines
from qless_flask.worker.execution import Execution
from qless_flask.worker.loop import Loop
from qless_flask.worker.options import WorkSettings, new_worker_name
from qless_flask.worker.outage import Outage
from qless_flask.worker.post import Post
from qless_flask.worker.running import RunningJob

AWAKE_SECONDS = 0.5
"""How long the main thread sleeps at most: of a signal that the kernel gives to another it learns only when awake."""
LINGER_SECONDS = 0.5
"""How long jobs that were interrupted have to end, and the store to take back the others."""

Command = Literal["stop", "signal", "now", "pause", "resume", "ended"]
Perform = Callable[[RunningJob], Settlement | None]

logger = logging.getLogger("qless_flask.worker")


class Worker:
    """Runs the jobs of some queues in this process, until it is told to stop.

    >>> Worker(client, ["fetch"], [crawl], WorkSettings(threads=4)).run()

    `run` blocks; everything else may be called from other threads and from signal handlers.
    """

    def __init__(
        self,
        client: Client,
        queues: Sequence[str],
        functions: Iterable[JobFunction],
        settings: WorkSettings | None = None,
        *,
        name: str | None = None,
        capabilities: Sequence[str] = (),
        perform: Perform | None = None,
        plugins: Plugins | None = None,
    ) -> None:
        """Prepare to work `queues` with `functions`; `perform` runs jobs in another way than in this process.

        Of jobs that require something it is given those alone that require nothing but its `capabilities`. What the
        `plugins` (of the client, without a word) have in `around_perform` runs around each job. Raise PluginError if
        one of them is not what it is meant to be.
        """
        plugins = client.plugins if plugins is None else plugins
        plugins.check()
        self.name = name or new_worker_name()
        self._client = client
        self._settings = settings or WorkSettings()
        if self._settings.fork and perform is None:
            raise ValueError("to fork is for the processes of a pool: see run and WorkerOptions")
        self._execution = Execution(registry(functions), plugins)
        self._outage = outage = Outage()
        post = Post(client.namespace, self.name, queues, capabilities=capabilities, order=self._settings.order)
        self._loop = Loop(client, post, self._settings, outage, self._heed)
        self._perform: Perform = perform or self._execution.run
        self._elsewhere = perform is not None
        # SimpleQueue.put may be called while the same thread is inside get, as a signal handler does.
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._working = 0
        """How many threads have not said that they ended; one that has may be alive for a moment yet."""
        self._deadline: float | None = None
        self._signals = 0
        self._crash: BaseException | None = None
        self._refusal: QlessError | None = None
        self.quiet = False
        """Whether it is asked to pop no more; while it is, its pops come back empty."""
        self.asked_to_end = False
        """Whether it stops because somebody asked it to, through the store."""

    def run(self) -> None:
        """Work until stopped or until `max_jobs` are done.

        Raise Unauthenticated or Forbidden if a server has let it in no longer for a minute, and what ended a thread
        that must not end.
        """
        coroutines = self._open_coroutines()
        self._loop.heartbeat.start()
        self._start_threads()
        while self._working and self._time_left() != 0:
            with suppress(queue.Empty):
                self._obey(self._next_command())
            self._heed_refusal()
        if self._crash or self._working:
            self._break_off()
        self._loop.heartbeat.stop()
        if coroutines:
            coroutines.close()
        if self._crash or self._refusal:
            raise self._crash or self._refusal  # type: ignore[misc]

    def stop(self) -> None:
        """Stop when what runs has finished or the grace is over; give back the rest."""
        self._commands.put("stop")

    def stop_now(self) -> None:
        """Stop at once; give back what runs."""
        self._commands.put("now")

    def signal(self) -> None:
        """Do as TERM and INT do: stop, and the second time stop at once."""
        self._commands.put("signal")

    def pause(self) -> None:
        """Pop nothing until `resume`; what runs goes on."""
        self._commands.put("pause")

    def resume(self) -> None:
        """Pop again."""
        self._commands.put("resume")

    @property
    def paused(self) -> bool:
        """Whether it pops nothing at present because it was told so."""
        return self._loop.paused

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._deadline is not None

    def _heed(self, quiet: bool, stop: bool) -> None:
        """Do what the store says that this worker is asked."""
        if quiet != self.quiet:
            self.quiet = quiet
            logger.info("worker %s is asked to pop %s", self.name, "no more jobs" if quiet else "jobs again")
        if stop and not self.asked_to_end:
            self.asked_to_end = True
            logger.info("worker %s is asked to end", self.name)
            self.stop()

    def _heed_refusal(self) -> None:
        """Stop where a server lets us in no longer; what runs has its grace, in which we may be let in again."""
        refusal = self._outage.refusal
        if refusal is not None and self._deadline is None:
            self._refusal = refusal
            logger.error("worker %s ends: %s", self.name, refusal)
            self._obey("stop")

    def _open_coroutines(self) -> Coroutines | None:
        if not self._execution.has_async or self._elsewhere:
            return None
        coroutines = Coroutines(self._loop, self._execution, self._settings.concurrency)
        self._loop.sideline = coroutines
        self._loop.plain = self._execution.has_plain
        coroutines.open()
        return coroutines

    def _start_threads(self) -> None:
        # Where all jobs are coroutines, one thread pops for the event loop.
        count = self._settings.threads if self._loop.plain else 1
        for number in range(count):
            context = copy_context()
            thread = threading.Thread(target=context.run, args=(self._work,), name=f"qless-{number}", daemon=True)
            self._threads.append(thread)
            self._working += 1
            thread.start()

    def _work(self) -> None:
        current_client.set(self._client)
        try:
            while job := self._loop.take():
                self._loop.finish(job, self._perform(job))
        except BaseException as error:  # noqa: BLE001  handed over to the thread that called run
            self._crash = error
            self.stop()
        finally:
            self._commands.put("ended")

    def _next_command(self) -> Command:
        try:
            return self._commands.get(timeout=min(self._time_left(), AWAKE_SECONDS))
        except KeyboardInterrupt:
            return "signal"

    def _obey(self, command: Command) -> None:
        if command == "ended":
            self._working -= 1
        if command == "signal":
            # Counted apart from `stop`: a terminal's Ctrl-C reaches a pool's process twice, once through its parent.
            self._signals += 1
            command = "stop" if self._signals == 1 else "now"
        if command == "stop" and self._deadline is None:
            running = len(self._loop.heartbeat.jobs)
            logger.info("worker %s stops; %d jobs have %g s to finish", self.name, running, self._settings.grace)
            self._loop.close()
            self._deadline = time.monotonic() + self._settings.grace
        elif command == "now":
            self._deadline = time.monotonic()
            self._loop.close()
        elif command == "pause":
            logger.info("worker %s pauses", self.name)
            self._loop.pause()
        elif command == "resume":
            logger.info("worker %s resumes", self.name)
            self._loop.resume()

    def _time_left(self) -> float:
        return math.inf if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _break_off(self) -> None:
        """Interrupt what still runs, and give back what does not end even so."""
        for job in list(self._loop.heartbeat.jobs.values()):
            job.end(ReleaseJob())
        end = time.monotonic() + LINGER_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        # What is given back goes to whoever polls, and that must not be us when we are gone.
        self._loop.outlast_calls(self._settings.poll + LINGER_SECONDS)
        left = self._loop.abandon()
        if left:
            logger.warning("worker %s gives back %d jobs unfinished", self.name, len(left))
            # In a thread, so that a store that does not answer cannot keep us here.
            settling = threading.Thread(target=self._settle_last, args=(left,), daemon=True)
            settling.start()
            settling.join(LINGER_SECONDS * 4)

    def _settle_last(self, settlements: Sequence[Settlement]) -> None:
        try:
            self._client.namespace.settle(settlements)
        except QlessError as error:
            logger.error("%d jobs could not be given back, and will be lost: %s", len(settlements), error)

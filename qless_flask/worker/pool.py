"""A pool of worker processes: `run(WorkerOptions(...))` keeps them alive and passes on what it is told.

Children are fresh interpreters, told on their standard input, so a command reaches each exactly once even where a
terminal or a service manager sends its signals to the parent and the children alike.
"""

from __future__ import annotations

import logging
import math
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Literal

from qless_flask.worker.child import EXIT_ASKED, EXIT_REFUSED, EXIT_UNUSABLE, ChildOrder
from qless_flask.worker.options import WorkerOptions
from qless_flask.worker.worker import AWAKE_SECONDS

FIRST_RESTART_SECONDS = 0.5
LONGEST_RESTART_SECONDS = 30.0
HEALTHY_SECONDS = 30.0
"""A child that lived so long is restarted without the back-off of those before it."""
LAST_SECONDS = 5.0
"""How long a child may overstay its grace before it is killed."""

Command = Literal["signal", "pause", "resume", "ended"]

logger = logging.getLogger("qless_flask.worker")


def run(options: WorkerOptions) -> int:
    """Run a pool of worker processes until TERM or INT, and answer with the exit code.

    0: stopped as told, or asked to end, all of them. 1: a child had to be killed, or the server lets this worker in no
    longer (a token that was revoked or has expired, for a minute). 2: a module cannot be imported, or
    names no usable functions.
    To be called in the main thread. The second TERM or INT stops at once; USR2 pauses and dumps stacks, CONT resumes.
    """
    pool = Pool(options)
    with _signals_to(pool):
        return pool.run()


class Pool:
    """The parent of the worker processes."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        names = [f"{options.name}-{number}" for number in range(1, options.processes + 1)]
        self._children = [Child(options, name, self) for name in (names if len(names) > 1 else [options.name])]
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._stops = 0
        self._code = 0

    def run(self) -> int:
        """Start the children, and stay until they are stopped."""
        for child in self._children:
            child.start()
        while True:
            with suppress(queue.Empty):
                self._obey(self._commands.get(timeout=min(self._next_look(), AWAKE_SECONDS)))
            if self._tend():
                return self._code

    def tell(self, command: Command) -> None:
        """Pass a command in, from a signal handler or another thread."""
        self._commands.put(command)

    def _obey(self, command: Command) -> None:
        if command == "signal":
            self._stops += 1
            self._stop("stop" if self._stops == 1 else "now")
        elif command != "ended":
            for child in self._children:
                child.tell(command)

    def _stop(self, command: Literal["stop", "now"]) -> None:
        grace = self._options.settings.grace if command == "stop" else 0.0
        for child in self._children:
            child.stop(command, grace + LAST_SECONDS)

    def _tend(self) -> bool:
        """Start, kill and bury children as it is time; tell whether none is left."""
        for child in self._children:
            code = child.tend()
            if code == EXIT_UNUSABLE and not self._stops:
                self._stops, self._code = 1, EXIT_UNUSABLE
                self._stop("stop")
            elif child.killed or code == EXIT_REFUSED:
                self._code = self._code or 1
        return not any(child.alive or child.look_at is not None for child in self._children)

    def _next_look(self) -> float:
        times = (child.look_at for child in self._children if child.look_at is not None)
        return max(0.0, min(times, default=math.inf) - time.monotonic())


class Child:
    """One worker process, and those that take its place."""

    def __init__(self, options: WorkerOptions, name: str, pool: Pool) -> None:
        self.killed = False
        self.look_at: float | None = None
        """When to start or to kill it (monotonic)."""
        self._order = ChildOrder(options, name)
        self._pool = pool
        self._process: subprocess.Popen[str] | None = None
        self._started_at = 0.0
        self._restart_seconds = 0.0
        self._stopping = False

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._process is not None

    def start(self) -> None:
        """Start the process."""
        command = [sys.executable, "-m", "qless_flask.worker"]
        self._process = process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
        self._started_at, self.look_at = time.monotonic(), None
        self._write(self._order.encode())
        threading.Thread(target=self._watch, args=(process,), daemon=True).start()

    def tell(self, command: str) -> None:
        """Pass a command on to the process."""
        self._write(f"{command}\n")

    def stop(self, command: str, patience: float) -> None:
        """Tell the process to stop; it is killed if it stays longer than `patience` seconds."""
        self._stopping = True
        self.look_at = time.monotonic() + patience if self.alive else None
        self.tell(command)

    def tend(self) -> int | None:
        """Do what it is time for; answer with the exit code of a process that has just ended."""
        code = self._process.poll() if self._process else None
        if self._process and code is not None:
            self._bury(self._process, code)
            return code
        if self.look_at is not None and time.monotonic() >= self.look_at:
            if self._process:
                logger.error("worker %s does not stop, and is killed", self._order.name)
                self.killed, self.look_at = True, None
                self._process.kill()
            elif not self._stopping:
                self.start()
        return None

    def _bury(self, process: subprocess.Popen[str], code: int) -> None:
        if process.stdin:
            with suppress(BrokenPipeError):
                process.stdin.close()
        self._process, self.look_at = None, None
        if self._stopping or code in (EXIT_UNUSABLE, EXIT_ASKED, EXIT_REFUSED):
            return
        healthy = code == 0 or time.monotonic() - self._started_at >= HEALTHY_SECONDS
        longer = min(LONGEST_RESTART_SECONDS, max(FIRST_RESTART_SECONDS, self._restart_seconds * 2))
        self._restart_seconds = 0.0 if healthy else longer
        self.look_at = time.monotonic() + self._restart_seconds
        if code:
            said = f"signal {-code}" if code < 0 else f"code {code}"
            logger.error("worker %s ended with %s; anew in %g s", self._order.name, said, self._restart_seconds)

    def _write(self, text: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        # A pipe is broken when the process has just ended, which its watcher will tell.
        with suppress(BrokenPipeError):
            self._process.stdin.write(text)
            self._process.stdin.flush()

    def _watch(self, process: subprocess.Popen[str]) -> None:
        process.wait()
        self._pool.tell("ended")


@contextmanager
def _signals_to(pool: Pool) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        pool.tell("signal")

    def pause(number: int, frame: FrameType | None) -> None:
        pool.tell("pause")

    def resume(number: int, frame: FrameType | None) -> None:
        pool.tell("resume")

    wanted = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGUSR2: pause, signal.SIGCONT: resume}
    before = {number: signal.signal(number, handle) for number, handle in wanted.items()}
    try:
        yield
    finally:
        for number, handle in before.items():
            signal.signal(number, handle)

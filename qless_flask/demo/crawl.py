"""The crawl as a whole: start the site and the workers, put the first job, follow it to its end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from qless_flask.backends.base import Namespace
from qless_flask.demo import stages
from qless_flask.demo.index import Index
from qless_flask.demo.site import INDEX, Site
from qless_flask.errors import BackendUnavailable, QlessError
from qless_flask.models import Queue

STAGES = ("fetch", "parse", "index")

HEARTBEAT_SECONDS = 5.0
"""Short, so that the jobs of a worker that was killed soon go to another."""
LOOK_SECONDS = 0.2
STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Staff:
    """How many workers crawl."""

    processes: int = 2
    threads: int = 4


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the crawl has come, in pages."""

    found: int
    indexed: int
    failed: int
    waiting: Mapping[str, int]
    """How many stand before each stage, or in it."""
    reachable: bool = True
    """False while the store does not answer; the numbers are then the last known."""

    @property
    def ended(self) -> int:
        return self.indexed + self.failed

    @property
    def over(self) -> bool:
        return self.reachable and self.found > 0 and not any(self.waiting.values())


class Crawl:
    """A crawl by workers on a store; use as a context. A crawl that was interrupted is taken up where it stood."""

    def __init__(self, url: str, namespace: Namespace, index: Path, staff: Staff = Staff()) -> None:
        self._url = url
        self._namespace = namespace
        self._index = index
        self._staff = staff
        self._site = Site()
        self._workers: subprocess.Popen[bytes] | None = None
        self._progress = self.before = Progress(0, 0, 0, dict.fromkeys(STAGES, 0))
        """How far an earlier crawl had come."""

    def worker_pids(self) -> list[int]:
        """Find the processes that work now (on Linux alone): those that the pool's own process has started."""
        if self._workers is None:
            return []
        pool = self._workers.pid
        return [int(pid) for pid in Path(f"/proc/{pool}/task/{pool}/children").read_text().split()]

    def __enter__(self) -> Crawl:
        Index(self._index).create()
        self._site.__enter__()
        try:
            self._begin()
        except BaseException:
            self._site.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._workers:
            # Terminated, they finish the pages in hand or give them back; then the site is needed no more.
            self._workers.terminate()
            try:
                self._workers.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._workers.kill()
        self._site.__exit__(kind, error, traceback)

    def follow(self) -> Iterator[Progress]:
        """Look again and again, and tell how far it has come, until no page is left. Raise QlessError if it cannot."""
        while not self._progress.over:
            self._check()
            self._progress = self._look()
            yield self._progress
            time.sleep(LOOK_SECONDS)

    def _begin(self) -> None:
        for queue in STAGES:
            self._namespace.configure(queue, {"heartbeat": HEARTBEAT_SECONDS})
        self.before = self._progress = progress_of(self._namespace.queues(STAGES))
        if self.before.over:
            return
        self._namespace.put([stages.link_job(INDEX, 0)])
        queues = [word for queue in STAGES for word in ("--queue", queue)]
        # The workers anybody would start, of the command line.
        self._workers = subprocess.Popen(
            [
                *(sys.executable, "-m", "qless_flask", "worker", "--import", stages.__name__, *queues),
                *("--namespace", self._namespace.name, "--order", "round_robin", "--log-level", "error"),
                *("--processes", str(self._staff.processes), "--threads", str(self._staff.threads)),
            ],
            env={
                **os.environ,
                "QLESS_URL": self._url,
                stages.SITE: self._site.url,
                stages.INDEX: str(self._index.absolute()),
            },
            start_new_session=True,
        )

    def _check(self) -> None:
        if self._workers and self._workers.poll() is not None:
            raise QlessError(f"the workers stopped by themselves, with exit code {self._workers.returncode}")
        if not self._site.running:
            raise QlessError("the documentation server stopped by itself; crawl again to go on from here")

    def _look(self) -> Progress:
        try:
            queues = self._namespace.queues(STAGES)
        except BackendUnavailable:
            last = self._progress
            return Progress(last.found, last.indexed, last.failed, last.waiting, reachable=False)
        return progress_of(queues)


def progress_of(queues: list[Queue]) -> Progress:
    """Tell from the summaries of the three queues how far a crawl has come."""
    ended = {queue.name: queue.complete + queue.failed + queue.canceled for queue in queues}
    waiting = {queue.name: queue.scheduled + queue.waiting + queue.running for queue in queues}
    indexed = sum(queue.complete for queue in queues)
    return Progress(
        found=sum(ended.values()) + sum(waiting.values()),
        indexed=indexed,
        failed=sum(ended.values()) - indexed,
        waiting=waiting,
    )

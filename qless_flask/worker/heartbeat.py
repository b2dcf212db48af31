"""Renewing the leases of all jobs that this process holds, from a thread of its own."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence

from qless_flask.backends.base import Namespace
from qless_flask.bounds import MAX_BATCH
from qless_flask.client.leased import LOST
from qless_flask.errors import LeaseLost, QlessError
from qless_flask.models import Beat, Renewed
from qless_flask.worker.outage import Outage
from qless_flask.worker.running import RunningJob

TOGETHER_SECONDS = 1.0
"""Leases that are due within so long of the first are renewed along with it."""
LONGEST_RETRY_SECONDS = 1.0

Heed = Callable[[bool, bool], object]
"""Takes what a worker is asked: to be quiet, and to stop."""

logger = logging.getLogger("qless_flask.worker")


class Heartbeat:
    """The jobs that this process holds, by token, and the thread that renews them at a third of their time."""

    def __init__(self, namespace: Namespace, outage: Outage, heed: Heed) -> None:
        self.jobs: dict[str, RunningJob] = {}
        self._namespace = namespace
        self._outage = outage
        self._heed = heed
        self._changed = threading.Condition()
        self._next_at = math.inf
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="qless-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def stop(self) -> None:
        """Renew nothing any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def add(self, job: RunningJob) -> None:
        """Hold a job."""
        # Costs no lock in the steady state: the thread wakes for the earliest job it knew, and then sees this one.
        self.jobs[job.lease.token] = job
        if job.beat_at < self._next_at:
            with self._changed:
                self._next_at = min(self._next_at, job.beat_at)
                self._changed.notify()

    def remove(self, job: RunningJob) -> None:
        """Hold a job no longer; to be called before its settlement is sent."""
        self.jobs.pop(job.lease.token, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                # A job that is added from here on finds infinity, and so waits for the lock and wakes us.
                self._next_at = math.inf
                self._next_at = min((job.beat_at for job in list(self.jobs.values())), default=math.inf)
                left = self._next_at - time.monotonic()
                if left > 0 and not self._stopped:
                    self._changed.wait(None if left == math.inf else left)
                if self._stopped:
                    return
            self._beat()

    def _beat(self) -> None:
        now = time.monotonic()
        jobs = sorted(self.jobs.values(), key=lambda job: job.beat_at)
        if not jobs or jobs[0].beat_at > now:
            return
        due = [job for job in jobs if job.beat_at <= now + TOGETHER_SECONDS]
        for first in range(0, len(due), MAX_BATCH):
            self._renew(due[first : first + MAX_BATCH])

    def _renew(self, jobs: Sequence[RunningJob]) -> None:
        try:
            answers = self._namespace.heartbeat([Beat(job.lease) for job in jobs])
        except QlessError as error:
            again_at = time.monotonic() + min(self._outage.met(error), LONGEST_RETRY_SECONDS)
            for job in jobs:
                job.beat_at = again_at
            return
        self._outage.over()
        for job, answer in zip(jobs, answers, strict=True):
            self._take(job, answer)

    def _take(self, job: RunningJob, answer: Renewed | QlessError) -> None:
        if isinstance(answer, Renewed):
            job.renewed(answer)
            self._heed(answer.quiet, answer.stop)
            if job.overdue and job.lease.token in self.jobs:
                self._give_up(job, LeaseLost("the run has taken longer than it may", subject=job.jid))
        elif job.lease.token not in self.jobs:
            # It ended while we asked; of course its lease is gone.
            return
        elif isinstance(answer, LOST):
            self._give_up(job, answer)
        else:
            logger.error("job %s: its lease could not be renewed: %s", job.jid, answer)
            job.beat_at = time.monotonic() + LONGEST_RETRY_SECONDS

    def _give_up(self, job: RunningJob, error: QlessError) -> None:
        self.remove(job)
        job.end(error)

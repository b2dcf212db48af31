"""The loop of a worker process: its threads share one line to the store, and whoever is idle uses it for all.

A thread that has nothing to do pops for all that are idle, and sends along what all have settled; so there is one
exchange a job with one thread, and fewer with many. While a pop waits for jobs, what ends is settled beside it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from qless_flask.bounds import MAX_BATCH
from qless_flask.client import Client
from qless_flask.errors import QlessError
from qless_flask.models import Popped, Release, Settlement
from qless_flask.worker.heartbeat import Heartbeat, Heed
from qless_flask.worker.options import WorkSettings
from qless_flask.worker.outage import Outage
from qless_flask.worker.post import Post
from qless_flask.worker.running import RunningJob


class Sideline(Protocol):
    """Where jobs run that take no thread: the event loop."""

    @property
    def room(self) -> int:
        """How many more it can run."""

    def takes(self, job: RunningJob) -> bool:
        """Tell whether a job runs here."""

    def start(self, job: RunningJob) -> None:
        """Run it, and call the loop's `finish` afterwards."""

    def call(self, function: Callable[[], object]) -> None:
        """Call a function that may block, from another thread, soon."""


class Loop:
    """Who of the threads does what next. Every field is guarded by `_changed`."""

    def __init__(self, client: Client, post: Post, settings: WorkSettings, outage: Outage, heed: Heed) -> None:
        self.heartbeat = Heartbeat(client.namespace, outage, heed)
        self._heed = heed
        self._client = client
        self._post = post
        self._settings = settings
        self._outage = outage
        self._changed = threading.Condition()
        self._ready: deque[RunningJob] = deque()
        self._unsent: list[Settlement] = []
        self._popped = 0
        self._idle = 0
        """Threads inside `take`."""
        self._waiting = 0
        """Those of them that sleep there."""
        self._fetching = False
        self._polling = False
        """Whether the fetch that is under way waits for jobs, and so takes its time."""
        self._dry = False
        """Whether the last fetch brought nothing."""
        self._calls = 0
        """How many calls of the store are under way."""
        self._closing = False
        self.paused = False
        self.sideline: Sideline | None = None
        self.plain = True
        """Whether there is something to run in threads."""

    # For the threads

    def take(self) -> RunningJob | None:
        """Wait for the next job to run in this thread; None: there is no more to come."""
        with self._changed:
            self._idle += 1
            try:
                while not self._ready:
                    if self._done():
                        self._changed.notify_all()
                        return None
                    if not self._fetching and (self._unsent or self._room()):
                        self._fetch()
                    elif self._unsent and self._polling:
                        self._deliver()
                    else:
                        self._sleep()
                return self._ready.popleft()
            finally:
                self._idle -= 1
                if self._unsent and not self._waiting and self.sideline:
                    # This thread was the last that could have sent what ended on the sideline.
                    self.sideline.call(self.deliver)

    def finish(self, job: RunningJob, settlement: Settlement | None, *, aside: bool = False) -> None:
        """Note how a run ended; the next `take` or, for what ran `aside`, somebody else tells the store."""
        with self._changed:
            # Both under one lock: a thread that saw neither would take all for done, and the worker would end.
            self.heartbeat.remove(job)
            if settlement is not None and not job.abandoned:
                self._unsent.append(settlement)
            # A thread of ours comes to `take` next and sees to it; what ran aside needs somebody.
            if aside and self._waiting:
                self._changed.notify()
            elif aside and self._unsent and self.sideline and (self._polling or not self._fetching):
                self.sideline.call(self.deliver)

    def deliver(self) -> None:
        """Settle what is to be settled, unless somebody is about to."""
        with self._changed:
            while self._unsent and (self._polling or not self._fetching):
                self._deliver()

    # For the one who runs the worker

    def close(self) -> None:
        """Pop no more, and give back what has not begun."""
        with self._changed:
            self._closing = True
            self._give_back(self._ready)
            self._ready.clear()
            self._changed.notify_all()

    def pause(self) -> None:
        """Pop nothing until `resume`."""
        with self._changed:
            self.paused = True
            self._give_back(self._ready)
            self._ready.clear()
            self._changed.notify_all()

    def resume(self) -> None:
        """Pop again."""
        with self._changed:
            self.paused = False
            self._changed.notify_all()

    def outlast_calls(self, seconds: float) -> None:
        """Wait, after `close`, until no pop is under way that could bring jobs, and no settlement either."""
        with self._changed:
            self._changed.wait_for(lambda: not self._calls, seconds)

    def abandon(self) -> list[Settlement]:
        """Give up on all that still runs or could not be settled; answer what is left to tell the store."""
        with self._changed:
            for job in list(self.heartbeat.jobs.values()):
                job.abandoned = True
                self._give_back([job])
            left, self._unsent = self._unsent, []
            return left

    # Under the lock

    def _done(self) -> bool:
        no_more = self._closing or self._popped_all()
        return no_more and not self.heartbeat.jobs and not self._unsent and not self._fetching

    def _popped_all(self) -> bool:
        return self._settings.max_jobs is not None and self._popped >= self._settings.max_jobs

    def _room(self) -> int:
        if self._closing or self.paused:
            return 0
        room = self._idle if self.plain else MAX_BATCH
        if self.sideline:
            # Nobody knows before the pop where a job will run: pop only what either side could take.
            room = min(room, self.sideline.room)
        if self._settings.max_jobs is not None:
            room = min(room, self._settings.max_jobs - self._popped)
        return min(room, MAX_BATCH)

    def _fetch(self) -> None:
        limit = self._room()
        # While others run, a pop that waits would hold their settlements up: it waits only if there was nothing before.
        self._polling = bool(limit) and (self._dry or not self.heartbeat.jobs)
        wait = self._settings.poll if self._polling else 0.0
        self._fetching = True
        try:
            popped = self._exchange(limit, wait)
        finally:
            self._fetching = self._polling = False
        if popped is None:
            return
        if limit:
            self._dry = not popped.leases
            self._heed(popped.quiet, popped.stop)
        self._arrive(popped)
        # One to take over from this thread, and one for each job but the one that this thread will run.
        self._changed.notify(max(1, len(self._ready)))

    def _deliver(self) -> None:
        self._exchange(0, 0.0)
        if self._done():
            self._changed.notify_all()

    def _exchange(self, limit: int, wait: float) -> Popped | None:
        sent, self._unsent = self._unsent[:MAX_BATCH], self._unsent[MAX_BATCH:]
        popped: Popped | None = None
        pause = 0.0
        self._calls += 1
        self._changed.release()
        try:
            popped = self._post.exchange(sent, limit, wait)
            self._outage.over()
        except QlessError as error:
            pause = self._outage.met(error)
        finally:
            self._changed.acquire()
            self._calls -= 1
            if popped is None:
                self._unsent[:0] = sent
        if self._closing:
            self._changed.notify_all()
        if popped is None:
            self._changed.wait(pause)
        return popped

    def _arrive(self, popped: Popped) -> None:
        for lease in popped:
            job = RunningJob(self._client.namespace, lease, self._client.writing)
            self._popped += 1
            if self._closing or self.paused:
                self._give_back([job])
                continue
            self.heartbeat.add(job)
            if self.sideline and self.sideline.takes(job):
                self.sideline.start(job)
            else:
                self._ready.append(job)

    def _give_back(self, jobs: Sequence[RunningJob] | deque[RunningJob]) -> None:
        for job in jobs:
            self.heartbeat.remove(job)
            self._unsent.append(Release(job.lease))

    def _sleep(self) -> None:
        self._waiting += 1
        try:
            self._changed.wait()
        finally:
            self._waiting -= 1

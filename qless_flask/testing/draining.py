"""Running all that is due, here and now, as workers and a scheduler would: for the tests of jobs and plugins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.http import HTTPBackend
from qless_flask.backends.readers import move_reader, plugin_reader
from qless_flask.bounds import MAX_BATCH, OWN_QUEUES
from qless_flask.client import Client
from qless_flask.client.functions import JobFunction, current_client, registry
from qless_flask.delivery import QUEUE, Deliverer
from qless_flask.errors import QlessError
from qless_flask.models import Complete, Fail, Filter, Job, Lease, Retry, Settled, Settlement, State
from qless_flask.testing.clock import ManualClock
from qless_flask.worker.execution import Execution
from qless_flask.worker.running import RunningJob

WORKER = "drain"
MOST_RUNS = 10_000


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a job, and how it ended."""

    job: Job
    """As it was popped."""
    settlement: Settlement | None
    """What the worker told the store; None: its lease was gone by then."""
    answer: Settled | QlessError | None
    """What the store said to that."""

    @property
    def complaint(self) -> str | None:
        """Why it did not end well, if so: with the traceback where the function raised."""
        if isinstance(self.answer, QlessError):
            return self.answer.message
        if isinstance(self.settlement, (Retry, Fail)):
            return f"{self.settlement.group}: {self.settlement.message}"
        return None if isinstance(self.settlement, Complete) else "it was given back, or its lease was gone"


@dataclass(frozen=True, slots=True)
class Drained:
    """What was done until nothing was left to do."""

    runs: tuple[Ran, ...]
    """In their order."""
    fired: int
    """How many jobs recurrences have put."""

    @property
    def states(self) -> dict[str, State]:
        """The state that the last run of each job left it in, by jid."""
        return {run.job.jid: run.answer.state for run in self.runs if isinstance(run.answer, Settled)}

    def check(self) -> Drained:
        """Raise AssertionError, with the tracebacks, unless each run ended well."""
        told = [f"job {run.job.jid} ({run.job.klass}): {run.complaint}" for run in self.runs if run.complaint]
        if told:
            raise AssertionError("\n".join(told))
        return self


def drain(
    store: Client | Backend,
    functions: Iterable[JobFunction],
    *,
    namespace: str = "default",
    clock: ManualClock | None = None,
    until: float | None = None,
    capabilities: Sequence[str] = (),
) -> Drained:
    """Run all that is due in this process, one job after the other, until nothing is left; fire recurrences on the way.

    Observers and trackers are told, and what trackers do later is done (but of a store over HTTP: there its server does
    it). A job that was put off stays for later. With the `clock` that the store goes by, time is let pass `until` then
    (Unix seconds), from one thing that is due to the next. Raise RuntimeError after 10,000 runs.
    """
    if until is not None and clock is None:
        raise TypeError("who lets time pass needs the clock that the store goes by")
    client = store if isinstance(store, Client) else Client(store, namespace)
    return _Drain(client, functions, capabilities, clock or time.monotonic).run(clock, until)


class _Drain:
    def __init__(
        self,
        client: Client,
        functions: Iterable[JobFunction],
        capabilities: Sequence[str],
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._namespace: Namespace = client.namespace
        self._execution = Execution(registry(functions), client.plugins)
        self._deliverer: Deliverer | None = None
        if not isinstance(client.backend, HTTPBackend):
            self._deliverer = Deliverer(client.backend, client.plugins, threads=0, clock=clock)
        self._capabilities = capabilities
        self._runs: list[Ran] = []
        self._fired = 0
        self._retry_at: float | None = None

    def run(self, clock: ManualClock | None, until: float | None) -> Drained:
        while True:
            # What a job did may make another one due, what was told as well: until none of them has anything to do.
            while self._fire() or self._work() or self._tell():
                pass
            if clock is None or until is None or not self._move_on(clock, until):
                return Drained(tuple(self._runs), self._fired)

    def _fire(self) -> bool:
        while self._namespace.promote(MAX_BATCH).more:
            pass
        due = self._namespace.recurrences(due=True)
        for recurring in due:
            if recurring.rule.id is not None and recurring.next_at is not None:
                self._fired += len(self._namespace.fire(recurring.rule.id, recurring.next_at))
        return bool(due)

    def _work(self) -> bool:
        ran = False
        self._retry_at = None
        names = [queue.name for queue in self._namespace.queues() if not queue.name.startswith(OWN_QUEUES)]
        for first in range(0, len(names), MAX_BATCH):
            ran |= self._work_through(names[first : first + MAX_BATCH])
        return ran

    def _work_through(self, queues: Sequence[str]) -> bool:
        ran = False
        while True:
            popped = self._namespace.pop(queues, WORKER, capabilities=self._capabilities)
            for lease in popped:
                self._perform(lease)
                ran = True
            if not popped:
                self._retry_at = _earliest(self._retry_at, popped.retry_at)
                return ran

    def _perform(self, lease: Lease) -> None:
        if len(self._runs) >= MOST_RUNS:
            raise RuntimeError(f"after {MOST_RUNS:,} runs there are still jobs to run: do some put themselves again?")
        job = RunningJob(self._namespace, lease, self._client.writing)
        token = current_client.set(self._client)
        try:
            if self._execution.is_async(job.klass):
                settlement = asyncio.run(self._execution.run_async(job))
            else:
                settlement = self._execution.run(job)
        finally:
            current_client.reset(token)
        answer = self._namespace.settle([settlement])[0] if settlement is not None else None
        self._runs.append(Ran(job.job, settlement, answer))

    def _tell(self) -> bool:
        if self._deliverer is None:
            return False
        for call in self._client.plugins.calls("on_event"):
            # Who was never told anything hears of all that there was, unlike one that comes to a store in use.
            move_reader(self._namespace, plugin_reader(call.plugin), "0", None)
        before = self._deliverer.done
        self._deliverer.deliver(self._namespace.name)
        self._deliverer.run_until_idle()
        return self._deliverer.done > before

    def _move_on(self, clock: ManualClock, until: float) -> bool:
        """Let time pass to what is due next; tell whether something is."""
        now = clock()
        times = [each.next_at for each in self._namespace.recurrences() if not each.paused]
        put_off = self._namespace.select(Filter(queue=QUEUE, state="scheduled"), limit=1).jobs
        due = _earliest(self._retry_at, *times, *(job.available_at for job in put_off))
        then = until if due is None else min(due, until)
        clock.advance(max(0.0, then - now))
        return due is not None and due <= until and clock() > now


def _earliest(*times: float | None) -> float | None:
    return min((time for time in times if time is not None), default=None)

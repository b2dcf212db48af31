"""What happens round a store: a retry that names no delay is put off as the back-off says."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from qless_flask.backends.base import Backend, Clock, Namespace
from qless_flask.backends.passing import Passing
from qless_flask.errors import QlessError, QueueNotFound
from qless_flask.models import (
    Backoff,
    Exchanged,
    Job,
    Pop,
    QueueSettings,
    Retry,
    Settled,
    Settlement,
)
from qless_flask.plugins import Plugins

Draw = Callable[[], float]
"""Answers a random number from 0 to 1."""


class Hooked(Backend):
    """A store, and what is done before and after its operations; `open_backend` wraps it round each of ours."""

    def __init__(
        self,
        inner: Backend,
        *,
        plugins: Plugins | None = None,
        draw: Draw = random.random,
        clock: Clock | None = None,
    ) -> None:
        """Wrap a store; without plugins, those that are built in do it."""
        self.inner = inner
        self.plugins = Plugins(installed=False) if plugins is None else plugins
        self._draw = draw
        self._clock = time.time if clock is None else clock

    def namespace(self, name: str) -> Namespace:
        return HookedNamespace(self.inner.namespace(name), self._draw)

    def namespaces(self) -> list[str]:
        return self.inner.namespaces()

    def ping(self) -> list[str]:
        return self.inner.ping()

    def close(self) -> None:
        self.inner.close()


class HookedNamespace(Passing):
    """A namespace of such a store."""

    def __init__(self, inner: Namespace, draw: Draw = random.random) -> None:
        super().__init__(inner)
        self._draw = draw

    def settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        return self.inner.settle(self._put_off(settlements))

    def exchange(self, settlements: Sequence[Settlement], pop: Pop, *, wait: float = 0.0) -> Exchanged:
        return self.inner.exchange(self._put_off(settlements), pop, wait=wait)

    def _put_off(self, settlements: Sequence[Settlement]) -> Sequence[Settlement]:
        """Give each retry that names no delay one, before the store is asked for anything."""
        retries = [each for each in settlements if isinstance(each, Retry) and each.delay is None]
        if not retries:
            return settlements
        jobs = self._jobs(retries)
        queues = {name: self._settings(name) for name in {job.queue for job in jobs.values()}}
        return [
            self._delayed(each, jobs.get(each.lease.jid), queues)
            if isinstance(each, Retry) and each.delay is None
            else each
            for each in settlements
        ]

    def _jobs(self, retries: Sequence[Retry]) -> dict[str, Job]:
        """The jobs as they were popped or, of leases that came without, as they are."""
        known = {each.lease.jid: each.lease.job for each in retries if each.lease.job is not None}
        unknown = [each.lease.jid for each in retries if each.lease.jid not in known]
        # A batch that is too long is for the store to refuse.
        found = self.inner.get(unknown[:1000]) if unknown else []
        return known | {job.jid: job for job in found if job is not None}

    def _settings(self, queue: str) -> QueueSettings:
        try:
            [found] = self.inner.queues([queue])
        except QueueNotFound:
            # The job is elsewhere by now, and the settlement comes too late.
            return QueueSettings()
        return found.settings

    def _delayed(self, retry: Retry, job: Job | None, queues: dict[str, QueueSettings]) -> Retry:
        if job is None:
            return retry
        settings = queues[job.queue]
        allowed = settings.retries if job.retries is None else job.retries
        delay = retry_delay(job.backoff or settings.backoff, allowed - job.remaining + 1, self._draw)
        return replace(retry, delay=delay)


def retry_delay(backoff: Backoff, number: int, draw: Draw = random.random) -> float:
    """Work out the seconds before a retry, of which it is the first, second, … in its stage."""
    if backoff.strategy == "fixed" or not backoff.delay:
        return backoff.delay
    try:
        longest = min(backoff.delay * backoff.factor ** max(0, number - 1), backoff.max)
    except OverflowError:
        longest = backoff.max
    return longest * draw() if backoff.jitter == "full" else longest

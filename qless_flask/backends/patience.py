"""What the stores share of waiting: a loop round looks that are one step each."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from qless_flask.backends.base import LOG_END
from qless_flask.backends.steps import Steps
from qless_flask.backends.waiting import Waiters
from qless_flask.bounds import MAX_BATCH, MAX_WAIT_SECONDS, Checks, check_jids
from qless_flask.models import ENDED, EventFilter, EventPage, Job, Pop, Popped

LOOK_AGAIN_SECONDS = 5.0
"""How long a waiting pop sleeps at most before it looks again by itself, should a wake have been lost."""

SOONEST_SECONDS = 0.01
SELDOM_SECONDS = 0.5
"""How soon, and how seldom, one looks again whether a job has ended."""

APART_SECONDS = 0.005
"""How far apart, on average, the pops that wait for one due job look for it."""


class PatientNamespace(Steps):
    """The operations that wait until there is something to answer."""

    _waiters: Waiters

    def get(self, jids: Sequence[str], *, wait: float = 0.0) -> list[Job | None]:
        check_jids(jids)
        check = Checks()
        check.seconds("wait", wait, 0, MAX_WAIT_SECONDS)
        check.done()
        if not jids:
            return []
        began = time.monotonic()
        while True:
            jobs = self._get(jids)
            waited = time.monotonic() - began
            if waited >= wait or self._waiters.closed or all(job is None or job.state in ENDED for job in jobs):
                return jobs
            # Nothing tells of ends: so soon for what ends soon, and seldom for what takes its time.
            time.sleep(min(wait - waited, max(SOONEST_SECONDS, min(waited / 10, SELDOM_SECONDS))))

    def events(
        self, after: str | None = None, limit: int = 100, *, wait: float = 0.0, filter: EventFilter | None = None
    ) -> EventPage:
        check = Checks()
        check.integer("limit", limit, 1, MAX_BATCH)
        check.seconds("wait", wait, 0, MAX_WAIT_SECONDS)
        if after is not None:
            check.text("after", after)
        check.done()
        if after == LOG_END:
            after = self._log_end()
        if filter is None or filter == EventFilter():
            return self._events(after, limit, wait)
        deadline, tags = time.monotonic() + wait, self._tracked_tags() if filter.tracked is not None else frozenset()
        while True:
            page = self._events(after, MAX_BATCH, max(0.0, deadline - time.monotonic()))
            matching = [event for event in page.events if filter.matches(event, tags)]
            if len(matching) > limit:
                return EventPage(tuple(matching[:limit]), matching[limit - 1].cursor)
            if matching or time.monotonic() >= deadline or self._waiters.closed:
                return EventPage(tuple(matching), page.next)
            after = page.next

    def _wait_for_jobs(self, pop: Pop, wait: float, first: Callable[[float], Popped]) -> Popped:
        check = Checks()
        check.seconds("wait", wait, 0, MAX_WAIT_SECONDS)
        check.done()
        if not wait:
            return first(0)
        deadline = time.monotonic() + wait
        # Joined before the first look, so that a put between look and sleep still wakes it.
        with self._waiters.join(self.name, pop.queues, pop.capabilities) as waiter:
            popped, overdue = first(wait), 0
            while not (popped.leases or popped.quiet or popped.stop):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                until = self._until(popped.retry_at)
                overdue = overdue + 1 if until <= 0 else 0
                # One after the other: hundreds that look for one due job at once would keep all else waiting.
                apart = random.uniform(0, APART_SECONDS * waiter.others)
                waiter.sleep(min(left, _longest_sleep(), max(until, _shortest_sleep(overdue)) + apart))
                if self._waiters.closed:
                    break
                popped = self._pop(pop, max(0.0, deadline - time.monotonic()))
        if popped.quiet and not (popped.leases or popped.stop):
            # Not among those that wait: a wake that came to it would be lost for the others.
            popped = self._rest(pop, popped, deadline)
        return popped

    def _rest(self, pop: Pop, popped: Popped, deadline: float) -> Popped:
        look_at = time.monotonic() + LOOK_AGAIN_SECONDS
        while not self._waiters.closed and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, SELDOM_SECONDS))
            if time.monotonic() >= look_at:
                popped, look_at = self._pop(pop, 0.0), time.monotonic() + LOOK_AGAIN_SECONDS
                if not popped.quiet or popped.stop:
                    break
        return popped

    def _until(self, at: float | None) -> float:
        return LOOK_AGAIN_SECONDS if at is None else at - self._now()


def _longest_sleep() -> float:
    # At a time of its own: workers that were started together would all look at once, again and again.
    return LOOK_AGAIN_SECONDS * random.uniform(0.5, 1)


def _shortest_sleep(overdue: int) -> float:
    # What should be there time after time, and is not: the clock of this host is ahead of the store's.
    return 0.001 * 2.0 ** min(overdue, 7)

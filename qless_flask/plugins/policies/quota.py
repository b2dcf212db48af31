"""Lets in only so many jobs: alive at a time, or in a time.

{"name": "quota", "queue": "fetch", "jobs": 100000, "rate": {"limit": 50, "per": 1}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qless_flask.bounds import MAX_CONCURRENCY, MAX_DELAY_SECONDS, MAX_RATE, MIN_CLOCK_SECONDS, OWN_QUEUES, Checks
from qless_flask.errors import BackendUnavailable, QlessError, QueueNotFound, QuotaExceeded
from qless_flask.hookspecs import Policy, Space
from qless_flask.models import NewJob, Queue
from qless_flask.patterns import check_pattern, matches

MOST_TRIES = 1_000
_SLACK = 0.001
_ALIVE = ("scheduled", "depends", "waiting", "running")


@dataclass(frozen=True)
class Quota(Policy):
    """Refuse puts once `jobs` jobs are alive (neither complete nor failed nor canceled), or faster than `rate`.

    Of one queue, of those that begin alike (`crawl-*`), or of all. What is alive is counted before the put, without
    what trackers have to do: several puts at the same moment may go beyond by what they put. The rate is exact over all
    processes whose clocks agree: `limit` jobs at once and then one each `per / limit` seconds, by the generic cell rate
    algorithm (ITU-T I.371); each job of a put counts, also if it turns out to be there already.
    """

    queue: str | None = None
    jobs: int | None = None
    rate: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        check = Checks()
        check_pattern(check, "queue", self.queue)
        if self.jobs is not None:
            check.integer("jobs", self.jobs, 0, MAX_CONCURRENCY)
        if self.rate is not None:
            _check_rate(check, self.rate)
        if self.jobs is None and self.rate is None:
            check.wrong("jobs", "or rate must be given")
        check.done()

    def check_put(self, namespace: Space, job: NewJob) -> NewJob:
        return job

    def check_all(self, namespace: Space, jobs: Sequence[NewJob]) -> None:
        counted = [index for index, job in enumerate(jobs) if matches(self.queue or "*", job.queue)]
        if counted and self.jobs is not None:
            self._check_alive(namespace, counted, self.jobs)
        if counted and self.rate is not None:
            self._spend(namespace, counted, self.rate["limit"], self.rate["per"])

    def _queues(self, namespace: Space) -> list[Queue]:
        """The queues whose jobs count as alive; what trackers have to do keeps nobody from putting."""
        if self.queue is None:
            return [each for each in namespace.queues() if not each.name.startswith(OWN_QUEUES)]
        if self.queue.endswith("*"):
            return [each for each in namespace.queues() if matches(self.queue, each.name)]
        try:
            # There may be thousands, and this is asked at each put.
            return namespace.queues([self.queue])
        except QueueNotFound:
            return []

    def _check_alive(self, namespace: Space, counted: Sequence[int], most: int) -> None:
        alive: int = sum(getattr(queue, state) for queue in self._queues(namespace) for state in _ALIVE)
        if alive + len(counted) > most:
            over = counted[min(max(0, most - alive), len(counted) - 1)]
            raise _exceeded(over, f"{alive:,} jobs are alive, and there may be {most:,}: put again when some are done")

    def _spend(self, namespace: Space, counted: Sequence[int], limit: int, per: float) -> None:
        """Take so many jobs from what the rate allows, if it allows all of them."""
        if len(counted) > limit:
            raise _exceeded(counted[limit], f"at most {limit:,} jobs can be put together")
        name = f"policy:{self.id}"
        for _ in range(MOST_TRIES):
            now = self.clock()
            seen = namespace.recall(name)
            before = _number(seen)
            if before > now + per + _SLACK:
                # The clock was set back: let nobody wait until it is as late again.
                namespace.remember(name, repr(now + per), seen)
                continue
            # When all that was put would have been put, one by one.
            spent = max(now, before) + len(counted) * per / limit
            # A millisecond is let pass, lest rounding keep out the last one.
            if spent > now + per + _SLACK:
                after = spent - now - per
                raise _exceeded(counted[0], f"at most {limit:,} jobs in {per:g} s: put again in {after:.3f} s")
            if namespace.remember(name, repr(spent), seen):
                return
        raise BackendUnavailable(f"so many put at once that the record {name} could not be changed: try again")


def _check_rate(check: Checks, rate: object) -> None:
    if not isinstance(rate, Mapping) or rate.keys() != {"limit", "per"}:
        check.wrong("rate", "must be an object with limit and per")
        return
    check.integer("rate.limit", rate["limit"], 1, MAX_RATE)
    check.seconds("rate.per", rate["per"], MIN_CLOCK_SECONDS, MAX_DELAY_SECONDS)


def _exceeded(index: int, why: str) -> QlessError:
    return QuotaExceeded(why, fields={f"{index}.queue": [why]})


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0

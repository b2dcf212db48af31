"""Looking jobs up: which, and a page of them."""

from __future__ import annotations

from dataclasses import dataclass

from qless_flask.bounds import (
    Checks,
)
from qless_flask.models.jobs import Job
from qless_flask.models.words import STATES, State


@dataclass(frozen=True, slots=True)
class Filter:
    """Which jobs to select; None asks for nothing.

    `q` is sought in klass, failure group and message, and at the beginning of the jid.
    """

    state: State | None = None
    queue: str | None = None
    tag: str | None = None
    klass: str | None = None
    worker: str | None = None
    group: str | None = None
    q: str | None = None

    def __post_init__(self) -> None:
        check = Checks()
        if self.state is not None:
            check.one_of("state", self.state, STATES)
        if self.queue is not None:
            check.name("queue", self.queue)
        for name in ("tag", "klass", "worker", "group", "q"):
            value = getattr(self, name)
            if value is not None:
                check.text(name, value)
        check.done()

    def matches(self, job: Job) -> bool:
        """Tell whether a job is one of those asked for; letter case does not count in `q`."""
        return (
            self.state in (None, job.state)
            and self.queue in (None, job.queue)
            and self.klass in (None, job.klass)
            and self.worker in (None, job.worker)
            and (self.tag is None or self.tag in job.tags)
            and (self.group is None or (job.state == "failed" and _group(job) == self.group))
            and (self.q is None or _mentions(job, self.q.casefold()))
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a select: `next` is the cursor of the page after it, None at the end; `scanned` records were read."""

    jobs: tuple[Job, ...]
    next: str | None
    scanned: int


def _group(job: Job) -> str | None:
    return job.failure.group if job.failure else None


def _mentions(job: Job, sought: str) -> bool:
    if job.jid.casefold().startswith(sought) or sought in job.klass.casefold():
        return True
    failure = job.failure
    return failure is not None and (sought in failure.group.casefold() or sought in failure.message.casefold())

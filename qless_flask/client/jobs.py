"""Handles on jobs, for people: look one up, steer it by hand, walk through those that match."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TypedDict, Unpack

from qless_flask.backends.base import Namespace
from qless_flask.bounds import MAX_WAIT_SECONDS
from qless_flask.client.data import SAME, Data, load, only
from qless_flask.client.writing import Writing
from qless_flask.errors import JobNotFound
from qless_flask.models import (
    ENDED,
    Actor,
    Changes,
    Dependents,
    Filter,
    Finish,
    Finished,
    Job,
    LogLine,
    Missing,
    State,
)


class Criteria(TypedDict, total=False):
    """What `select` takes; see `models.Filter`."""

    state: State | None
    queue: str | None
    tag: str | None
    klass: str | None
    worker: str | None
    group: str | None
    key: str | None
    tracked: bool | None
    q: str | None
    since: float | None
    until: float | None


class JobHandle:
    """A job by its jid. Nothing is asked of the store before you ask something of the handle."""

    def __init__(
        self,
        namespace: Namespace,
        jid: str,
        *,
        actor: Actor | None = None,
        snapshot: Job | None = None,
        writing: Writing | None = None,
    ) -> None:
        self.jid = jid
        self.created: bool | None = None
        """After a put: whether it made the job; False where `if_exists="keep"` found it there."""
        self._namespace = namespace
        self._actor = actor
        self._snapshot = snapshot
        self._writing = writing or Writing()

    def get(self) -> Job:
        """Look the job up now, with data and history. Raise JobNotFound."""
        return self._look(0)

    def refresh(self) -> JobHandle:
        """Look the job up anew for `job`, `state` and `data`."""
        self.get()
        return self

    def exists(self) -> bool:
        """Tell whether the job is there."""
        return self._namespace.get([self.jid])[0] is not None

    @property
    def job(self) -> Job:
        """The job as it was when last seen; looked up if it was not seen yet."""
        return self._snapshot or self.get()

    @property
    def state(self) -> State:
        """Its state when last seen."""
        return self.job.state

    @property
    def data(self) -> Data:
        """Its data when last seen, as Python. Raise UnreadableData where the codec that it was written with cannot."""
        # Lists and answers to what is done by hand come without data.
        job = self.job if self.job.data is not None else self.get()
        return self._writing.load(job.data)

    @property
    def result(self) -> Data:
        """What it was last completed with, as Python; None where there is nothing."""
        return self._writing.load(self._whole().result)

    @property
    def progress(self) -> Data:
        """What its worker last said of how far it is, when last seen, as Python."""
        return load(self.job.progress)

    @property
    def depends(self) -> tuple[str, ...]:
        """The jids that it waited for when last seen."""
        return self.job.depends

    @property
    def dependents(self) -> tuple[str, ...]:
        """The jids that waited for it when last seen, the first 100."""
        return self._whole().dependents

    def wait(self, seconds: float | None = None) -> JobHandle:
        """Wait until it has ended, whatever way. Raise JobNotFound, and TimeoutError if it takes longer than that."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            left = MAX_WAIT_SECONDS if deadline is None else max(0.0, deadline - time.monotonic())
            job = self._look(min(left, MAX_WAIT_SECONDS))
            if job.state in ENDED:
                return self
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"job {self.jid} is {job.state} still, after {seconds:g} seconds")

    def lines(self) -> list[LogLine]:
        """Read its log, oldest line first."""
        return self._namespace.lines(self.jid)

    def move(self, queue: str, *, delay: float = 0.0) -> JobHandle:
        """Put it into a queue, whatever its state."""
        return self._seen(only(self._namespace.move([self.jid], queue, delay=delay, actor=self._actor)))

    def cancel(self, *, dependents: Dependents = "refuse") -> JobHandle:
        """Stop it for good, and do with those that wait for it as told.

        Raise WrongState if it is complete, HasDependents if others wait for it and that is refused.
        """
        return self._seen(only(self._namespace.cancel([self.jid], dependents=dependents, actor=self._actor)))

    def finish(
        self, state: Finished = "complete", *, group: str = "finished", message: str = "", result: Data = SAME
    ) -> JobHandle:
        """End it by hand, whatever its state: complete, with a result, or failed, under a group."""
        end = Finish(state, group=group, message=message, result=self._writing.dump_unless_same(result))
        return self._seen(only(self._namespace.finish([self.jid], end, actor=self._actor)))

    def depend_on(self, *jids: str, missing: Missing = "refuse") -> JobHandle:
        """Let it wait for others too. Raise WrongState if it runs or has ended; UnknownDependency; DependencyCycle."""
        return self._seen(self._namespace.depend(self.jid, on=jids, missing=missing, actor=self._actor))

    def depend_off(self, *jids: str) -> JobHandle:
        """Let it wait for others no longer. Raise WrongState if it runs or has ended."""
        return self._seen(self._namespace.depend(self.jid, off=jids, actor=self._actor))

    def track(self) -> JobHandle:
        """Follow it: it stands in `client.tracked()`."""
        return self._change(Changes(tracked=True))

    def untrack(self) -> JobHandle:
        """Follow it no longer."""
        return self._change(Changes(tracked=False))

    def timeout(self) -> JobHandle:
        """Take its lease away, at the cost of a retry. Raise WrongState unless it runs."""
        return self._seen(only(self._namespace.timeout([self.jid], actor=self._actor)))

    def tag(self, *tags: str) -> JobHandle:
        """Add tags."""
        return self._change(Changes(add_tags=tags))

    def untag(self, *tags: str) -> JobHandle:
        """Remove tags."""
        return self._change(Changes(remove_tags=tags))

    def update(self, *, priority: int | None = None, data: Data = SAME, retries: int | None = None) -> JobHandle:
        """Change what is given."""
        return self._change(Changes(priority=priority, data=self._writing.dump_unless_same(data), retries=retries))

    def _look(self, wait: float) -> Job:
        [job] = self._namespace.get([self.jid], wait=wait)
        if job is None:
            raise JobNotFound.about(self.jid)
        self._snapshot = job
        return job

    def _whole(self) -> Job:
        # What comes without history has no result and no dependents either.
        return self._snapshot if self._snapshot and self._snapshot.history else self.get()

    def _change(self, changes: Changes) -> JobHandle:
        return self._seen(only(self._namespace.update([self.jid], changes, actor=self._actor)))

    def _seen(self, job: Job) -> JobHandle:
        self._snapshot = job
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, JobHandle):
            return NotImplemented
        return (self._namespace.name, self.jid) == (other._namespace.name, other.jid)

    def __hash__(self) -> int:
        return hash((self._namespace.name, self.jid))

    def __repr__(self) -> str:
        return f"<JobHandle {self.jid}>"


class Jobs:
    """All jobs of a namespace: `client.jobs[jid]`, `client.jobs.select(state="failed")`."""

    def __init__(self, namespace: Namespace, actor: Actor | None = None, *, writing: Writing | None = None) -> None:
        self._namespace = namespace
        self._actor = actor
        self._writing = writing or Writing()

    def __getitem__(self, jid: str) -> JobHandle:
        return JobHandle(self._namespace, jid, actor=self._actor, writing=self._writing)

    def __contains__(self, jid: str) -> bool:
        return self[jid].exists()

    def select(self, *, page_size: int = 100, **criteria: Unpack[Criteria]) -> Iterator[JobHandle]:
        """Walk through all jobs that match, page after page. Their handles know all but data and history."""
        wanted, cursor = Filter(**criteria), None
        while True:
            page = self._namespace.select(wanted, cursor, page_size)
            for job in page.jobs:
                yield JobHandle(self._namespace, job.jid, actor=self._actor, snapshot=job, writing=self._writing)
            cursor = page.next
            if cursor is None:
                return

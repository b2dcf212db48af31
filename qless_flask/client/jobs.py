"""Handles on jobs, for people: look one up, steer it by hand, walk through those that match."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict, Unpack

from qless_flask.backends.base import Namespace
from qless_flask.client.data import SAME, Data, dump_unless_same, load, only
from qless_flask.errors import JobNotFound
from qless_flask.models import Actor, Changes, Filter, Job, LogLine, State


class Criteria(TypedDict, total=False):
    """What `select` takes; see `models.Filter`."""

    state: State | None
    queue: str | None
    tag: str | None
    klass: str | None
    worker: str | None
    group: str | None
    q: str | None


class JobHandle:
    """A job by its jid. Nothing is asked of the store before you ask something of the handle."""

    def __init__(
        self, namespace: Namespace, jid: str, *, actor: Actor | None = None, snapshot: Job | None = None
    ) -> None:
        self.jid = jid
        self.created: bool | None = None
        """After a put: whether it made the job; False where `if_exists="keep"` found it there."""
        self._namespace = namespace
        self._actor = actor
        self._snapshot = snapshot

    def get(self) -> Job:
        """Look the job up now, with data and history. Raise JobNotFound."""
        [job] = self._namespace.get([self.jid])
        if job is None:
            raise JobNotFound.about(self.jid)
        self._snapshot = job
        return job

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
        """Its data when last seen, as Python."""
        # Lists and answers to what is done by hand come without data.
        job = self.job if self.job.data is not None else self.get()
        return load(job.data)

    def lines(self) -> list[LogLine]:
        """Read its log, oldest line first."""
        return self._namespace.lines(self.jid)

    def move(self, queue: str, *, delay: float = 0.0) -> JobHandle:
        """Put it into a queue, whatever its state."""
        return self._seen(only(self._namespace.move([self.jid], queue, delay=delay, actor=self._actor)))

    def cancel(self) -> JobHandle:
        """Stop it for good. Raise WrongState if it is complete."""
        return self._seen(only(self._namespace.cancel([self.jid], actor=self._actor)))

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
        return self._change(Changes(priority=priority, data=dump_unless_same(data), retries=retries))

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

    def __init__(self, namespace: Namespace, actor: Actor | None = None) -> None:
        self._namespace = namespace
        self._actor = actor

    def __getitem__(self, jid: str) -> JobHandle:
        return JobHandle(self._namespace, jid, actor=self._actor)

    def __contains__(self, jid: str) -> bool:
        return self[jid].exists()

    def select(self, *, page_size: int = 100, **criteria: Unpack[Criteria]) -> Iterator[JobHandle]:
        """Walk through all jobs that match, page after page. Their handles know all but data and history."""
        wanted, cursor = Filter(**criteria), None
        while True:
            page = self._namespace.select(wanted, cursor, page_size)
            for job in page.jobs:
                yield JobHandle(self._namespace, job.jid, actor=self._actor, snapshot=job)
            cursor = page.next
            if cursor is None:
                return

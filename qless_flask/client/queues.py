"""Handles on queues, for people: put jobs in, pop them, steer the queue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypedDict, Unpack

from qless_flask.backends.base import Namespace
from qless_flask.bounds import MAX_BATCH
from qless_flask.client.data import EMPTY, Data, dump
from qless_flask.client.jobs import JobHandle, Jobs
from qless_flask.client.leased import LeasedJob
from qless_flask.client.recurrences import RecurOptions, RecurrenceHandle, Recurrences
from qless_flask.client.writing import Writing
from qless_flask.models import (
    STATES,
    Actor,
    Backoff,
    IfExists,
    Missing,
    NewJob,
    OnParentEnd,
    Queue,
    Setting,
    State,
    Stats,
    Throughput,
    Unique,
)

if TYPE_CHECKING:
    from qless_flask.client.functions import JobFunction


class PutOptions(TypedDict, total=False):
    """What a put takes beside klass and data; see `models.NewJob`."""

    jid: str | None
    priority: int
    delay: float
    at: float | None
    tags: tuple[str, ...]
    retries: int | None
    pipeline: tuple[str, ...]
    depends: tuple[str, ...]
    missing: Missing
    on_parent_end: OnParentEnd
    backoff: Backoff | None
    max_run: float | None
    expires_in: float | None
    unique: Unique | None
    requires: tuple[str, ...]
    key: str | None
    if_exists: IfExists


class QueueHandle:
    """A queue by its name; it need not exist yet."""

    def __init__(
        self, namespace: Namespace, name: str, actor: Actor | None = None, *, writing: Writing | None = None
    ) -> None:
        self.name = name
        self._namespace = namespace
        self._actor = actor
        self._writing = writing or Writing()

    def put(self, klass: str | JobFunction, data: Data = EMPTY, **options: Unpack[PutOptions]) -> JobHandle:
        """Put one job. Raise JobExists if its `jid` is taken, unless `if_exists` says otherwise."""
        [handle] = put_all(self._namespace, [self.new(klass, data, **options)], self._actor, self._writing)
        return handle

    def put_many(
        self, klass: str | JobFunction, datas: Iterable[Data], **options: Unpack[PutOptions]
    ) -> list[JobHandle]:
        """Put a job for each of `datas`; each thousand goes in whole or not at all."""
        jobs = (self.new(klass, data, **options) for data in datas)
        return put_all(self._namespace, jobs, self._actor, self._writing)

    def new(self, klass: str | JobFunction, data: Data = EMPTY, **options: Unpack[PutOptions]) -> NewJob:
        """Build a job for this queue, to be put together with others by `Client.put`."""
        if isinstance(klass, str):
            return NewJob(klass, dump(data), queue=self.name, **options)
        return klass.new(data, queue=self.name, **options)

    def recur(self, klass: str, data: Data = EMPTY, **options: Unpack[RecurOptions]) -> RecurrenceHandle:
        """Put a job every `interval` seconds, or when `cron` says so; see `Recurrences.add`."""
        recurrences = Recurrences(self._namespace, self._actor, writing=self._writing)
        return recurrences.add(klass, data, queue=self.name, **options)

    def pop(
        self, worker: str, *, wait: float = 0.0, capabilities: Sequence[str] = (), request: str | None = None
    ) -> LeasedJob | None:
        """Lease the next job that requires nothing but `capabilities`; None if there is none within `wait` seconds."""
        jobs = self.pop_many(worker, 1, wait=wait, capabilities=capabilities, request=request)
        return jobs[0] if jobs else None

    def pop_many(
        self,
        worker: str,
        limit: int,
        *,
        wait: float = 0.0,
        capabilities: Sequence[str] = (),
        request: str | None = None,
    ) -> list[LeasedJob]:
        """Lease up to `limit` jobs."""
        popped = self._namespace.pop([self.name], worker, limit, wait=wait, capabilities=capabilities, request=request)
        return [LeasedJob(self._namespace, lease, self._writing) for lease in popped]

    def summary(self) -> Queue:
        """Sum the queue up: jobs by state, settings, the oldest wait. Raise QueueNotFound."""
        return self._namespace.queues([self.name])[0]

    @property
    def counts(self) -> dict[State, int]:
        """How many of its jobs are in each state."""
        summary = self.summary()
        return {state: getattr(summary, state) for state in STATES}

    def stats(self, day: str | None = None) -> Stats:
        """Sum up the waits and runs of a day (UTC, as 2026-11-24), or of today."""
        return self._namespace.stats(day, queue=self.name)

    def throughput(self, *, since: float | None = None, until: float | None = None, step: int = 60) -> Throughput:
        """Count transitions by steps of so many seconds; see `Namespace.throughput`."""
        return self._namespace.throughput(self.name, since=since, until=until, step=step)

    def jobs(self, state: State) -> Iterator[JobHandle]:
        """Walk through its jobs of one state; the waiting ones come in the order of pops."""
        return Jobs(self._namespace, self._actor, writing=self._writing).select(queue=self.name, state=state)

    def __iter__(self) -> Iterator[JobHandle]:
        return Jobs(self._namespace, self._actor, writing=self._writing).select(queue=self.name)

    def configure(self, *, inherit: Sequence[str] = (), **settings: Setting) -> Queue:
        """Change settings, see `models.QueueSettings`; those that `inherit` names are the namespace's from now on."""
        return self._namespace.configure(self.name, settings, inherit=inherit, actor=self._actor)

    def pause(self) -> Queue:
        """Let nothing be popped until `resume`."""
        return self._namespace.pause(self.name, actor=self._actor)

    def resume(self) -> Queue:
        """Let jobs be popped again."""
        return self._namespace.resume(self.name, actor=self._actor)

    def forget(self) -> None:
        """Delete the queue, which must be empty."""
        self._namespace.forget(self.name, actor=self._actor)

    def __repr__(self) -> str:
        return f"<QueueHandle {self.name}>"


class Queues:
    """All queues of a namespace: `client.queues["fetch"]`; iterating walks through those that are known."""

    def __init__(self, namespace: Namespace, actor: Actor | None = None, *, writing: Writing | None = None) -> None:
        self._namespace = namespace
        self._actor = actor
        self._writing = writing or Writing()

    def __getitem__(self, name: str) -> QueueHandle:
        return QueueHandle(self._namespace, name, self._actor, writing=self._writing)

    def __iter__(self) -> Iterator[QueueHandle]:
        return (self[queue.name] for queue in self.summaries())

    def summaries(self) -> list[Queue]:
        """Sum all known queues up, by name."""
        return self._namespace.queues()


def put_all(namespace: Namespace, jobs: Iterable[NewJob], actor: Actor | None, writing: Writing) -> list[JobHandle]:
    """Put jobs, a thousand at a time, and answer with their handles in order."""
    handles, left = [], map(writing.encoded, jobs)
    while batch := list(islice(left, MAX_BATCH)):
        for put in namespace.put(batch):
            handle = JobHandle(namespace, put.jid, actor=actor, writing=writing)
            handle.created = put.created
            handles.append(handle)
    return handles

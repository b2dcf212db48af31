"""Jobs and workers as the contract shows them."""

from __future__ import annotations

from itertools import islice

from qless_flask.backends.numbers import DEPENDENTS_SHOWN
from qless_flask.backends.store import to_seconds
from qless_flask.errors import WorkerNotFound
from qless_flask.models import Backoff, Failure, HistoryEntry, Job, Lease, Unique, Worker
from qless_lmdb.look import Look
from qless_lmdb.records import WORKER, JobState, seconds
from qless_lmdb.step import WITH_GROUP, WITH_QUEUE, WITH_WORKER


def listed(job: JobState) -> Job:
    """Show a job without data and history."""
    return _job(job)


def whole(look: Look, job: JobState) -> Job:
    """Show all of a job."""
    return _job(
        job,
        data=look.text("data", job.jid),
        result=look.text("result", job.jid),
        history=tuple(entry(*each) for each in job.history),
        dependents=tuple(islice(look.dependents(job.jid), DEPENDENTS_SHOWN)),
    )


def lease(look: Look, job: JobState) -> Lease:
    """Show a job that is leased, to the worker who holds it."""
    return Lease(job.jid, job.token or "", seconds(job.expires_at), _job(job, data=look.text("data", job.jid)))


def entry(at: int, event: str, word: str | None) -> HistoryEntry:
    """Show an entry of a history."""
    return HistoryEntry(
        to_seconds(at),
        event,
        queue=word if event in WITH_QUEUE else None,
        worker=word if event in WITH_WORKER else None,
        group=word if event in WITH_GROUP else None,
    )


def unique(job: JobState) -> Unique | None:
    """Show the unique key of a job."""
    return None if job.unique is None else Unique(job.unique[0], seconds(job.unique[1]))


def worker(look: Look, name: str) -> Worker:
    """Sum a worker up. Raise WorkerNotFound."""
    found = look.record(WORKER, "worker", name)
    if found is None:
        raise WorkerNotFound.about(name)
    running = look.counted("runs", name)
    return Worker(name, running, to_seconds(found.seen_at), found.quiet, found.stop, tuple(found.capabilities))


def _job(
    job: JobState,
    *,
    data: str | None = None,
    result: str | None = None,
    history: tuple[HistoryEntry, ...] = (),
    dependents: tuple[str, ...] = (),
) -> Job:
    return Job(
        jid=job.jid,
        klass=job.klass,
        queue=job.queue,
        state=job.state,
        priority=job.priority,
        tags=tuple(job.tags),
        retries=job.retries,
        remaining=job.remaining,
        losses=job.losses,
        pipeline=tuple(job.pipeline),
        worker=job.worker,
        failure=_failure(job),
        created_at=to_seconds(job.created_at),
        available_at=to_seconds(job.available_at),
        started_at=seconds(job.started_at),
        ended_at=seconds(job.ended_at),
        depends=tuple(job.depends),
        on_parent_end=job.on_parent_end,
        backoff=Backoff.of(job.backoff) if job.backoff else None,
        max_run=seconds(job.max_run),
        expires_in=seconds(job.expires_in),
        unique=unique(job),
        requires=tuple(job.requires),
        key=job.key,
        tracked=job.tracked,
        recurrence=job.recurrence,
        due_at=seconds(job.due_at),
        progress=job.progress,
        data=data,
        result=result,
        history=history,
        dependents=dependents,
    )


def _failure(job: JobState) -> Failure | None:
    if job.failure is None:
        return None
    group, message, at, worker, run = job.failure
    return Failure(group, message, to_seconds(at), worker, run)

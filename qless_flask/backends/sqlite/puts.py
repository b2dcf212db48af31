"""Jobs come in."""

from __future__ import annotations

from collections.abc import Sequence

from qless_flask.backends.sqlite.deletion import delete
from qless_flask.backends.sqlite.record import RUNNING, STATE_NAMES, Record, join
from qless_flask.backends.sqlite.statements import LAST_JOB_ID, NEW_BODY, NEW_TAG
from qless_flask.backends.sqlite.step import Step
from qless_flask.backends.store import to_milliseconds
from qless_flask.errors import JobExists
from qless_flask.models import NewJob, Put


def put(step: Step, jobs: Sequence[NewJob]) -> list[Put]:
    """Add jobs that have their jids, one after the other."""
    batch = _Batch(step)
    answers = [batch.put(job) for job in jobs]
    batch.save()
    return answers


class _Batch:
    """The jobs of one put; their data and tags are saved together."""

    def __init__(self, step: Step) -> None:
        self._step = step
        [last] = step.connection.execute(LAST_JOB_ID).fetchone()
        self._last_id: int = last or 0
        self._jobs: dict[int, NewJob] = {}

    def put(self, job: NewJob) -> Put:
        assert job.jid is not None
        found = self._step.find(job.jid)
        if found is None:
            self._last_id += 1
            return self._add(job, job.jid, self._last_id)
        if job.if_exists == "reject":
            raise JobExists.about(job.jid)
        if job.if_exists == "keep":
            return Put(job.jid, STATE_NAMES[found.state], created=False)
        holder = found.worker if found.state == RUNNING else None
        delete(self._step, [found])
        # The same row again: a walk through the jobs of a tag finds it once.
        return self._add(job, job.jid, found.id, holder)

    def save(self) -> None:
        connection, namespace = self._step.connection, self._step.namespace
        connection.executemany(NEW_BODY, [(number, job.klass, job.data) for number, job in self._jobs.items()])
        tags = [(namespace, tag, number) for number, job in self._jobs.items() for tag in job.tags]
        if tags:
            connection.executemany(NEW_TAG, tags)

    def _add(self, job: NewJob, jid: str, number: int, holder: str | None = None) -> Put:
        step = self._step
        queue = step.known_queue(job.queue)
        record = _record(job, jid, number, step)
        record.queue = queue.id
        step.create(record)
        step.enter(record, queue)
        step.make_available(record, queue, _due(job, step.now))
        step.happened(record, "put", queue, worker=holder)
        self._jobs[number] = job
        return Put(jid, STATE_NAMES[record.state], created=True)


def _due(job: NewJob, now: int) -> int:
    return now + to_milliseconds(job.delay) if job.at is None else to_milliseconds(job.at)


def _record(job: NewJob, jid: str, number: int, step: Step) -> Record:
    return Record(
        id=number,
        namespace=step.namespace,
        jid=jid,
        queue=0,
        state=0,
        ord=0,
        priority=job.priority,
        place=0,
        created_at=step.now,
        available_at=step.now,
        started_at=None,
        ended_at=None,
        retries=job.retries,
        remaining=0,
        losses=0,
        runs=0,
        worker=None,
        token=None,
        expires_at=None,
        settled_token=None,
        settled_as=None,
        settled_state=None,
        failure_group=None,
        tags=join(job.tags),
        pipeline=join(job.pipeline),
        history="",
        options=None,
        later=None,
        start_by=None,
        tracked=0,
        awaited=0,
        progress=None,
    )

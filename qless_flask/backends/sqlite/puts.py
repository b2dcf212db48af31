"""Jobs come in."""

from __future__ import annotations

from collections.abc import Sequence

from qless_flask.backends.sqlite import depends, unique
from qless_flask.backends.sqlite.deletion import delete
from qless_flask.backends.sqlite.ended import end
from qless_flask.backends.sqlite.options import write_options
from qless_flask.backends.sqlite.record import CANCELED, DEPENDS, RUNNING, SCHEDULED, Record, join, state_name
from qless_flask.backends.sqlite.statements import NEW_BODY, NEW_TAG
from qless_flask.backends.sqlite.step import Step
from qless_flask.backends.store import to_milliseconds
from qless_flask.backends.waiting import offers
from qless_flask.errors import JobExists, QuotaExceeded
from qless_flask.models import NewJob, Put


def put(
    step: Step, jobs: Sequence[NewJob], *, recurrence: str | None = None, due: Sequence[float] | None = None
) -> list[Put]:
    """Add jobs that have their jids, one after the other; those of a recurrence each for the time it was due."""
    batch = _Batch(step, recurrence)
    answers = [batch.put(job, due[index] if due else None) for index, job in enumerate(jobs)]
    batch.save()
    return answers


class _Batch:
    """The jobs of one put; their data and tags are saved together."""

    def __init__(self, step: Step, recurrence: str | None) -> None:
        self._step = step
        self._recurrence = recurrence
        self._jobs: dict[int, NewJob] = {}

    def put(self, job: NewJob, due_at: float | None) -> Put:
        assert job.jid is not None
        step, choice = self._step, job.on_parent_end
        holder = unique.holder(step, job.unique.key) if job.unique else None
        if holder and holder.jid != job.jid:
            return Put(holder.jid, state_name(holder.state), created=False)
        found = step.find(job.jid)
        if found and job.if_exists == "reject":
            raise JobExists.about(job.jid)
        if found and job.if_exists == "keep":
            return Put(job.jid, state_name(found.state), created=False)
        parents, canceled = (
            depends.resolve(step, job.jid, job.depends, job.missing, choice) if job.depends else ([], False)
        )
        if found and parents:
            depends.search(step, job.jid, parents)
        record = _record(job, job.jid, step, write_options(job, self._recurrence, due_at))
        worker = self._replace(found, record) if found else None
        self._check_room(job, record)
        self._add(job, record, parents, worker)
        if canceled:
            end(step, record, CANCELED, "canceled")
        return Put(job.jid, state_name(record.state), created=True)

    def save(self) -> None:
        connection, namespace = self._step.connection, self._step.namespace
        connection.executemany(NEW_BODY, [(number, job.klass, job.data) for number, job in self._jobs.items()])
        tags = [(namespace, tag, number) for number, job in self._jobs.items() for tag in job.tags]
        if tags:
            connection.executemany(NEW_TAG, tags)

    def _replace(self, found: Record, record: Record) -> str | None:
        """Delete a job for the sake of a new one; answer who held it."""
        # The same row again: a walk through the jobs of a tag finds it once.
        record.id, record.awaited = found.id, found.awaited
        holder = found.worker if found.state == RUNNING else None
        delete(self._step, [found])
        return holder

    def _check_room(self, job: NewJob, record: Record) -> None:
        """Raise Invalid or QuotaExceeded where a queue takes no more; when what is replaced is out."""
        queue = self._step.queue(job.queue)
        if queue is None:
            return
        if record.requires:
            self._step.lanes.check_sets(queue, record.requires)
        most = self._step.settings_of(queue).max_size
        if most is not None and queue.counts[SCHEDULED] + queue.counts[DEPENDS] + queue.waiting >= most:
            raise QuotaExceeded.about(job.queue)

    def _add(self, job: NewJob, record: Record, parents: Sequence[str], holder: str | None) -> None:
        step = self._step
        queue = step.known_queue(job.queue)
        record.id, record.namespace, record.queue = record.id or step.new_id(), step.namespace, queue.id
        step.create(record)
        step.enter(record, queue)
        if job.unique:
            unique.take(step, record)
        if job.expires_in is not None:
            step.bind(record, step.now + to_milliseconds(job.expires_in))
        if parents:
            record.later = -to_milliseconds(job.delay) if job.at is None else to_milliseconds(job.at)
            step.make_depend(record, queue)
            depends.hold(step, record.jid, parents)
        else:
            step.make_available(record, queue, _due(job, step.now))
        step.happened(record, "put", queue, worker=holder)
        self._jobs[record.id] = job


def _due(job: NewJob, now: int) -> int:
    return now + to_milliseconds(job.delay) if job.at is None else to_milliseconds(job.at)


def _record(job: NewJob, jid: str, step: Step, options: str | None) -> Record:
    return Record(
        id=0,
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
        options=options,
        later=None,
        start_by=None,
        tracked=0,
        awaited=0,
        progress=None,
        requires=None if job.key is None and not job.requires else offers(job.requires),
        key=job.key,
        klass=job.klass,
    )

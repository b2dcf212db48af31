"""Where jobs stand on their way: waiting, scheduled, or waiting for others."""

from __future__ import annotations

from qless_flask.models import Actor
from qless_lmdb.records import JobState
from qless_lmdb.step import Step


def enter(step: Step, job: JobState, queue: str, *, delay: int = 0, at: int | None = None) -> None:
    """Begin a stage: retries and losses renewed, failure, progress and end cleared; where it has to wait, it depends.

    Saved is the job by whoever tells of it, here and below.
    """
    step.know(queue)
    job.queue = queue
    job.remaining = step.settings_of(queue).retries if job.retries is None else job.retries
    job.losses = 0
    job.failure = job.progress = job.ended_at = job.token = None
    if job.depends:
        job.state, job.available_at = "depends", step.now
        job.due_in, job.due_at_unblock = delay or None, at
    else:
        job.due_in = job.due_at_unblock = None
        stand(step, job, step.now + delay if at is None else at)


def stand(step: Step, job: JobState, due: int) -> None:
    """Let a job wait at a new place or, when it is due later, stand among the scheduled."""
    if due > step.now:
        job.state, job.available_at = "scheduled", due
        return
    queue = step.know(job.queue)
    queue.place += 1
    step.save_queue(queue)
    job.place = queue.place
    stand_again(step, job)


def stand_again(step: Step, job: JobState) -> None:
    """Let a job wait at the place that it has."""
    job.state, job.available_at = "waiting", step.now


def unblock(step: Step, job: JobState, actor: Actor | None = None) -> None:
    """Let a job go on that waits for nobody any more."""
    due = step.now + (job.due_in or 0) if job.due_at_unblock is None else job.due_at_unblock
    job.due_in = job.due_at_unblock = None
    stand(step, job, due)
    step.tell(job, "unblocked", actor=actor)


def promote(step: Step, job: JobState) -> None:
    """Make a due job available."""
    stand(step, job, step.now)
    step.tell(job, "promoted")


def end_lease(step: Step, job: JobState) -> str | None:
    """Take the lease of a job away, if there is one; answer its holder."""
    if job.state == "running":
        step.note_run(job, max(0, step.now - (job.started_at or 0)))
        job.token = None
    holder, job.worker, job.expires_at = job.worker, None, None
    return holder

"""What people do to jobs by hand: each does it to one job, or tells why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from qless_flask.backends.numbers import CANCELED_ALONG
from qless_flask.backends.refusals import too_many_open, too_many_tags
from qless_flask.backends.store import to_milliseconds
from qless_flask.bounds import MAX_OPEN_DEPENDS, MAX_TAGS
from qless_flask.errors import HasDependents, JobNotFound, QlessError, WrongState
from qless_flask.models import (
    ENDED,
    Action,
    Actor,
    Cancel,
    Changed,
    Changes,
    Dependents,
    Filter,
    Finish,
    Job,
    Missing,
    Move,
    Timeout,
    Update,
)
from qless_lmdb import shown
from qless_lmdb.ends import cancel, end, failure
from qless_lmdb.leases import time_out
from qless_lmdb.puts import search, wait_for
from qless_lmdb.records import JobState
from qless_lmdb.selection import select
from qless_lmdb.stages import end_lease, enter, unblock
from qless_lmdb.step import Step


def each(step: Step, jids: Sequence[str], action: Action, actor: Actor | None) -> list[Job | QlessError]:
    """Do an action to jobs, one after the other."""
    answers: list[Job | QlessError] = []
    for jid in jids:
        job = step.find(jid)
        answers.append((_do(step, job, action, actor) or shown.listed(job)) if job else JobNotFound.about(jid))
    return answers


def change(step: Step, filter: Filter, action: Action, limit: int, cursor: str | None, actor: Actor | None) -> Changed:
    """Do an action to a page of those that match."""
    page, changed = select(step, filter, cursor, limit), 0
    for read in page.jobs:
        job = step.job(read.jid)
        # An action on one job may have moved another on the page.
        if (job.queue, job.state) == (read.queue, read.state) and not _is_done(job, action):
            changed += _do(step, job, action, actor) is None
    return Changed(len(page.jobs), changed, page.next)


def depend(step: Step, jid: str, on: Sequence[str], off: Sequence[str], missing: Missing, actor: Actor | None) -> Job:
    """Change what a job waits for."""
    job = step.job(jid)
    if job.state not in ("scheduled", "depends", "waiting"):
        raise WrongState.about(jid)
    kept = set(job.depends) - set(off)
    more, canceled = wait_for(step, jid, [name for name in on if name not in kept], missing, job.on_parent_end)
    needs = kept.union(more)
    if len(needs) > MAX_OPEN_DEPENDS:
        raise too_many_open()
    search(step, jid, more)

    job.depends = sorted(needs)
    if needs and job.state != "depends":
        job.due_at_unblock = job.available_at if job.state == "scheduled" else None
        job.state, job.available_at = "depends", step.now
    step.tell(job, "updated", actor=actor)
    if canceled:
        cancel(step, job, actor=actor)
    elif job.state == "depends" and not needs:
        unblock(step, job, actor)
    return shown.listed(job)


def _is_done(job: JobState, action: Action) -> bool:
    if isinstance(action, Move):
        return job.state in ("scheduled", "depends", "waiting") and action.queue in (None, job.queue)
    if isinstance(action, Cancel):
        return job.state == "canceled"
    if isinstance(action, Finish):
        return job.state == action.state
    return isinstance(action, Update) and action.changes == Changes(tracked=job.tracked)


def _do(step: Step, job: JobState, action: Action, actor: Actor | None) -> QlessError | None:
    match action:
        case Cancel():
            return _cancel(step, job, action.dependents, actor)
        case Timeout():
            return _timeout(step, job, actor)
        case Update():
            return _update(step, job, action.changes, actor)
        case Move():
            _move(step, job, action, actor)
        case Finish():
            _finish(step, job, action, actor)
    return None


def _cancel(step: Step, job: JobState, dependents: Dependents, actor: Actor | None) -> QlessError | None:
    if job.state == "canceled":
        return None
    if job.state == "complete":
        return WrongState.about(job.jid)
    waiting = list(islice(step.dependents(job.jid), 11))
    if dependents == "refuse" and waiting:
        return HasDependents.of(job.jid, waiting)
    along = _descendants(step, job.jid) if dependents == "cancel" else []
    if len(along) > CANCELED_ALONG:
        return HasDependents.too_many(job.jid, CANCELED_ALONG)
    for each in [job, *(step.job(jid) for jid in along)]:
        cancel(step, each, actor=actor, telling=dependents == "choice")
    return None


def _descendants(step: Step, jid: str) -> list[str]:
    """List who waits for a job, then who waits for these; one more than may be canceled along shows that it is over."""
    found: dict[str, None] = {}
    level = [jid]
    while level and len(found) <= CANCELED_ALONG:
        most = CANCELED_ALONG + 1
        following = sorted({child for parent in level for child in islice(step.dependents(parent), most)} - {*found})
        found |= dict.fromkeys(following)
        level = following
    return [*found]


def _move(step: Step, job: JobState, action: Move, actor: Actor | None) -> None:
    left, holder = job.queue, end_lease(step, job)
    if job.state in ENDED:
        step.take(job)
    step.unset("result", job.jid)
    enter(step, job, action.queue or job.queue, delay=to_milliseconds(action.delay))
    step.tell(job, "moved", queue=left, worker=holder, actor=actor)


def _finish(step: Step, job: JobState, action: Finish, actor: Actor | None) -> None:
    if job.state == action.state:
        return
    holder, group = end_lease(step, job), action.group if action.state == "failed" else None
    job.failure = failure(step, job, group, action.message, None) if group else None
    step.keep_text(action.result, "result", job.jid)
    end(step, job, action.state, "finished", worker=holder, group=group, actor=actor)


def _timeout(step: Step, job: JobState, actor: Actor | None) -> QlessError | None:
    if job.state != "running":
        return WrongState.about(job.jid)
    time_out(step, job, actor)
    return None


def _update(step: Step, job: JobState, changes: Changes, actor: Actor | None) -> QlessError | None:
    tags = [tag for tag in job.tags if tag not in changes.remove_tags]
    tags += [tag for tag in changes.add_tags if tag not in tags]
    if len(tags) > MAX_TAGS:
        return too_many_tags()
    job.tags = tags
    job.priority = job.priority if changes.priority is None else changes.priority
    step.keep_text(changes.data, "data", job.jid)
    if changes.retries is not None:
        job.retries, job.remaining = changes.retries, min(job.remaining, changes.retries)
    if changes.tracked is None or replace(changes, tracked=None) != Changes():
        step.tell(job, "updated", actor=actor)
    if changes.tracked not in (None, job.tracked):
        job.tracked = not job.tracked
        step.tell(job, "tracked" if job.tracked else "untracked", actor=actor)
    return None

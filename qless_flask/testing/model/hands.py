"""What people do to jobs of the model by hand: each does it to one job, or tells why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
from qless_flask.testing.model import lookups
from qless_flask.testing.model.puts import search, wait_for
from qless_flask.testing.model.records import JobRecord
from qless_flask.testing.model.world import World


def each(world: World, jids: Sequence[str], action: Action, actor: Actor | None) -> list[Job | QlessError]:
    """Do an action to jobs, one after the other."""
    answers: list[Job | QlessError] = []
    for jid in jids:
        job = world.jobs.get(jid)
        answers.append((_do(world, job, action, actor) or job.job()) if job else JobNotFound.about(jid))
    return answers


def change(
    world: World, filter: Filter, action: Action, limit: int, cursor: str | None, actor: Actor | None
) -> Changed:
    """Do an action to a page of those that match."""
    page, changed = lookups.select(world, filter, cursor, limit), 0
    for read in page.jobs:
        job = world.jobs[read.jid]
        if (job.queue, job.state) == (read.queue, read.state) and not _done(job, action):
            changed += _do(world, job, action, actor) is None
    return Changed(len(page.jobs), changed, page.next)


def _done(job: JobRecord, action: Action) -> bool:
    if isinstance(action, Move):
        return job.state in ("scheduled", "depends", "waiting") and action.queue in (None, job.queue)
    if isinstance(action, Cancel):
        return job.state == "canceled"
    if isinstance(action, Finish):
        return job.state == action.state
    return isinstance(action, Update) and action.changes == Changes(tracked=job.tracked)


def _do(world: World, job: JobRecord, action: Action, actor: Actor | None) -> QlessError | None:
    if isinstance(action, Cancel):
        return _cancel(world, job, action.dependents, actor)
    if isinstance(action, Timeout):
        return _timeout(world, job, actor)
    if isinstance(action, Update):
        return _update(world, job, action.changes, actor)
    if isinstance(action, Move):
        _move(world, job, action, actor)
    else:
        _finish(world, job, action, actor)
    return None


def _cancel(world: World, job: JobRecord, dependents: Dependents, actor: Actor | None) -> QlessError | None:
    if job.state == "canceled":
        return None
    if job.state == "complete":
        return WrongState.about(job.jid)
    waiting = world.dependents(job.jid)
    if dependents == "refuse" and waiting:
        return HasDependents.of(job.jid, waiting[:11])
    along = _descendants(world, waiting) if dependents == "cancel" else []
    if len(along) > CANCELED_ALONG:
        return HasDependents.too_many(job.jid, CANCELED_ALONG)
    for each in [job, *(world.jobs[jid] for jid in along)]:
        world.cancel(each, actor=actor, telling=dependents == "choice")
    return None


def _descendants(world: World, level: list[str]) -> list[str]:
    found: list[str] = []
    while level:
        found += level
        level = sorted({jid for parent in level for jid in world.dependents(parent)} - set(found))
    return found


def _move(world: World, job: JobRecord, action: Move, actor: Actor | None) -> None:
    left, holder = job.queue, world.end_lease(job)
    if job.state in ENDED:
        world.take(job)
    job.result = None
    world.enter(job, action.queue or job.queue, delay=to_milliseconds(action.delay))
    world.tell(job, "moved", queue=left, worker=holder, actor=actor)


def _finish(world: World, job: JobRecord, end: Finish, actor: Actor | None) -> None:
    if job.state == end.state:
        return
    holder, group = world.end_lease(job), end.group if end.state == "failed" else None
    job.failure = world.failure(job, group, end.message, None) if group else None
    job.result = job.result if end.result is None else end.result
    world.end(job, end.state, "finished", worker=holder, group=group, actor=actor)


def _timeout(world: World, job: JobRecord, actor: Actor | None) -> QlessError | None:
    if job.state != "running":
        return WrongState.about(job.jid)
    world.time_out(job, actor)
    return None


def _update(world: World, job: JobRecord, changes: Changes, actor: Actor | None) -> QlessError | None:
    tags = [tag for tag in job.tags if tag not in changes.remove_tags]
    tags += [tag for tag in changes.add_tags if tag not in tags]
    if len(tags) > MAX_TAGS:
        return too_many_tags()
    job.tags = tags
    job.priority = job.priority if changes.priority is None else changes.priority
    job.data = job.data if changes.data is None else changes.data
    if changes.retries is not None:
        job.retries, job.remaining = changes.retries, min(job.remaining, changes.retries)
    if changes.tracked is None or replace(changes, tracked=None) != Changes():
        world.tell(job, "updated", actor=actor)
    if changes.tracked not in (None, job.tracked):
        job.tracked = not job.tracked
        world.tell(job, "tracked" if job.tracked else "untracked", actor=actor)
    return None


def depend(
    world: World, job: JobRecord, on: Sequence[str], off: Sequence[str], missing: Missing, actor: Actor | None
) -> None:
    """Change what a job waits for."""
    if job.state not in ("scheduled", "depends", "waiting"):
        raise WrongState.about(job.jid)
    kept = job.needs - set(off)
    more, canceled = wait_for(world, job.jid, [name for name in on if name not in kept], missing, job.on_parent_end)
    needs = kept.union(more)
    if len(needs) > MAX_OPEN_DEPENDS:
        raise too_many_open()
    search(world, job.jid, more)

    job.needs = needs
    if needs and job.state != "depends":
        job.at = job.available if job.state == "scheduled" else None
        job.state, job.available = "depends", world.now
    world.tell(job, "updated", actor=actor)
    if canceled:
        world.cancel(job, actor=actor)
    elif job.state == "depends" and not needs:
        world.unblock(job, actor)

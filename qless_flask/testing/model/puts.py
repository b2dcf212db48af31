"""How the model puts jobs, and finds out what they wait for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qless_flask.backends.numbers import SEARCHED_AT_ONCE
from qless_flask.backends.refusals import search_too_long
from qless_flask.backends.store import to_milliseconds
from qless_flask.errors import DependencyCycle, JobExists, UnknownDependency
from qless_flask.models import Actor, Missing, NewJob, OnParentEnd, Put
from qless_flask.testing.model.limits import check_room
from qless_flask.testing.model.records import JobRecord
from qless_flask.testing.model.world import World


def put(
    world: World,
    new: NewJob,
    *,
    recurrence: str | None = None,
    due: int | None = None,
    actor: Actor | None = None,
) -> Put:
    """Put one job, perhaps that of a recurrence for a time."""
    assert new.jid
    holder, old = world.holder(new.unique.key) if new.unique else None, world.jobs.get(new.jid)
    if holder and holder.jid != new.jid:
        return Put(holder.jid, holder.state, created=False)
    if old and new.if_exists == "reject":
        raise JobExists.about(new.jid)
    if old and new.if_exists == "keep":
        return Put(old.jid, old.state, created=False)
    needs, canceled = wait_for(world, new.jid, new.depends, new.missing, new.on_parent_end)
    if old:
        search(world, new.jid, needs)
    check_room(world, new, old)
    if old:
        delete(world, old)

    job = JobRecord.of(new, new.jid, world.now)
    job.recurrence, job.due, job.needs = recurrence, due, frozenset(needs)
    world.jobs[job.jid] = job
    world.take(job)
    at = None if new.at is None else to_milliseconds(new.at)
    world.enter(job, new.queue, delay=to_milliseconds(new.delay), at=at)
    world.tell(job, "put", worker=old.worker if old else None, actor=actor)
    if canceled:
        world.cancel(job, actor=actor)
    return Put(job.jid, job.state, created=True)


def delete(world: World, job: JobRecord) -> None:
    """Delete a job; those that wait for it do so still."""
    del world.jobs[job.jid]
    world.let_go(job)
    if job.state == "running":
        world.touched.append(job.queue)


def wait_for(
    world: World, jid: str, parents: Iterable[str], missing: Missing, choice: OnParentEnd
) -> tuple[list[str], bool]:
    """Find which of these a job has to wait for, and whether the end of one of them cancels it."""
    needs, canceled = [], False
    for name in parents:
        if name == jid:
            raise DependencyCycle.about(jid)
        parent = world.jobs.get(name)
        if parent is None:
            if missing == "refuse":
                raise UnknownDependency.about(name)
            continue
        over = parent.state in ("failed", "canceled")
        if parent.state == "complete" or (over and choice == "run"):
            continue
        needs.append(name)
        canceled = canceled or (over and choice == "cancel")
    return needs, canceled


def search(world: World, jid: str, needs: Sequence[str]) -> None:
    """Raise DependencyCycle if one of those that a job is to wait for waits for that job in the end."""
    seen, left = set(), list(needs)
    while left:
        name = left.pop(0)
        if name == jid:
            raise DependencyCycle.about(jid)
        if name in seen:
            continue
        seen.add(name)
        if len(seen) > SEARCHED_AT_ONCE:
            raise search_too_long()
        parent = world.jobs.get(name)
        left += sorted(parent.needs) if parent else []

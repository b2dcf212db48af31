"""Jobs go in, and it is found out what they wait for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from qless_flask.backends.numbers import SEARCHED_AT_ONCE
from qless_flask.backends.refusals import search_too_long
from qless_flask.backends.store import to_milliseconds
from qless_flask.errors import DependencyCycle, JobExists, UnknownDependency
from qless_flask.models import Actor, Missing, NewJob, OnParentEnd, Put
from qless_lmdb.ends import cancel
from qless_lmdb.limits import check_room
from qless_lmdb.records import JobState, milliseconds
from qless_lmdb.stages import enter
from qless_lmdb.step import Step


def put(
    step: Step,
    new: NewJob,
    *,
    recurrence: str | None = None,
    due_at: int | None = None,
    actor: Actor | None = None,
) -> Put:
    """Put one job, which has a jid; perhaps that of a recurrence for a time."""
    assert new.jid is not None
    holder, old = step.holder(new.unique.key) if new.unique else None, step.find(new.jid)
    if holder and holder.jid != new.jid:
        return Put(holder.jid, holder.state, created=False)
    if old and new.if_exists == "reject":
        raise JobExists.about(new.jid)
    if old and new.if_exists == "keep":
        return Put(old.jid, old.state, created=False)
    needs, canceled = wait_for(step, new.jid, new.depends, new.missing, new.on_parent_end)
    if old:
        search(step, new.jid, needs)
    check_room(step, new, old)
    if old:
        step.delete(old)

    job = _begin(step, new)
    job.recurrence, job.due_at, job.depends = recurrence, due_at, sorted(needs)
    step.keep_text(new.data, "data", job.jid)
    step.take(job)
    enter(step, job, new.queue, delay=to_milliseconds(new.delay), at=milliseconds(new.at))
    step.tell(job, "put", worker=old.worker if old else None, actor=actor)
    if canceled:
        cancel(step, job, actor=actor)
    return Put(job.jid, job.state, created=True)


def wait_for(
    step: Step, jid: str, parents: Iterable[str], missing: Missing, choice: OnParentEnd
) -> tuple[list[str], bool]:
    """Find which of these a job has to wait for, and whether the end of one of them cancels it."""
    needs, canceled = [], False
    for name in parents:
        if name == jid:
            raise DependencyCycle.about(jid)
        parent = step.find(name)
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


def search(step: Step, jid: str, needs: Sequence[str]) -> None:
    """Raise DependencyCycle if one of those that a job is to wait for waits for that job in the end."""
    seen: set[str] = set()
    left = deque(needs)
    while left:
        name = left.popleft()
        if name == jid:
            raise DependencyCycle.about(jid)
        if name in seen:
            continue
        seen.add(name)
        if len(seen) > SEARCHED_AT_ONCE:
            raise search_too_long()
        parent = step.find(name)
        left += parent.depends if parent else ()


def _begin(step: Step, new: NewJob) -> JobState:
    expires_in = milliseconds(new.expires_in)
    return JobState(
        jid=new.jid or "",
        klass=new.klass,
        queue=new.queue,
        priority=new.priority,
        tags=list(new.tags),
        retries=new.retries,
        pipeline=list(new.pipeline),
        created_at=step.now,
        on_parent_end=new.on_parent_end,
        backoff=new.backoff.as_message() if new.backoff else None,
        max_run=milliseconds(new.max_run),
        expires_in=expires_in,
        start_by=None if expires_in is None else step.now + expires_in,
        unique=(new.unique.key, milliseconds(new.unique.seconds)) if new.unique else None,
        requires=list(new.requires),
        key=new.key,
    )

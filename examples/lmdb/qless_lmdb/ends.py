"""Jobs come to an end, and those that wait for them are told: in bounded steps, and none is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from qless_flask.models import ENDED, Actor, State
from qless_lmdb.look import Look
from qless_lmdb.records import COUNT, UNTOLD, JobState, Untold, encode
from qless_lmdb.stages import end_lease, unblock
from qless_lmdb.step import Step

Failure = tuple[str, str, int, str | None, int]


def end(
    step: Step,
    job: JobState,
    state: State,
    event: str,
    *,
    worker: str | None = None,
    group: str | None = None,
    actor: Actor | None = None,
    telling: bool = True,
) -> None:
    """End a job, whose lease and failure are seen to, and tell its dependents."""
    job.state, job.ended_at = state, step.now
    job.depends = []
    job.due_in = job.due_at_unblock = job.start_by = None
    if state != "canceled":
        job.token = None
    if job.unique and (job.unique[1] is None or state == "canceled"):
        step.let_go(job)
    step.tell(job, event, worker=worker, group=group, actor=actor)
    if telling:
        # It may have ended before, with some still untold: it stands behind all others now.
        forget_untold(step, job.jid)
        step.tellings -= _tell(step, [Untold(jid=job.jid)], step.tellings, actor)


def fail(step: Step, job: JobState, failure: Failure, *, event: str = "failed", actor: Actor | None = None) -> None:
    """End a job as failed."""
    job.failure = failure
    group, _, _, worker, _ = failure
    end(step, job, "failed", event, worker=worker, group=group, actor=actor)


def failure(step: Step, job: JobState, group: str, message: str, worker: str | None) -> Failure:
    """Describe how the latest run of a job went wrong."""
    return group, message, step.now, worker, job.runs


def expire(step: Step, job: JobState) -> None:
    """Fail a job that nobody popped in time."""
    fail(step, job, failure(step, job, "expired", "", None), event="expired")


def cancel(step: Step, job: JobState, *, actor: Actor | None = None, telling: bool = True) -> None:
    """End a job as canceled; its last holder is told so by the token that stays."""
    token = job.token if job.state == "running" else None
    holder = end_lease(step, job)
    job.token = token
    end(step, job, "canceled", "canceled", worker=holder, actor=actor, telling=telling)


# Those who wait


def left_to_tell(look: Look) -> Iterator[tuple[int, Untold]]:
    """List those who have not told all their dependents, the longest first, each with its number."""
    return ((int(number), UNTOLD.decode(value)) for (number,), value in look.walk("untold"))


def tell_left(step: Step, most: int) -> int:
    """Tell up to `most` of those dependents that are left from operations before; tell how many."""
    told = 0
    while told < most and (first := next(left_to_tell(step), None)):
        _, untold = first
        forget_untold(step, untold.jid)
        told += _tell(step, [untold], most - told, None, first)
    return told


def remember_untold(step: Step, untold: Untold, number: int | None = None) -> None:
    """Let a job tell its dependents later; in its turn, if it has a number already."""
    if number is None or number > step.itself.untold:
        step.itself.untold = number = step.itself.untold + 1 if number is None else number
        step.save_itself()
    step.set(untold.encoded(), "untold", number)
    step.set(encode(number), "untold number", untold.jid)


def forget_untold(step: Step, jid: str) -> None:
    """Leave those alone that a job has not told yet."""
    number = step.record(COUNT, "untold number", jid)
    if number is not None:
        step.unset("untold", number)
        step.unset("untold number", jid)


def _tell(
    step: Step, line: list[Untold], most: int, actor: Actor | None, first: tuple[int, Untold] | None = None
) -> int:
    """Tell dependents, those canceled telling theirs in turn; who is left over is remembered."""
    told = 0
    while line:
        untold = line.pop(0)
        parent = step.find(untold.jid)
        if parent is None or parent.state not in ENDED:
            continue
        # One more than may be told shows whether anybody is left.
        children = list(islice(step.dependents(untold.jid, untold.after), most - told + 1))
        for jid in children[: most - told]:
            told, untold.after = told + 1, jid
            child = step.job(jid)
            _tell_one(step, parent, child, actor)
            if child.state == "canceled":
                line.append(Untold(jid=jid))
        if children and untold.after != children[-1]:
            remember_untold(step, untold, first[0] if first and first[1].jid == untold.jid else None)
    return told


def _tell_one(step: Step, parent: JobState, child: JobState, actor: Actor | None) -> None:
    if parent.state == "complete" or child.on_parent_end == "run":
        child.depends = [jid for jid in child.depends if jid != parent.jid]
        if child.depends:
            step.save(child)
        else:
            unblock(step, child, actor)
    elif child.on_parent_end == "cancel":
        cancel(step, child, actor=actor, telling=False)

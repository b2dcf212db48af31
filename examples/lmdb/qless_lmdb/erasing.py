"""A namespace deleted, in bounded steps."""

from __future__ import annotations

from itertools import islice

from qless_flask.errors import NotEmpty
from qless_flask.models import Actor, Erased
from qless_lmdb.records import EventState
from qless_lmdb.step import Step


def erase(step: Step, name: str, confirmed: bool, limit: int, actor: Actor | None) -> Erased:
    """Delete up to so many jobs or, once there are none, as many other keys; then it is unknown."""
    if step.number is None:
        return Erased(0, None)
    jobs = [str(jid) for (jid,), _ in step.walk("job", most=limit)]
    if not step.itself.erasing:
        if not confirmed and (jobs or next(step.walk("recurrence"), None)):
            raise NotEmpty.namespace(name)
        step.itself.frozen = step.itself.erasing = True
        step.log(EventState(at=step.now, event="erased"), actor)
    for jid in jobs:
        step.delete(step.job(jid))
    if jobs:
        return Erased(len(jobs), "jobs")
    return _erase_rest(step, limit)


def _erase_rest(step: Step, limit: int) -> Erased:
    """Delete what are no jobs; last what says that the namespace is being erased."""
    others = [key for key, _ in islice(step.walk(), limit + 1) if key != ("itself",)][:limit]
    for key in others:
        step.unset(*key)
    if next((key for key, _ in step.walk(most=2) if key != ("itself",)), None):
        return Erased(len(others), "rest")
    step.unset("itself")
    step.end_namespace()
    return Erased(len(others) + 1, None)

"""A namespace deleted, in bounded steps."""

from __future__ import annotations

from qless_flask.backends.sqlite.erase_statements import (
    DELETE_NAMESPACE,
    HAS_JOBS,
    HAS_RECURRENCES,
    OF_NAMESPACE,
    OF_QUEUE,
    QUEUE_IDS,
    SOME_JOBS,
)
from qless_flask.backends.sqlite.figure_statements import SET_ERASING
from qless_flask.backends.sqlite.freezing import is_being_erased
from qless_flask.backends.sqlite.statements import (
    DELETE_BODY,
    DELETE_FAILURE,
    DELETE_JOB,
    DELETE_LINES,
    DELETE_RESULT,
)
from qless_flask.backends.sqlite.step import Step
from qless_flask.errors import NotEmpty
from qless_flask.models import Actor, Erased

_GO_ON = "on"
"""The cursor: what is left is found in any case."""


def erase(step: Step, confirmed: bool, limit: int, actor: Actor | None) -> Erased:
    """Delete about `limit` rows. Raise NotEmpty where jobs or recurrences are there and it is not confirmed."""
    if not step.namespace:
        return Erased(0, None)
    if not is_being_erased(step):
        asked = (step.connection.execute(each, (step.namespace,)).fetchone() for each in (HAS_JOBS, HAS_RECURRENCES))
        if not confirmed and any(asked):
            raise NotEmpty.namespace(step.name)
        step.connection.execute(SET_ERASING, (step.namespace,))
        step.tell("erased", None, actor=actor)
        # The event is written when the step is done: what it stands in goes with the next.
        return Erased(0, _GO_ON)
    deleted = _delete_jobs(step, limit)
    for statement in OF_NAMESPACE:
        if deleted < limit:
            deleted += step.connection.execute(statement, (step.namespace, limit - deleted)).rowcount
    for (queue,) in step.connection.execute(QUEUE_IDS, (step.namespace,)).fetchall():
        for statement in OF_QUEUE:
            if deleted < limit:
                deleted += step.connection.execute(statement, (queue, limit - deleted)).rowcount
    if deleted == limit:
        return Erased(deleted, _GO_ON)
    step.connection.execute(DELETE_NAMESPACE, (step.namespace,))
    step.workers_replaced = True
    return Erased(deleted, None)


def _delete_jobs(step: Step, limit: int) -> int:
    ids = step.connection.execute(SOME_JOBS, (step.namespace, limit)).fetchall()
    for statement in (DELETE_BODY, DELETE_FAILURE, DELETE_LINES, DELETE_RESULT, DELETE_JOB):
        step.connection.executemany(statement, ids)
    return len(ids)

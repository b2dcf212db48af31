"""An action done to all jobs that match a filter, a page at a time."""

from __future__ import annotations

from qless_flask.backends.sqlite import hands
from qless_flask.backends.sqlite.record import state_name
from qless_flask.backends.sqlite.selection import select
from qless_flask.backends.sqlite.step import Step
from qless_flask.errors import QlessError
from qless_flask.models import (
    Action,
    Actor,
    Cancel,
    Changed,
    Changes,
    Filter,
    Finish,
    Job,
    Move,
    State,
    Timeout,
    Update,
)

ON_THE_WAY: frozenset[State] = frozenset({"scheduled", "depends", "waiting"})


def change(step: Step, filter: Filter, action: Action, limit: int, cursor: str | None, actor: Actor | None) -> Changed:
    """Do an action to the jobs of one page, in its order. Raise Invalid for a cursor that is none."""
    page = select(step, filter, cursor, limit)
    # What happens to one may have changed those that follow: a job canceled along is done with.
    changed = [_do(step, job, action, actor) for job in page.jobs if _stands(step, job) and not _is_so(job, action)]
    return Changed(len(page.jobs), sum(not isinstance(answer, QlessError) for answer in changed), page.next)


def _stands(step: Step, job: Job) -> bool:
    record = step.find(job.jid)
    return record is not None and state_name(record.state) == job.state and step.queue_of(record).name == job.queue


def _is_so(job: Job, action: Action) -> bool:
    """Tell whether an action would leave a job as it is."""
    if isinstance(action, Move):
        return job.state in ON_THE_WAY and action.queue in (None, job.queue)
    if isinstance(action, Cancel):
        return job.state == "canceled"
    if isinstance(action, Finish):
        return job.state == action.state
    return isinstance(action, Update) and action.changes == Changes(tracked=job.tracked)


def _do(step: Step, job: Job, action: Action, actor: Actor | None) -> Job | QlessError:
    jids = [job.jid]
    match action:
        case Move():
            answers = hands.move(step, jids, action.queue or job.queue, action.delay, actor)
        case Cancel():
            answers = hands.cancel(step, jids, action.dependents, actor)
        case Update():
            answers = hands.update(step, jids, action.changes, actor)
        case Timeout():
            answers = hands.timeout(step, jids, actor)
        case Finish():
            answers = hands.finish(step, jids, action, actor)
    return answers[0]

"""The queues that are ours: what trackers do later waits in them, and nobody else puts there or pops from there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qless_flask.bounds import OWN_QUEUES, Checks
from qless_flask.errors import Invalid
from qless_flask.models import NewJob

_RESERVED = f"names that begin with {OWN_QUEUES} are reserved"
_NOT_IN_IT = f"{_RESERVED}: only what is in it already can be moved into it"


def is_own(queue: object) -> bool:
    """Tell whether a queue is one of ours, by its name."""
    return isinstance(queue, str) and queue.startswith(OWN_QUEUES)


def refuse_puts(jobs: Sequence[NewJob], places: str) -> None:
    """Raise Invalid if any of these jobs would come into a queue of ours, now or at a later stage."""
    check = Checks()
    for number, job in enumerate(jobs):
        if is_own(job.queue):
            check.wrong(f"{places.format(number)}.queue", _RESERVED)
        for stage, queue in enumerate(job.pipeline):
            if is_own(queue):
                check.wrong(f"{places.format(number)}.pipeline.{stage}", _RESERVED)
    check.done()


def refuse_pop(queues: Iterable[object]) -> None:
    """Raise Invalid if any of these queues is ours."""
    check = Checks()
    for number, queue in enumerate(queues):
        if is_own(queue):
            check.wrong(f"queues.{number}", _RESERVED)
    check.done()


def refuse_next(queue: str) -> None:
    """Raise Invalid for a next stage that is a queue of ours."""
    if is_own(queue):
        raise Invalid.of({"next": [_RESERVED]})


def not_in_it() -> Invalid:
    """Build the error for jobs that are to be moved into a queue of ours, and are not in it."""
    return Invalid.of({"queue": [_NOT_IN_IT]})

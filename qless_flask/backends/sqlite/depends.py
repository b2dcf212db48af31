"""What a job waits for: found out, searched for cycles, and kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from qless_flask.backends.numbers import SEARCHED_AT_ONCE
from qless_flask.backends.refusals import search_too_long
from qless_flask.backends.sqlite.record import CANCELED, COMPLETE, FAILED
from qless_flask.backends.sqlite.statements import DEPENDENTS, DEPENDS_ON, DROP_DEPENDENCIES, NEW_DEPENDENCY
from qless_flask.backends.sqlite.step import Step
from qless_flask.errors import DependencyCycle, UnknownDependency
from qless_flask.models import Missing, OnParentEnd


def resolve(
    step: Step, jid: str, parents: Iterable[str], missing: Missing, choice: OnParentEnd
) -> tuple[list[str], bool]:
    """Find which of these a job has to wait for, and whether the end of one of them cancels it.

    Raise DependencyCycle or UnknownDependency.
    """
    found, canceled = [], False
    for name in parents:
        if name == jid:
            raise DependencyCycle.about(jid)
        parent = step.find(name)
        if parent is None:
            if missing == "refuse":
                raise UnknownDependency.about(name)
            continue
        over = parent.state in (FAILED, CANCELED)
        if parent.state == COMPLETE or (over and choice == "run"):
            continue
        found.append(name)
        canceled = canceled or (over and choice == "cancel")
    return found, canceled


def search(step: Step, jid: str, parents: Sequence[str]) -> None:
    """Raise DependencyCycle if one of those that a job is to wait for waits for that job in the end."""
    line, seen, visited = deque(parents), set(parents), 0
    while line:
        name = line.popleft()
        if name == jid:
            raise DependencyCycle.about(jid)
        visited += 1
        if visited > SEARCHED_AT_ONCE:
            raise search_too_long()
        following = [each for each in open_of(step, name) if each not in seen]
        seen.update(following)
        line.extend(following)


def open_of(step: Step, jid: str) -> list[str]:
    """List what a job waits for still, by jid."""
    return [name for (name,) in step.connection.execute(DEPENDS_ON, (step.namespace, jid))]


def dependents(step: Step, jid: str, limit: int) -> list[str]:
    """List who waits for a job, by jid."""
    return [name for (name,) in step.connection.execute(DEPENDENTS, (step.namespace, jid, "", limit))]


def is_open(step: Step, jid: str) -> bool:
    """Tell whether a job waits for anything still."""
    return step.connection.execute(DEPENDS_ON, (step.namespace, jid)).fetchone() is not None


def hold(step: Step, jid: str, parents: Sequence[str]) -> None:
    """Let a job wait for others, which are there."""
    step.connection.executemany(NEW_DEPENDENCY, [(step.namespace, name, jid) for name in parents])
    for name in parents:
        parent = step.record(name)
        if not parent.awaited:
            parent.awaited = 1
            step.touch(parent)


def drop(step: Step, jid: str) -> None:
    """Let a job wait for nothing."""
    step.connection.execute(DROP_DEPENDENCIES, (step.namespace, jid))

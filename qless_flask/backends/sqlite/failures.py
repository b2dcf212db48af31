"""The groups that failed jobs are in, summed up from their figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from qless_flask.backends.sqlite.figure_statements import FIRST_FAILED, LAST_FAILED, NEXT_FAILURE_GROUP, TOUCHED
from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.store import to_seconds
from qless_flask.models import FailureGroup


def failures(look: Look, groups: Sequence[str] | None, after: str | None, limit: int) -> list[FailureGroup]:
    """Sum up the groups, by name; or those named that a failed job is in."""
    names = groups if groups is not None else islice(_names(look, after or ""), limit)
    return [found for name in names if (found := _group(look, name))]


def _names(look: Look, after: str) -> Iterator[str]:
    """The groups by name; one seek each, however many queues and klasses they touch."""
    while row := look.connection.execute(NEXT_FAILURE_GROUP, (look.namespace, after)).fetchone():
        [after] = row
        yield after


def _group(look: Look, name: str) -> FailureGroup | None:
    key = (look.namespace, name)
    touched = look.connection.execute(TOUCHED, key).fetchall()
    if not touched:
        return None
    [first_at] = look.connection.execute(FIRST_FAILED, key).fetchone()
    [last_at] = look.connection.execute(LAST_FAILED, key).fetchone()
    return FailureGroup(
        name,
        count=sum(jobs for kind, _, jobs in touched if kind == "queue"),
        first_at=to_seconds(first_at),
        last_at=to_seconds(last_at),
        queues=tuple(each for kind, each, _ in touched if kind == "queue"),
        klasses=tuple(each for kind, each, _ in touched if kind == "klass"),
    )

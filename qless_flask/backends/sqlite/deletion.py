"""Jobs deleted everywhere: record, data, failure, tags and log, and whatever else there is of them."""

from __future__ import annotations

from collections.abc import Sequence

from qless_flask.backends.sqlite import depends, unique
from qless_flask.backends.sqlite.ended import forget_untold
from qless_flask.backends.sqlite.record import DEPENDS, Record, split
from qless_flask.backends.sqlite.statements import (
    DELETE_BODY,
    DELETE_FAILURE,
    DELETE_JOB,
    DELETE_LINES,
    DELETE_RESULT,
    DELETE_TAG,
)
from qless_flask.backends.sqlite.step import Step


def delete(step: Step, records: Sequence[Record]) -> None:
    """Delete jobs and all that belongs to them, and count them out; those that wait for them do so still."""
    ids = [(record.id,) for record in records]
    tags = [(record.namespace, tag, record.id) for record in records for tag in split(record.tags)]
    for record in records:
        if record.state == DEPENDS:
            depends.drop(step, record.jid)
        if record.options:
            unique.let_go(step, record, for_good=True)
        if record.awaited:
            forget_untold(step, record.jid)
        step.drop(record)
    for statement in (DELETE_JOB, DELETE_BODY, DELETE_FAILURE, DELETE_LINES, DELETE_RESULT):
        step.connection.executemany(statement, ids)
    step.connection.executemany(DELETE_TAG, tags)

"""Jobs deleted everywhere: record, data, failure, tags and log."""

from __future__ import annotations

from collections.abc import Sequence

from qless_flask.backends.sqlite.record import Record, split
from qless_flask.backends.sqlite.statements import DELETE_BODY, DELETE_FAILURE, DELETE_JOB, DELETE_LINES, DELETE_TAG
from qless_flask.backends.sqlite.step import Step


def delete(step: Step, records: Sequence[Record]) -> None:
    """Delete jobs and all that belongs to them, and count them out."""
    ids = [(record.id,) for record in records]
    tags = [(record.namespace, tag, record.id) for record in records for tag in split(record.tags)]
    for record in records:
        step.drop(record)
    for statement in (DELETE_JOB, DELETE_BODY, DELETE_FAILURE, DELETE_LINES):
        step.connection.executemany(statement, ids)
    step.connection.executemany(DELETE_TAG, tags)

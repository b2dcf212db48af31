"""The log of a job: what its workers had to say."""

from __future__ import annotations

from qless_flask.backends.numbers import LOG_BYTES, LOG_LINES
from qless_flask.backends.sqlite.leases import held
from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.sqlite.statements import JOB_ID, LINE_SIZES, LINES, NEW_LINE, TRIM_LINES
from qless_flask.backends.sqlite.step import Step
from qless_flask.backends.store import to_seconds
from qless_flask.errors import JobNotFound
from qless_flask.models import Lease, LogLine


def log(step: Step, lease: Lease, message: str, data: str | None) -> None:
    """Add a line; the oldest go where there are too many or their text is too much."""
    record = held(step, lease)
    sizes = step.connection.execute(LINE_SIZES, (record.id,)).fetchall()
    number, size = sizes[0][0] + 1 if sizes else 1, len(message.encode()) + len((data or "").encode())
    step.connection.execute(NEW_LINE, (record.id, number, step.now, size, message, data))
    first, total = number, size
    for older, older_size in sizes[: LOG_LINES - 1]:
        total += older_size
        if total > LOG_BYTES:
            break
        first = older
    step.connection.execute(TRIM_LINES, (record.id, first))


def lines(look: Look, jid: str) -> list[LogLine]:
    """Read the log, oldest line first. Raise JobNotFound."""
    found = look.connection.execute(JOB_ID, (look.namespace, jid)).fetchone()
    if found is None:
        raise JobNotFound.about(jid)
    return [LogLine(to_seconds(at), message, data) for at, message, data in look.connection.execute(LINES, found)]

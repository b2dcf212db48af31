"""Jobs as look-ups show them, with what stands about them in other tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qless_flask.backends.numbers import DEPENDENTS_SHOWN
from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.sqlite.record import Record, Value, read_job
from qless_flask.backends.sqlite.statements import DEPENDENTS, DEPENDS_ON, LISTED, RESULT
from qless_flask.models import Job

ID = list(Record.__dataclass_fields__).index("id")
AWAITED = list(Record.__dataclass_fields__).index("awaited")


def listed(look: Look, row: Sequence[Value]) -> Job:
    """Show a job as lists do, from its row as they select it."""
    job = read_job(row)
    return replace(job, depends=_open(look, job)) if job.state == "depends" else job


def listed_by_jid(look: Look, jid: str) -> Job:
    """Show a job that is there as lists do."""
    return listed(look, look.connection.execute(LISTED, (look.namespace, jid)).fetchone())


def whole(look: Look, row: Sequence[Value]) -> Job:
    """Show all of a job."""
    job = read_job(row, history=True)
    result = look.connection.execute(RESULT, (row[ID],)).fetchone()
    if result:
        job = replace(job, result=result[0])
    if job.state == "depends":
        job = replace(job, depends=_open(look, job))
    if row[AWAITED]:
        found = look.connection.execute(DEPENDENTS, (look.namespace, job.jid, "", DEPENDENTS_SHOWN))
        job = replace(job, dependents=tuple(jid for (jid,) in found))
    return job


def _open(look: Look, job: Job) -> tuple[str, ...]:
    return tuple(jid for (jid,) in look.connection.execute(DEPENDS_ON, (look.namespace, job.jid)))

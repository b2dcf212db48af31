"""Jobs to put, as lib/put.lua takes them, and what became of them."""

from __future__ import annotations

from typing import cast

from qless_flask.backends.redis.options import write_options
from qless_flask.backends.redis.records import STATES
from qless_flask.backends.redis.scripts import Argument
from qless_flask.backends.store import to_milliseconds
from qless_flask.models import NewJob, Put


def put_arguments(job: NewJob, recurrence: str | None = None, due_at: float | None = None) -> list[Argument]:
    """Write the eight arguments of a job that has a jid, perhaps of a recurrence and for a time (Unix seconds)."""
    due = f"a{to_milliseconds(job.at)}" if job.at is not None else write_delay(job.delay)
    options = write_options(job, recurrence, due_at)
    if job.depends:
        options = "\1" + "\t".join((job.missing, *job.depends)) + "\n" + options
    return [cast(str, job.jid), job.queue, job.klass, job.data, job.priority or "", due, job.if_exists, options]


def read_put(job: NewJob, answer: bytes) -> Put:
    """Read what became of a job: its state's letter, 1 if it was created, and who holds its key if another does."""
    word = answer.decode()
    return Put(word[2:] or cast(str, job.jid), STATES[word[0]], word[1] == "1")


def write_delay(seconds: float) -> str:
    """Write a delay from now: '' for none."""
    return f"d{to_milliseconds(seconds)}" if seconds else ""

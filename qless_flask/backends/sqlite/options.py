"""What is seldom said when a job is put, and stays as it was said: one column holds it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import lru_cache

import msgspec

from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.models import Backoff, NewJob, OnParentEnd, Unique


@dataclass(frozen=True, slots=True)
class Options:
    """As in Job."""

    _: KW_ONLY
    on_parent_end: OnParentEnd = "wait"
    backoff: Backoff | None = None
    max_run: float | None = None
    expires_in: float | None = None
    unique: Unique | None = None
    recurrence: str | None = None
    due_at: float | None = None


NO_OPTIONS = Options()
_PLAIN = ("wait", None, None, None, None, None)


@lru_cache(maxsize=1_000)
def read_options(text: str | None) -> Options:
    """Take the options out of their column."""
    return msgspec.json.decode(text, type=Options) if text else NO_OPTIONS


def write_options(job: NewJob, recurrence: str | None, due_at: float | None) -> str | None:
    """Put those that differ from the defaults into one column."""
    if (job.on_parent_end, job.backoff, job.max_run, job.expires_in, job.unique, recurrence) == _PLAIN:
        return None
    said = {
        "on_parent_end": None if job.on_parent_end == "wait" else job.on_parent_end,
        "backoff": job.backoff,
        "max_run": _exact(job.max_run),
        "expires_in": _exact(job.expires_in),
        "unique": job.unique,
        "recurrence": recurrence,
        "due_at": _exact(due_at),
    }
    return msgspec.json.encode({name: value for name, value in said.items() if value is not None}).decode()


def _exact(seconds: float | None) -> float | None:
    return None if seconds is None else to_seconds(to_milliseconds(seconds))

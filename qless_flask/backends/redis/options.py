"""What only some jobs have, packed in lines as lib/options.lua reads them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.backends.waiting import offers
from qless_flask.models import Backoff, NewJob, OnParentEnd, Unique

_LETTERS: dict[OnParentEnd, str] = {"wait": "", "cancel": "c", "run": "r"}
_CHOICES: dict[str, OnParentEnd] = {letter: choice for choice, letter in _LETTERS.items()}

_LANE = "q"
"""What stands before the letter of the choice where what the job requires, and its key, follow at the end."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a job; those that most don't have are as they are where there are none."""

    tags: tuple[str, ...] = ()
    pipeline: tuple[str, ...] = ()
    retries: int | None = None
    on_parent_end: OnParentEnd = "wait"
    max_run: float | None = None
    expires_in: float | None = None
    unique: Unique | None = None
    recurrence: str | None = None
    due_at: float | None = None
    backoff: Backoff | None = None
    requires: tuple[str, ...] = ()
    key: str | None = None


_NONE = Options()


def write_options(job: NewJob, recurrence: str | None = None, due_at: float | None = None) -> str:
    """Write the options of a job to put, perhaps of a recurrence and for a time: '' where it has none."""
    life = _life(job, recurrence, due_at)
    if not job.tags and not job.pipeline and job.retries is None and not life:
        return ""
    retries = "" if job.retries is None else str(job.retries)
    lines = ["\t".join(job.tags), ",".join(job.pipeline), retries]
    return "\n".join(lines + life)


def read_options(packed: bytes) -> Options:
    """Read the options of a job: b"" where it has none."""
    if not packed:
        return _NONE
    tags, pipeline, retries, *life = packed.decode().split("\n")
    plain = (
        tuple(tags.split("\t")) if tags else (),
        tuple(pipeline.split(",")) if pipeline else (),
        int(retries) if retries else None,
    )
    if not life:
        return Options(*plain)
    choice, max_run, expires_in, unique, recurrence, backoff, *lane = life
    requires, key = lane or ("", "")
    id, _, due = recurrence.partition("\t")
    return Options(
        *plain,
        on_parent_end=_CHOICES[choice.removeprefix(_LANE)],
        max_run=_read_time(max_run),
        expires_in=_read_time(expires_in),
        unique=_read_unique(unique) if unique else None,
        recurrence=id or None,
        due_at=_read_time(due),
        backoff=Backoff.of(json.loads(backoff)) if backoff else None,
        requires=tuple(requires.split("\x1f")) if requires else (),
        key=key or None,
    )


def _life(job: NewJob, recurrence: str | None, due_at: float | None) -> list[str]:
    unique = job.unique
    life = [
        _LETTERS[job.on_parent_end],
        _write_time(job.max_run),
        _write_time(job.expires_in),
        f"{_write_time(unique.seconds)}\t{unique.key}" if unique else "",
        f"{recurrence}\t{_write_time(due_at)}" if recurrence else "",
        json.dumps(job.backoff.as_message()) if job.backoff else "",
    ]
    if job.requires or job.key is not None:
        life = [_LANE + life[0], *life[1:], offers(job.requires), job.key or ""]
    return life if any(life) else []


def _write_time(seconds: float | None) -> str:
    return "" if seconds is None else str(to_milliseconds(seconds))


def _read_time(text: str) -> float | None:
    return to_seconds(int(text)) if text else None


def _read_unique(text: str) -> Unique:
    seconds, _, key = text.partition("\t")
    return Unique(key, _read_time(seconds))

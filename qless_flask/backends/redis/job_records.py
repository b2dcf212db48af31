"""Jobs as the records that all stores share, read from what scripts keep of them and written as scripts keep it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from qless_flask.backends.redis.options import write_options
from qless_flask.backends.redis.records import EVENTS, LETTERS, STATES, read_line, read_record
from qless_flask.backends.redis.scripts import Argument
from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.models import Backoff, Failure, JobRecord, NewJob, Unique

NEVER = "9007199254740991"
"""The expiry of a lease that has none, as lib/record.lua has it."""
INLINE_BYTES = 512
"""Data up to there stands in the record itself, as there."""
_EVENT_LETTERS = {event: letter for letter, event in EVENTS.items()}
_SETTLED = {"c": "complete", "r": "retry", "f": "fail", "l": "release"}
_SETTLED_LETTERS = {kind: letter for letter, kind in _SETTLED.items()}
_PRIORITY_STEP = 1 << 44


def read_job_record(row: Any) -> JobRecord:
    """Read a job as dump.lua answers it."""
    jid, text, options, failure, needs, progress, payload, result, expires, holder, lines = row
    name = jid.decode()
    whole = read_record(name, text, options, failure, needs, progress, data=payload, result=result, history=True)
    job, flags = whole.job, text.split(b"\n", 1)[0].rpartition(b"\t")[2]
    ran = text.split(b"\n", 2)[1].decode()
    runs, _, _, _, _, _, last, answer = ran.split("\t") if ran else ("0", "", "", "", "", "", "", "")
    due = needs.split(b"\t")[0].decode()
    start_by = cast(float, job.expires_in) + job.created_at if b"x" in flags else None
    return JobRecord(
        jid=name,
        klass=job.klass,
        queue=job.queue,
        state=job.state,
        priority=job.priority,
        place=whole.place if job.state in ("waiting", "running") else 0,
        created_at=to_milliseconds(job.created_at),
        available_at=to_milliseconds(job.available_at),
        started_at=_milliseconds(job.started_at),
        ended_at=_milliseconds(job.ended_at),
        remaining=job.remaining,
        losses=job.losses,
        runs=int(runs),
        worker=job.worker,
        token=(whole.token or None) if job.state in ("running", "canceled") else None,
        expires_at=int(expires) if expires and expires.decode() != NEVER else None,
        settled=(last, _SETTLED[answer[0]], STATES[answer[1]]) if answer else None,  # type: ignore[arg-type]
        failure=_failure(job.failure),
        history=[
            (to_milliseconds(each.at), each.event, each.queue or each.worker or each.group) for each in job.history
        ],
        log=[(to_milliseconds(each.at), each.message, each.data) for each in map(read_line, lines)],
        tags=list(job.tags),
        retries=job.retries,
        pipeline=list(job.pipeline),
        depends=list(job.depends),
        due_in=(int(due[1:]) or None) if due.startswith("d") else None,
        due_at_unblock=int(due[1:]) if due.startswith("a") else None,
        on_parent_end=job.on_parent_end,
        backoff=job.backoff.as_message() if job.backoff else None,
        max_run=_milliseconds(job.max_run),
        expires_in=_milliseconds(job.expires_in),
        start_by=_milliseconds(start_by),
        unique=(job.unique.key, _milliseconds(job.unique.seconds)) if job.unique else None,
        holds_unique=job.unique is not None and holder == jid,
        requires=list(job.requires),
        key=job.key,
        tracked=job.tracked,
        recurrence=job.recurrence,
        due_at=_milliseconds(job.due_at),
        progress=job.progress,
        data=cast(str, job.data),
        result=job.result,
    )


def job_arguments(record: JobRecord) -> list[Argument]:
    """Write a job as lib/loaded_job.lua takes it."""
    options = _options(record)
    failure, needs = _write_failure(record), _write_needs(record)
    inline = record.data if len(record.data.encode()) <= INLINE_BYTES else ""
    flags = "".join(letter for letter, there in _flags(record, options, bool(inline)) if there)
    return [
        record.jid,
        "\n".join((_head(record, flags), _ran(record), _history(record), record.klass, inline)),
        options,
        failure,
        needs,
        record.progress or "",
        "" if inline else record.data,
        record.result or "",
        _score(record),
        "1" if record.holds_unique else "",
        *(f"{at}\t{len(message.encode())}\t{message}{data or ''}" for at, message, data in record.log),
    ]


def _flags(record: JobRecord, options: str, inline: bool) -> Iterator[tuple[str, object]]:
    yield "o", options
    yield "k", record.tags
    yield "m", record.max_run is not None
    yield "u", record.unique
    yield "q", record.requires or record.key is not None
    yield "d", not inline
    yield "f", record.failure
    yield "l", record.log
    yield "g", record.progress is not None
    yield "e", record.result is not None
    yield "n", record.depends
    yield "t", record.tracked
    yield "x", record.start_by is not None


def _options(record: JobRecord) -> str:
    unique = Unique(record.unique[0], _seconds(record.unique[1])) if record.unique else None
    job = NewJob(
        record.klass,
        queue=record.queue,
        tags=tuple(record.tags),
        retries=record.retries,
        pipeline=tuple(record.pipeline),
        on_parent_end=record.on_parent_end,
        backoff=Backoff.of(record.backoff) if record.backoff else None,
        max_run=_seconds(record.max_run),
        expires_in=_seconds(record.expires_in),
        unique=unique,
        requires=tuple(record.requires),
        key=record.key,
    )
    return write_options(job, record.recurrence, _seconds(record.due_at))


def _head(record: JobRecord, flags: str) -> str:
    available = "" if record.available_at == record.created_at else record.available_at
    words = (
        LETTERS[record.state],
        record.queue,
        record.priority or "",
        record.place,
        record.created_at,
        available,
        record.remaining,
        flags,
    )
    return "\t".join(map(str, words))


def _ran(record: JobRecord) -> str:
    if not record.runs and record.ended_at is None:
        return ""
    last, answer = "", ""
    if record.settled:
        last, kind, state = record.settled
        answer = _SETTLED_LETTERS[kind] + LETTERS[state]
    times = ("" if at is None else at for at in (record.started_at, record.ended_at))
    words = (record.runs, record.losses, *times, record.worker or "", record.token or "", last, answer)
    return "\t".join(map(str, words))


def _history(record: JobRecord) -> str:
    # One that was only put is told by the record.
    if record.history == [(record.created_at, "put", record.queue)]:
        return ""
    entries = ((_EVENT_LETTERS[event], at - record.created_at, word or "") for at, event, word in record.history)
    return "\t".join(f"{letter}{delta}:{word}" for letter, delta, word in entries)


def _write_failure(record: JobRecord) -> str:
    if not record.failure:
        return ""
    group, message, at, worker, run = record.failure
    return f"{group}\t{at}\t{worker or ''}\t{run}\t{message}"


def _write_needs(record: JobRecord) -> str:
    if not record.depends:
        return ""
    due = "" if record.due_in is None else f"d{record.due_in}"
    if record.due_at_unblock is not None:
        due = f"a{record.due_at_unblock}"
    return "\t".join((due, *record.depends))


def _score(record: JobRecord) -> Argument:
    """Say where it stands in the index of its state, see lib/index.lua and lib/stage.lua."""
    if record.state == "waiting":
        return record.place - record.priority * _PRIORITY_STEP
    if record.state == "running":
        return NEVER if record.expires_at is None else record.expires_at
    if record.ended_at is not None:
        return f"-{record.ended_at}"
    return record.available_at


def _failure(failure: Failure | None) -> tuple[str, str, int, str | None, int] | None:
    if failure is None:
        return None
    return failure.group, failure.message, to_milliseconds(failure.at), failure.worker, failure.run


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else to_milliseconds(seconds)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else to_seconds(milliseconds)

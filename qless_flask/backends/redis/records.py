"""Reading what the scripts write: records, options, failures, log lines and events (lib/job.lua and lib/event.lua)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from qless_flask.backends.redis.options import read_options
from qless_flask.backends.store import to_seconds
from qless_flask.models import Event, Failure, HistoryEntry, Job, LogLine, State

STATES: dict[str, State] = {
    "s": "scheduled",
    "d": "depends",
    "w": "waiting",
    "r": "running",
    "c": "complete",
    "f": "failed",
    "x": "canceled",
}
LETTERS: dict[State, str] = {state: letter for letter, state in STATES.items()}
EVENTS = {
    "p": "put",
    "o": "popped",
    "c": "completed",
    "a": "advanced",
    "r": "retried",
    "f": "failed",
    "l": "released",
    "x": "lost",
    "k": "canceled",
    "m": "moved",
    "n": "promoted",
    "t": "timed_out",
    "u": "updated",
    "d": "pruned",
    "z": "paused",
    "y": "resumed",
    "g": "configured",
    "q": "forgotten",
    "b": "unblocked",
    "e": "expired",
    "i": "finished",
    "h": "tracked",
    "v": "untracked",
    "w": "quieted",
    "s": "stopped",
    "j": "recurrence_changed",
    # The small letters are used up.
    "Z": "frozen",
    "Y": "thawed",
    "Q": "erased",
    "W": "trim_warning",
}
_QUEUE_ENTRIES = frozenset("pam")
_WORKER_ENTRIES = frozenset("ox")


@dataclass(frozen=True, slots=True)
class Record:
    """A job with what only the store needs to know of it."""

    job: Job
    place: int
    token: str


def read_job(jid: str, record: bytes, options: bytes, failure: bytes, needs: bytes, progress: bytes) -> Job:
    """Read a job as lists show it."""
    return read_record(jid, record, options, failure, needs, progress).job


def read_popped_job(jid: str, record: bytes, options: bytes, failure: bytes, payload: bytes, progress: bytes) -> Job:
    """Read a job as a lease shows it."""
    return read_record(jid, record, options, failure, b"", progress, data=payload).job


def read_full_job(jid: str, found: Sequence[bytes | list[bytes]]) -> Job:
    """Read a job whole, as get.lua answers it."""
    *texts, payload, result, dependents = found
    record, options, failure, needs, progress = cast("list[bytes]", texts)
    whole = read_record(
        jid,
        record,
        options,
        failure,
        needs,
        progress,
        data=cast(bytes, payload),
        result=cast(bytes, result),
        history=True,
    )
    return replace(whole.job, dependents=tuple(name.decode() for name in cast("list[bytes]", dependents)))


def read_record(
    jid: str,
    record: bytes,
    options: bytes,
    failure: bytes,
    needs: bytes,
    progress: bytes,
    *,
    data: bytes | None = None,
    result: bytes = b"",
    history: bool = False,
) -> Record:
    """Read a record; `data` is what payloads hold of the job (b"" for nothing), None to leave the data unread."""
    head, ran, entries, klass, inline = record.decode().split("\n", 4)
    state, queue, priority, place, created, available, remaining, flags = head.split("\t")
    losses, started, ended, worker, token = "0", "", "", "", ""
    if ran:
        _runs, losses, started, ended, worker, token, _last, _answer = ran.split("\t")
    some = read_options(options)
    job = Job(
        jid=jid,
        klass=klass,
        queue=queue,
        state=STATES[state],
        priority=int(priority or 0),
        tags=some.tags,
        retries=some.retries,
        remaining=int(remaining),
        losses=int(losses),
        pipeline=some.pipeline,
        worker=worker or None,
        failure=_read_failure(failure) if failure else None,
        created_at=to_seconds(int(created)),
        available_at=to_seconds(int(available or created)),
        started_at=to_seconds(int(started)) if started else None,
        ended_at=to_seconds(int(ended)) if ended else None,
        # Behind the delay that begins when the last of them is done.
        depends=tuple(name.decode() for name in sorted(needs.split(b"\t")[1:])),
        on_parent_end=some.on_parent_end,
        backoff=some.backoff,
        max_run=some.max_run,
        expires_in=some.expires_in,
        unique=some.unique,
        requires=some.requires,
        key=some.key,
        tracked="t" in flags,
        recurrence=some.recurrence,
        due_at=some.due_at,
        progress=progress.decode() or None,
        data=None if data is None else data.decode() or inline,
        result=result.decode() or None,
        history=_read_history(entries, queue, int(created)) if history else (),
    )
    return Record(job, int(place), token)


def read_line(text: bytes) -> LogLine:
    """Read a line of a job's log."""
    at, size, rest = text.split(b"\t", 2)
    message, data = rest[: int(size)], rest[int(size) :]
    return LogLine(to_seconds(int(at)), message.decode(), data.decode() or None)


def read_events(entry_id: str, text: bytes) -> list[Event]:
    """Read the transitions of one operation; a cursor without an index stands behind the last of its entry."""
    at, *lines = text.decode().split("\n")
    actor, address = None, None
    if lines[-1].startswith("@"):
        actor, _, address = lines.pop()[1:].partition("\t")
    found: list[Event] = []
    tracked, tags, klass = "", "", ""
    for line in lines:
        if line.startswith("#"):
            tracked, _, tags = line[1:].partition("\t")
            continue
        letter, queue, to, state, worker, group, *jids = line.split("\t")
        event = EVENTS[letter]
        for item in jids:
            jid, *times = item.split("\1")
            klass = times[1] if len(times) > 1 else klass
            took = to_seconds(max(0, int(at) - int(times[0]))) if times else None
            found.append(
                Event(
                    cursor=f"{entry_id}/{len(found)}",
                    at=to_seconds(int(at)),
                    event=event,
                    jid=jid or None,
                    queue=queue or None,
                    to=to or None,
                    state=STATES[state] if state else None,
                    worker=worker or None,
                    group=group or None if event != "recurrence_changed" else None,
                    tags=tuple(tags.split("\t")) if tags else (),
                    tracked=bool(tracked),
                    recurrence=group if event == "recurrence_changed" else None,
                    klass=klass if times else None,
                    waited=took if event == "popped" else None,
                    ran=took if event != "popped" else None,
                    actor=actor,
                    address=address or None,
                )
            )
        tracked, tags = "", ""
    if found:
        found[-1] = replace(found[-1], cursor=entry_id)
    return found


def _read_failure(text: bytes) -> Failure:
    group, at, worker, run, message = text.decode().split("\t", 4)
    return Failure(group, message, to_seconds(int(at)), worker or None, int(run))


def _read_history(text: str, queue: str, created: int) -> tuple[HistoryEntry, ...]:
    entries = []
    for item in (text or f"p0:{queue}").split("\t"):
        letter, (delta, _, word) = item[0], item[1:].partition(":")
        entry = HistoryEntry(
            at=to_seconds(created + int(delta)),
            event=EVENTS[letter],
            queue=word if letter in _QUEUE_ENTRIES else None,
            worker=word if letter in _WORKER_ENTRIES else None,
            group=word if word and letter not in _QUEUE_ENTRIES | _WORKER_ENTRIES else None,
        )
        entries.append(entry)
    return tuple(entries)

"""Reading all that a namespace holds, kind after kind, as the records that all stores share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from heapq import merge
from itertools import groupby, islice
from typing import NamedTuple

from qless_flask.bounds import is_utf8
from qless_flask.errors import Invalid
from qless_flask.models import (
    OWN_PREFIXES,
    AnyRecord,
    Dumped,
    FiguresRecord,
    JobRecord,
    KeyRecord,
    MemoRecord,
    NamespaceRecord,
    QueueRecord,
    RecurrenceRecord,
    TagRecord,
    UntoldRecord,
    WorkerRecord,
)
from qless_lmdb.ends import left_to_tell
from qless_lmdb.limits import popped
from qless_lmdb.look import Look
from qless_lmdb.packing import NEVER, Key
from qless_lmdb.records import JOB, POPPED, RECURRENCE, TIMES, WORKER, JobState, TagTimes

Records = Iterator[tuple[Key, AnyRecord]]
"""Records of a kind, each with where it stands among them."""


def dump(look: Look, cursor: str | None, limit: int) -> Dumped:
    """Read a page. Raise Invalid for a cursor that is none."""
    start, after = (0, ()) if cursor is None else _read_cursor(cursor)
    found: list[AnyRecord] = []
    last = None
    for kind, key, record in _from(look, start, after):
        if len(found) == limit:
            return Dumped(tuple(found), json.dumps(last))
        found.append(record)
        last = [kind, *key]
    return Dumped(tuple(found), None)


def _from(look: Look, start: int, after: Key) -> Iterator[tuple[int, Key, AnyRecord]]:
    for number, kind in enumerate(_KINDS):
        if number >= start and look.number is not None:
            for key, record in kind.read(look, after if number == start else ()):
                yield number, key, record


def _namespace(look: Look, after: Key) -> Records:
    if not after:
        yield ("",), NamespaceRecord(settings=look.itself.settings, turn=look.itself.turn)


def _queues(look: Look, after: Key) -> Records:
    for key, _ in look.walk("queue", after=after):
        queue = look.queue(str(key[0]))
        assert queue is not None
        settings = look.settings_of(queue.name)
        yield (
            key,
            QueueRecord(
                name=queue.name,
                settings=queue.settings,
                paused=queue.paused,
                place=queue.place,
                popped=popped(look, queue.name),
                rate_since=queue.rate_since if settings.rate else None,
                key_rate_since=queue.key_rate_since if settings.key_rate else None,
                warned_at=queue.warned_at,
            ),
        )


def _keys(look: Look, after: Key) -> Records:
    for (queue, key), value in look.walk("popped", after=after):
        if key != "":
            yield (queue, key), KeyRecord(queue=str(queue), key=str(key), popped=POPPED.decode(value))


def _workers(look: Look, after: Key) -> Records:
    for key, value in look.walk("worker", after=after):
        worker = WORKER.decode(value)
        yield (
            key,
            WorkerRecord(
                name=str(key[0]),
                seen_at=worker.seen_at,
                quiet=worker.quiet,
                stop=worker.stop,
                capabilities=worker.capabilities,
            ),
        )


def _tags(look: Look, after: Key) -> Records:
    walks = ((key for key, _ in look.walk(kind, after=after)) for kind in ("times", "tracked tag"))
    for key, _ in groupby(merge(*walks)):
        name = str(key[0])
        times, tracked = look.record(TIMES, "times", name) or TagTimes(), look.value("tracked tag", name) is not None
        yield (
            key,
            TagRecord(
                name=name, tracked=tracked, waits=times.waits, waited=times.waited, runs=times.runs, ran=times.ran
            ),
        )


def _recurrences(look: Look, after: Key) -> Records:
    for key, value in look.walk("recurrence", after=after):
        kept = RECURRENCE.decode(value)
        yield (
            key,
            RecurrenceRecord(
                rule=kept.rule,
                next_at=kept.next_at,
                paused=kept.paused,
                fired=kept.fired,
                last_at=kept.last_at,
                last_jid=kept.last_jid,
            ),
        )


def _figures(look: Look, after: Key) -> Records:
    for key, value in look.walk("figures", after=after):
        period, of, name = map(str, key)
        yield key, FiguresRecord(period=period, of=of, name=name, text=value.decode())


def _memos(look: Look, after: Key) -> Records:
    for key, value in look.walk("memo", after=after):
        name = str(key[0])
        if not name.startswith(OWN_PREFIXES):
            yield key, MemoRecord(name=name, value=value.decode())


def _jobs(look: Look, after: Key) -> Records:
    for key, value in look.walk("job", after=after):
        yield key, _job(look, JOB.decode(value))


def _job(look: Look, job: JobState) -> JobRecord:
    # What a job is made of has the same names here and there.
    fields = {name: getattr(job, name) for name in job.__struct_fields__}
    fields["place"] = job.place if job.state in ("waiting", "running") else 0
    return JobRecord(
        **fields,
        holds_unique=job.unique is not None and look.text("unique", job.unique[0]) == job.jid,
        log=look.lines(job.jid),
        data=look.text("data", job.jid) or "",
        result=look.text("result", job.jid),
    )


def _untold(look: Look, after: Key) -> Records:
    told = int(after[0]) if after else 0
    for number, (_, untold) in islice(enumerate(left_to_tell(look), 1), told, None):
        yield (number,), UntoldRecord(number=number, jid=untold.jid, after=untold.after)


class _Kind(NamedTuple):
    """How a kind of records is read, and the types of the parts of where they stand."""

    read: Callable[[Look, Key], Records]
    shape: tuple[type, ...] = (str,)


_KINDS = (
    _Kind(_namespace),
    _Kind(_queues),
    _Kind(_keys, (str, str)),
    _Kind(_workers),
    _Kind(_tags),
    _Kind(_recurrences),
    _Kind(_figures, (str, str, str)),
    _Kind(_memos),
    _Kind(_jobs),
    _Kind(_untold, (int,)),
)


def _read_cursor(cursor: str) -> tuple[int, Key]:
    try:
        kind, *key = json.loads(cursor)
    except (ValueError, TypeError, RecursionError):
        raise _no_cursor() from None
    if type(kind) is not int or not 0 <= kind < len(_KINDS) or not _is_like(key, _KINDS[kind].shape):
        raise _no_cursor()
    return kind, tuple(key)


def _is_like(key: list[object], shape: tuple[type, ...]) -> bool:
    return [type(part) for part in key] == list(shape) and all(
        is_utf8(part) and "\0" not in part if isinstance(part, str) else 0 <= part <= NEVER  # type: ignore[operator]
        for part in key
    )


def _no_cursor() -> Invalid:
    return Invalid.of({"cursor": ["is no cursor of a dump"]})

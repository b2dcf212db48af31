"""Reading all that a namespace holds, kind after kind, as the records that all stores share."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, cast

from qless_flask.backends.redis import figures
from qless_flask.backends.redis.connection import Client, told_as_ours
from qless_flask.backends.redis.job_records import read_job_record
from qless_flask.backends.redis.queues import read_worker
from qless_flask.backends.redis.recurrences import read_recurring
from qless_flask.backends.redis.scripts import Argument, Reply
from qless_flask.backends.redis.settings import read_own
from qless_flask.backends.store import to_milliseconds
from qless_flask.bounds import is_text
from qless_flask.errors import Invalid
from qless_flask.models import (
    STATES,
    AnyRecord,
    Dumped,
    FiguresRecord,
    KeyRecord,
    MemoRecord,
    NamespaceRecord,
    QueueRecord,
    RecurrenceRecord,
    Setting,
    TagRecord,
    UntoldRecord,
    WorkerRecord,
    rule_message,
    setting_message,
)


class Source(Protocol):
    """What a dump needs of a namespace."""

    prefix: str
    client: Client

    def read(self, script: str, *arguments: Argument) -> Reply:
        """Run a script that changes nothing."""

    def known_queues(self) -> list[str]:
        """List the queues that are known, sorted."""


class Piece(NamedTuple):
    """Some records of a kind, and from where to go on with it; None: there are no more."""

    records: Sequence[AnyRecord]
    following: list[Any] | None


def dump(source: Source, cursor: str | None, limit: int) -> Dumped:
    """Read a page of about so many records."""
    kind, position = _read_cursor(cursor) if cursor else (0, None)
    found: list[AnyRecord] = []
    with told_as_ours():
        while kind < len(_KINDS):
            if len(found) >= limit:
                return Dumped(tuple(found), _write_cursor(kind, position))
            piece = _KINDS[kind](source, position, limit - len(found))
            found += piece.records
            position = piece.following
            if position is None:
                kind += 1
    return Dumped(tuple(found), None)


def _namespace(source: Source, position: list[Any] | None, limit: int) -> Piece:
    kept = _client(source).hmget(f"{source.prefix}:meta", "own", "plans", "turn")
    own, plans, turn = cast("list[bytes | None]", kept)
    settings = {**json.loads(own or "{}"), **json.loads(plans or "{}")}
    return Piece([NamespaceRecord(settings=settings, turn=int(turn or 0))], None)


def _queues(source: Source, position: list[Any] | None, limit: int) -> Piece:
    names, following = _page(source.known_queues(), position, limit)
    pipeline = _client(source).pipeline(transaction=False)
    for name in names:
        pipeline.hgetall(f"{source.prefix}:queue:{name}")
        pipeline.lrange(f"{source.prefix}:pops:{name}", 0, -1)
    replies = pipeline.execute()
    _, _, _, _, *settings = cast("list[Any]", source.read("settings", "named", *names))
    owns = [read_own(own.decode()) for _, own in settings]
    rows = zip(names, owns, replies[::2], replies[1::2], strict=True)
    # One may have been forgotten meanwhile.
    return Piece([_queue(*each) for each in rows if b"place" in each[2]], following)


def _queue(name: str, own: Mapping[str, Setting], found: dict[bytes, bytes], popped: Sequence[bytes]) -> QueueRecord:
    limits = found.get(b"limits", b"").decode().removeprefix("F")
    _, _, per, since, _, _, key_per, key_since, _ = limits.split(",") if limits else [""] * 9
    return QueueRecord(
        name=name,
        settings={each: setting_message(value) for each, value in own.items()},
        paused=b"paused" in found,
        place=int(found.get(b"place", 0)),
        popped=[int(at) for at in popped],
        rate_since=_time(since) if per else None,
        key_rate_since=_time(key_since) if key_per else None,
        warned_at=_time(found.get(b"warned_at", b"")),
    )


def _keys(source: Source, position: list[Any] | None, limit: int) -> Piece:
    """Go by their order in the index of each queue, which stays while nothing is popped."""
    queue, rank = position or ["", 0]
    found: list[AnyRecord] = []
    client = _client(source)
    for name in (each for each in source.known_queues() if each >= queue):
        start = rank if name == queue else 0
        keys = [key.decode() for key in client.zrange(f"{source.prefix}:popped_keys:{name}", start, start + limit - 1)]
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            pipeline.lrange(f"{source.prefix}:key_pops:{name}\t{key}", 0, -1)
        for key, popped in zip(keys, pipeline.execute() if keys else (), strict=True):
            if popped:
                found.append(KeyRecord(queue=name, key=key, popped=[int(at) for at in popped]))
        limit -= len(keys)
        if limit <= 0:
            return Piece(found, [name, start + len(keys)])
    return Piece(found, None)


def _workers(source: Source, position: list[Any] | None, limit: int) -> Piece:
    names, following, texts = _fields(source, "workers", position, limit)
    workers = [read_worker([name.encode(), text, b"0"]) for name, text in zip(names, texts, strict=True) if text]
    records = [
        WorkerRecord(
            name=worker.name,
            seen_at=to_milliseconds(worker.seen_at),
            quiet=worker.quiet,
            stop=worker.stop,
            capabilities=list(worker.capabilities),
        )
        for worker in workers
    ]
    return Piece(records, following)


def _tags(source: Source, position: list[Any] | None, limit: int) -> Piece:
    reply = cast("list[Any]", source.read("tags", *figures.listing(None, position[0] if position else None, limit)))
    # One may stand twice, for its jobs and because it is tracked.
    rows = {name: (tracked, texts) for name, tracked, texts in reply}
    names = sorted(rows)[:limit]
    records = []
    for name in names:
        tracked, texts = rows[name]
        waits, waited, runs, ran = (int(text or 0) for text in texts[len(STATES) :])
        if tracked or waits or waited or runs or ran:
            record = TagRecord(
                name=name.decode(), tracked=bool(tracked), waits=waits, waited=waited, runs=runs, ran=ran
            )
            records.append(record)
    return Piece(records, [names[-1].decode()] if len(names) == limit else None)


def _recurrences(source: Source, position: list[Any] | None, limit: int) -> Piece:
    rows = cast("list[Reply]", source.read("recurrences", "all", limit, position[0] if position else ""))
    found = [read_recurring(row) for row in rows]
    records = [
        RecurrenceRecord(
            rule=rule_message(each.rule),
            next_at=_milliseconds(each.next_at),
            paused=each.paused,
            fired=each.fired,
            last_at=_milliseconds(each.last_at),
            last_jid=each.last_jid,
        )
        for each in found
    ]
    return Piece(records, [cast(str, found[-1].rule.id)] if len(found) == limit else None)


def _figures(source: Source, position: list[Any] | None, limit: int) -> Piece:
    after, field = position or ["", ""]
    periods = [name.decode() for name in _client(source).zrange(f"{source.prefix}:periods", 0, -1)]
    for period in (each for each in periods if each >= after):
        start = [field] if period == after and field else None
        names, following, texts = _fields(source, f"rows:{period}", start, limit)
        records = []
        for name, text in zip(names, texts, strict=True):
            if text is not None:
                of, _, of_what = name.partition("\t")
                records.append(FiguresRecord(period=period, of=of, name=of_what, text=text.decode()))
        return Piece(records, [period, *following] if following else [f"{period}!", ""])
    return Piece([], None)


def _memos(source: Source, position: list[Any] | None, limit: int) -> Piece:
    names, following, texts = _fields(source, "memory", position, limit)
    pairs = zip(names, texts, strict=True)
    return Piece([MemoRecord(name=name, value=text.decode()) for name, text in pairs if text is not None], following)


def _jobs(source: Source, position: list[Any] | None, limit: int) -> Piece:
    at = str(position[0]) if position else "0"
    following, *rows = cast("list[Any]", source.read("dump", at, limit))
    return Piece([read_job_record(row) for row in rows], None if following == b"0" else [following.decode()])


def _untold(source: Source, position: list[Any] | None, limit: int) -> Piece:
    start = position[0] if position else 0
    client = _client(source)
    jids = client.zrange(f"{source.prefix}:untold", start, start + limit - 1)
    told = client.hmget(f"{source.prefix}:told", jids) if jids else []
    records = [
        UntoldRecord(number=start + number, jid=jid.decode(), after=(after or b"").decode())
        for number, (jid, after) in enumerate(zip(jids, told, strict=True), 1)
    ]
    return Piece(records, [start + limit] if len(jids) == limit else None)


_KINDS: tuple[Callable[[Source, list[Any] | None, int], Piece], ...] = (
    _namespace,
    _queues,
    _keys,
    _workers,
    _tags,
    _recurrences,
    _figures,
    _memos,
    _jobs,
    _untold,
)


def _fields(
    source: Source, kind: str, position: list[Any] | None, limit: int
) -> tuple[list[str], list[Any] | None, list[bytes | None]]:
    """Read some fields of a hash, by name."""
    client = _client(source)
    all_names = sorted(name.decode() for name in client.hkeys(f"{source.prefix}:{kind}"))
    names, following = _page(all_names, position, limit)
    return names, following, client.hmget(f"{source.prefix}:{kind}", names) if names else []


def _page(names: Sequence[str], position: list[Any] | None, limit: int) -> tuple[list[str], list[Any] | None]:
    """Take the first of sorted names behind a position, and tell where to go on."""
    behind = [name for name in names if position is None or name > position[0]]
    return behind[:limit], [behind[limit - 1]] if len(behind) > limit else None


def _client(source: Source) -> Any:
    # redis-py's types cannot tell its synchronous replies from its asynchronous ones.
    return cast(Any, source.client)


def _time(text: str | bytes) -> int | None:
    return int(text) if text else None


def _milliseconds(at: float | None) -> int | None:
    return None if at is None else to_milliseconds(at)


def _write_cursor(kind: int, position: list[Any] | None) -> str:
    return base64.urlsafe_b64encode(json.dumps([kind, position]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[int, list[Any] | None]:
    try:
        kind, position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if type(kind) is not int or not 0 <= kind < len(_KINDS) or not _is_position(kind, position):
            raise ValueError("not where a dump can stand")
    except (ValueError, TypeError, binascii.Error, UnicodeError, RecursionError) as error:
        raise Invalid.of({"cursor": ["is none that a dump gave"]}) from error
    return kind, position


def _is_position(kind: int, position: object) -> bool:
    """Tell whether a dump can stand there: behind a name, or at a number of an index or a scan."""
    if position is None:
        return True
    if not isinstance(position, list):
        return False
    if _KINDS[kind] is _keys:
        return [type(each) for each in position] == [str, int] and is_text(position[0]) and 0 <= position[1] < _MOST
    if _KINDS[kind] is _figures:
        return [type(each) for each in position] == [str, str]
    if _KINDS[kind] is _untold:
        return [type(each) for each in position] == [int] and 0 <= position[0] < _MOST
    if _KINDS[kind] is _jobs:
        return [type(each) for each in position] == [str] and position[0].isdecimal() and int(position[0]) < 1 << 64
    return [type(each) for each in position] == [str] and kind > 0 and is_text(position[0])


_MOST = 1 << 53

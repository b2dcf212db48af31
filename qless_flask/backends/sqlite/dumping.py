"""Reading all that a namespace holds, kind after kind, as the records that all stores share."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.sqlite.options import read_options
from qless_flask.backends.sqlite.record import COLUMNS, SET_END, Record, read_history, split, state_name
from qless_flask.backends.sqlite.recurrences import read_rule
from qless_flask.backends.sqlite.settings import own_messages, told
from qless_flask.backends.sqlite.statements import DEPENDS_ON, LINES, UNIQUE
from qless_flask.backends.sqlite.transfer_statements import (
    JOBS_AFTER,
    KEYS_AFTER,
    LEAST_ID,
    NAMESPACE_TURN,
    POPPED,
    QUEUES_AFTER,
    QUEUES_FROM_NAME,
    RECORDS_AFTER,
    RECURRENCES_AFTER,
    STATISTICS_AFTER,
    TAGS_AFTER,
    UNTOLD_AFTER,
    WORKERS_AFTER,
)
from qless_flask.backends.store import to_milliseconds
from qless_flask.bounds import is_utf8
from qless_flask.errors import Invalid
from qless_flask.models import (
    OWN_PREFIXES,
    AnyRecord,
    Dumped,
    FiguresRecord,
    HistoryEntry,
    JobRecord,
    KeyRecord,
    MemoRecord,
    NamespaceRecord,
    QueueRecord,
    RecurrenceRecord,
    TagRecord,
    Unique,
    UntoldRecord,
    WorkerRecord,
    checked_settings,
    rule_message,
    setting_message,
)

Position = list[Any]


class Piece(NamedTuple):
    """Some records of a kind, and from where to go on with it; None: there are no more."""

    records: Sequence[AnyRecord]
    following: Position | None


def dump(look: Look, cursor: str | None, limit: int) -> Dumped:
    """Read a page. Raise Invalid for a cursor that is none."""
    kind, position = _read_cursor(cursor) if cursor else (0, None)
    found: list[AnyRecord] = []
    while kind < len(_KINDS) and look.namespace:
        if len(found) >= limit:
            return Dumped(tuple(found), _write_cursor(kind, position))
        piece = _KINDS[kind].read(look, position or _KINDS[kind].first, limit - len(found))
        found += piece.records
        position = piece.following
        kind += position is None
    return Dumped(tuple(found), None)


def _namespace(look: Look, position: Position, limit: int) -> Piece:
    [turn] = look.connection.execute(NAMESPACE_TURN, (look.namespace,)).fetchone()
    settings = {name: setting_message(each) for name, each in checked_settings(told(look), namespace=True).items()}
    return Piece([NamespaceRecord(settings=settings, turn=turn)], None)


def _queues(look: Look, position: Position, limit: int) -> Piece:
    rows = look.connection.execute(QUEUES_AFTER, (look.namespace, *position, limit)).fetchall()
    records = [
        QueueRecord(
            name=name,
            settings=own_messages(settings),
            paused=bool(paused),
            place=place,
            popped=_popped(look, number, ""),
            rate_since=rate_since,
            key_rate_since=key_rate_since,
            warned_at=warned_at,
        )
        for number, name, paused, settings, place, rate_since, key_rate_since, warned_at in rows
    ]
    return Piece(records, [rows[-1][1]] if len(rows) == limit else None)


def _keys(look: Look, position: Position, limit: int) -> Piece:
    queue, after = position
    found: list[AnyRecord] = []
    for number, name in look.connection.execute(QUEUES_FROM_NAME, (look.namespace, queue)):
        asked = (number, after if name == queue else "", limit - len(found))
        for (key,) in look.connection.execute(KEYS_AFTER, asked):
            found.append(KeyRecord(queue=name, key=key, popped=_popped(look, number, key)))
        if len(found) == limit:
            last = found[-1]
            assert isinstance(last, KeyRecord)
            return Piece(found, [last.queue, last.key])
    return Piece(found, None)


def _workers(look: Look, position: Position, limit: int) -> Piece:
    rows = look.connection.execute(WORKERS_AFTER, (look.namespace, *position, limit)).fetchall()
    records = [
        WorkerRecord(
            name=name,
            seen_at=seen_at,
            quiet=bool(quiet),
            stop=bool(stop),
            capabilities=capabilities.split(SET_END) if capabilities else [],
        )
        for name, seen_at, quiet, stop, capabilities in rows
    ]
    return Piece(records, [rows[-1][0]] if len(rows) == limit else None)


def _tags(look: Look, position: Position, limit: int) -> Piece:
    rows = look.connection.execute(TAGS_AFTER, (look.namespace, *position, limit)).fetchall()
    records = [
        TagRecord(name=name, tracked=bool(tracked), waits=waits, waited=waited, runs=runs, ran=ran)
        for name, tracked, waits, waited, runs, ran in rows
        if tracked or waits or runs
    ]
    return Piece(records, [rows[-1][0]] if len(rows) == limit else None)


def _recurrences(look: Look, position: Position, limit: int) -> Piece:
    rows = look.connection.execute(RECURRENCES_AFTER, (look.namespace, *position, limit)).fetchall()
    records = [
        RecurrenceRecord(
            rule=rule_message(read_rule(rule)),
            next_at=next_at,
            paused=bool(paused),
            fired=fired,
            last_at=last_at,
            last_jid=last_jid,
        )
        for _, rule, next_at, paused, fired, last_at, last_jid in rows
    ]
    return Piece(records, [rows[-1][0]] if len(rows) == limit else None)


def _figures(look: Look, position: Position, limit: int) -> Piece:
    rows = look.connection.execute(STATISTICS_AFTER, (look.namespace, *position, limit)).fetchall()
    records = [FiguresRecord(period=period, of=subject, name=name, text=text) for period, subject, name, text in rows]
    return Piece(records, list(rows[-1][:3]) if len(rows) == limit else None)


def _memos(look: Look, position: Position, limit: int) -> Piece:
    rows = look.connection.execute(RECORDS_AFTER, (look.namespace, *position, limit)).fetchall()
    records = [MemoRecord(name=name, value=value) for name, value in rows if not name.startswith(OWN_PREFIXES)]
    return Piece(records, [rows[-1][0]] if len(rows) == limit else None)


def _jobs(look: Look, position: Position, limit: int) -> Piece:
    rows = look.connection.execute(JOBS_AFTER, (look.namespace, *position, limit)).fetchall()
    records = [_job(look, Record(*row[:COLUMNS]), row[COLUMNS:]) for row in rows]
    return Piece(records, [records[-1].jid] if len(rows) == limit else None)


def _untold(look: Look, position: Position, limit: int) -> Piece:
    after, number = position
    rows = look.connection.execute(UNTOLD_AFTER, (look.namespace, after, limit)).fetchall()
    records = [
        UntoldRecord(number=number + index, jid=parent, after=told) for index, (_, parent, told) in enumerate(rows, 1)
    ]
    return Piece(records, [rows[-1][0], number + len(rows)] if len(rows) == limit else None)


def _job(look: Look, record: Record, around: Sequence[Any]) -> JobRecord:
    queue, klass, data, result, message, failed_at, failed_worker, failed_run = around
    state, options, later = state_name(record.state), read_options(record.options), record.later or 0
    settled, failure = None, None
    if record.settled_token is not None:
        assert record.settled_state is not None
        settled = record.settled_token, record.settled_as, state_name(record.settled_state)
    if record.failure_group is not None:
        failure = record.failure_group, message, failed_at, failed_worker, failed_run
    return JobRecord(
        jid=record.jid,
        klass=klass,
        queue=queue,
        state=state,
        priority=record.priority,
        place=record.place if state in ("waiting", "running") else 0,
        created_at=record.created_at,
        available_at=record.available_at,
        started_at=record.started_at,
        ended_at=record.ended_at,
        remaining=record.remaining,
        losses=record.losses,
        runs=record.runs,
        worker=record.worker,
        token=record.token,
        expires_at=record.expires_at,
        settled=settled,  # type: ignore[arg-type]
        failure=failure,
        history=[_entry(entry) for entry in read_history(record.history)],
        log=look.connection.execute(LINES, (record.id,)).fetchall(),
        tags=list(split(record.tags)),
        retries=record.retries,
        pipeline=list(split(record.pipeline)),
        depends=_depends(look, record) if state == "depends" else [],
        due_in=-later if later < 0 else None,
        due_at_unblock=later if later > 0 else None,
        on_parent_end=options.on_parent_end,
        backoff=options.backoff.as_message() if options.backoff else None,
        max_run=_milliseconds(options.max_run),
        expires_in=_milliseconds(options.expires_in),
        start_by=record.start_by,
        unique=(options.unique.key, _milliseconds(options.unique.seconds)) if options.unique else None,
        holds_unique=_holds(look, record.jid, options.unique),
        requires=record.requires.split(SET_END) if record.requires else [],
        key=record.key,
        tracked=bool(record.tracked),
        recurrence=options.recurrence,
        due_at=_milliseconds(options.due_at),
        progress=record.progress,
        data=data,
        result=result,
    )


def _popped(look: Look, queue: int, key: str) -> list[int]:
    return [at for (at,) in look.connection.execute(POPPED, (queue, key))]


def _depends(look: Look, record: Record) -> list[str]:
    return [name for (name,) in look.connection.execute(DEPENDS_ON, (look.namespace, record.jid))]


def _holds(look: Look, jid: str, unique: Unique | None) -> bool:
    if unique is None:
        return False
    found = look.connection.execute(UNIQUE, (look.namespace, unique.key)).fetchone()
    return found is not None and found[0] == jid


def _entry(entry: HistoryEntry) -> tuple[int, str, str | None]:
    return to_milliseconds(entry.at), entry.event, entry.queue or entry.worker or entry.group


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else to_milliseconds(seconds)


class _Kind(NamedTuple):
    """How to read a kind of records, and where it begins: what is known of a position in it."""

    read: Callable[[Look, Position, int], Piece]
    first: Position


_KINDS = (
    _Kind(_namespace, []),
    _Kind(_queues, [""]),
    _Kind(_keys, ["", ""]),
    _Kind(_workers, [""]),
    _Kind(_tags, [""]),
    _Kind(_recurrences, [""]),
    _Kind(_figures, ["", "", ""]),
    _Kind(_memos, [""]),
    _Kind(_jobs, [""]),
    _Kind(_untold, [LEAST_ID, 0]),
)


def _write_cursor(kind: int, position: Position | None) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([kind, position])).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[int, Position | None]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        kind, position = msgspec.json.decode(text, type=tuple[int, Position | None])
    except (binascii.Error, msgspec.MsgspecError, ValueError) as error:
        raise _no_cursor() from error
    if not 0 <= kind < len(_KINDS):
        raise _no_cursor()
    if position is not None and not _is_position(position, _KINDS[kind].first):
        raise _no_cursor()
    return kind, position


def _is_position(position: Position, first: Position) -> bool:
    if [type(each) for each in position] != [type(each) for each in first]:
        return False
    # A number that no row can have is refused by SQLite itself.
    return all(is_utf8(each) if isinstance(each, str) else LEAST_ID <= each < -LEAST_ID for each in position)


def _no_cursor() -> Invalid:
    return Invalid.of({"cursor": ["is no cursor of a dump"]})

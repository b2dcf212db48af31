"""Jobs looked up: by jid, and page by page through the index that fits what is asked for."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Sequence
from itertools import takewhile
from operator import itemgetter

from qless_flask.backends.sqlite.figure_statements import BY_KEY
from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.sqlite.record import LANED, NEVER, SET_END, STATE_NUMBERS, WAITING, Record, Value
from qless_flask.backends.sqlite.shown import listed, whole
from qless_flask.backends.sqlite.statements import (
    BY_GROUP,
    BY_JID,
    BY_ORDER,
    BY_TAG,
    BY_TRACKED,
    BY_WORKER,
    GET,
    QUEUES_FROM,
    WORKER,
    WORKERS,
)
from qless_flask.backends.store import to_seconds
from qless_flask.backends.times import span
from qless_flask.bounds import is_text
from qless_flask.errors import Invalid, WorkerNotFound
from qless_flask.models import Filter, Job, Page, Worker

ID, JID, ORD = (list(Record.__dataclass_fields__).index(name) for name in ("id", "jid", "ord"))

SCAN = 1_000
"""How many records a page reads at most."""

Key = list[str | int]
"""Where a walk stands: which walk it is, and the key of the last record it read."""

Walk = Iterator[tuple[Key, Sequence[Value]]]
"""The records that a walk comes by, each with its key."""


def get(look: Look, jids: Sequence[str]) -> list[Job | None]:
    """Look jobs up, whole."""
    rows = (look.connection.execute(GET, (look.namespace, jid)).fetchone() for jid in jids)
    return [None if row is None else whole(look, row) for row in rows]


def select(look: Look, filter: Filter, cursor: str | None, limit: int) -> Page:
    """Read one page. Raise Invalid for a cursor that is none, or one of another walk."""
    walk = _walk(look, filter, cursor)
    jobs: list[Job] = []
    scanned, last = 0, None
    for key, row in walk:
        # One more than is wanted was looked at: there is a next page.
        if len(jobs) == limit or scanned == SCAN:
            return Page(tuple(jobs), json.dumps(last, ensure_ascii=False, separators=(",", ":")), scanned)
        job = listed(look, row)
        scanned, last = scanned + 1, key
        if filter.matches(job):
            jobs.append(job)
    return Page(tuple(jobs), None, scanned)


def workers(look: Look, names: Sequence[str] | None) -> list[Worker]:
    """Sum up all workers, by name, or those named. Raise WorkerNotFound."""
    if names is None:
        rows = look.connection.execute(WORKERS, (look.namespace,)).fetchall()
    else:
        rows = [_worker(look, name) for name in names]
    return [
        Worker(name, running, to_seconds(seen_at), bool(quiet), bool(stop), _offered(capabilities))
        for name, seen_at, quiet, stop, capabilities, running in rows
    ]


def _worker(look: Look, name: str) -> Sequence[Value]:
    row: Sequence[Value] | None = look.connection.execute(WORKER, (look.namespace, name)).fetchone()
    if row is None:
        raise WorkerNotFound.about(name)
    return row


def _offered(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(SET_END)) if text else ()


def _walk(look: Look, filter: Filter, cursor: str | None) -> Walk:
    narrow = filter.tag or filter.worker or filter.key or filter.group or filter.tracked
    if filter.state and (filter.queue or not narrow):
        return _by_order(look, filter, _key(cursor, ["state", "", -NEVER, ""]))
    if filter.tag:
        return _by_id(look, BY_TAG, filter.tag, _key(cursor, ["tag", 0]))
    if filter.worker:
        return _by_id(look, BY_WORKER, filter.worker, _key(cursor, ["worker", 0]))
    if filter.key:
        return _by_jid(look, BY_KEY, _key(cursor, ["key", ""]), filter.key)
    if filter.group:
        return _by_group(look, filter, filter.group, _key(cursor, ["group", -NEVER, ""]))
    if filter.tracked:
        return _by_jid(look, BY_TRACKED, _key(cursor, ["tracked", ""]))
    return _by_jid(look, BY_JID, _key(cursor, ["jid", ""]))


def _by_order(look: Look, filter: Filter, key: Key) -> Walk:
    """Through a state of one queue, or of all by name, in the state's own order."""
    walk, first, *behind = key
    state = STATE_NUMBERS[filter.state] if filter.state else 0
    low, high = (filter.state and span(filter, filter.state)) or (-NEVER, NEVER)
    for number, name in look.connection.execute(QUEUES_FROM, (look.namespace, filter.queue or first)):
        if filter.queue not in (None, name):
            return
        if name != first:
            behind = [-NEVER, ""]
        # Those in lanes have an index state of their own, and the same order.
        states = (WAITING, LANED) if state == WAITING else (state,)
        start = _later(behind, low)
        walks = [look.connection.execute(BY_ORDER, (number, each, *start)) for each in states]
        for row in takewhile(lambda row: row[ORD] <= high, heapq.merge(*walks, key=itemgetter(ORD, JID))):
            yield [walk, name, row[ORD], row[JID]], row


def _by_id(look: Look, statement: str, value: str, key: Key) -> Walk:
    """Through the jobs of a tag or worker, in the order in which they were first put."""
    walk, behind = key
    for row in look.connection.execute(statement, (look.namespace, value, behind)):
        yield [walk, row[ID]], row


def _by_group(look: Look, filter: Filter, group: str, key: Key) -> Walk:
    """Through the failed jobs of a group, the latest first."""
    walk, *behind = key
    low, high = span(filter, "failed") or (-NEVER, NEVER)
    rows = look.connection.execute(BY_GROUP, (look.namespace, group, *_later(behind, low)))
    for row in takewhile(lambda row: row[ORD] <= high, rows):
        yield [walk, row[ORD], row[JID]], row


def _by_jid(look: Look, statement: str, key: Key, *value: str) -> Walk:
    """Through all jobs, or all that are tracked or have a key: whatever becomes of a job meanwhile, its jid stays."""
    walk, behind = key
    for row in look.connection.execute(statement, (look.namespace, *value, behind)):
        yield [walk, row[JID]], row


def _later(behind: Key, low: int) -> Key:
    """Choose where an order is entered: behind the last record read, or at the first number asked for."""
    return max(behind, [low, ""])


def _key(cursor: str | None, start: Key) -> Key:
    """Read a cursor of the walk that begins at `start`. Raise Invalid."""
    if cursor is None:
        return start
    try:
        key = json.loads(cursor)
    except (ValueError, RecursionError):
        key = None
    if not isinstance(key, list) or len(key) != len(start) or key[0] != start[0] or not all(map(_is_like, key, start)):
        raise Invalid.of({"cursor": ["is no cursor of this selection"]})
    return key


def _is_like(value: object, example: str | int) -> bool:
    if isinstance(example, str):
        return is_text(value)
    return type(value) is int and abs(value) < 1 << 63

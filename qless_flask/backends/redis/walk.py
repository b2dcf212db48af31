"""Paging through the jobs that match a filter, index after index."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, cast

from qless_flask.backends.redis.records import LETTERS, read_job
from qless_flask.backends.redis.scripts import Argument, Reply
from qless_flask.backends.store import to_milliseconds
from qless_flask.backends.times import BY_TIME
from qless_flask.bounds import is_text
from qless_flask.errors import Invalid
from qless_flask.models import STATES, Filter, Job, Page

MOST_SCANNED = 1_000
_CHUNK = 250
_BY_TIME = frozenset(LETTERS[state] for state in BY_TIME)
_SCORE = re.compile(r"-?[0-9]{1,17}")

Index = tuple[str, str]
"""A kind of index (a state's letter, tracked, tag, group or key) and its name, '' where there is only one."""


class Source(Protocol):
    """What a walk needs of a namespace."""

    def read(self, script: str, *arguments: Argument) -> Reply:
        """Run a script that changes nothing."""

    def known_queues(self) -> list[str]:
        """List the queues that are known, sorted."""


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a walk stands: behind a job of an index."""

    index: Index
    score: str
    jid: str


def walk(source: Source, filter: Filter, cursor: str | None, limit: int) -> Page:
    """Read one page: up to `limit` jobs, from at most 1,000 records."""
    position = _read_cursor(cursor) if cursor is not None else None
    indexes = _indexes(source, filter)
    chunk = _CHUNK if _tests(filter, indexes) else 1
    found: list[Job] = []
    scanned = 0
    while scanned < MOST_SCANNED:
        # One more than is missing, to know whether there is another page.
        count = min(MOST_SCANNED - scanned, max(limit - len(found) + 1, chunk))
        rows = list(_rows(source, filter, indexes, position, count))
        for at, job in rows:
            if len(found) == limit:
                return Page(tuple(found), _write_cursor(cast(_Position, position)), scanned)
            position = at
            scanned += 1
            if job is not None and filter.matches(job):
                found.append(job)
        if len(rows) < count:
            return Page(tuple(found), None, scanned)
    return Page(tuple(found), _write_cursor(cast(_Position, position)), scanned)


def _tests(filter: Filter, indexes: list[Index]) -> bool:
    """Tell whether records must be looked into, so that not every one of an index matches."""
    words = (filter.klass, filter.q, filter.worker, filter.tag, filter.group, filter.key)
    timed = filter.since is not None or filter.until is not None
    return any(words) or filter.tracked is not None or (timed and not all(kind in _BY_TIME for kind, _ in indexes))


def _indexes(source: Source, filter: Filter) -> list[Index]:
    if filter.tracked:
        return [("tracked", "")]
    if filter.tag is not None:
        return [("tag", filter.tag)]
    if filter.group is not None:
        return [("group", filter.group)]
    if filter.key is not None:
        return [("key", filter.key)]
    queues = source.known_queues() if filter.queue is None else [filter.queue]
    states = STATES if filter.state is None else (filter.state,)
    if filter.worker is not None:
        states = tuple(state for state in states if state == "running")
    return [(LETTERS[state], queue) for queue in queues for state in states]


def _rows(
    source: Source, filter: Filter, indexes: list[Index], position: _Position | None, count: int
) -> Iterator[tuple[_Position, Job | None]]:
    left, after = _still_to_walk(indexes, position)
    times = ["" if at is None else to_milliseconds(at) for at in (filter.since, filter.until)]
    arguments = [*times, *(word for index in left for word in index)]
    reply = cast(
        "list[tuple[int, bytes, bytes, bytes, bytes, bytes, bytes, bytes]]",
        source.read("select", count, *after, *arguments),
    )
    for number, score, name, *record in reply:
        jid = name.decode()
        job = read_job(jid, *record) if record[0] else None
        yield _Position(left[number], score.decode(), jid), job


def _still_to_walk(indexes: list[Index], position: _Position | None) -> tuple[list[Index], tuple[str, str]]:
    if position is None:
        return indexes, ("", "")
    if position.index in indexes:
        return indexes[indexes.index(position.index) :], (position.score, position.jid)
    # Its queue was forgotten meanwhile: go on with those behind it.
    order = {letter: number for number, letter in enumerate(LETTERS.values())}
    kind, name = position.index
    behind = [index for index in indexes if (index[1], order.get(index[0], 0)) > (name, order.get(kind, 0))]
    return behind, ("", "")


def _write_cursor(position: _Position) -> str:
    words = [*position.index, position.score, position.jid]
    return base64.urlsafe_b64encode(json.dumps(words).encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> _Position:
    try:
        words = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        kind, name, score, jid = words
        if not (is_text(kind) and (name == "" or is_text(name)) and is_text(jid)) or not _SCORE.fullmatch(score):
            raise ValueError("not where a job can stand")
    except (ValueError, TypeError, binascii.Error, UnicodeError, RecursionError) as error:
        raise Invalid.of({"cursor": ["is none that a page gave"]}) from error
    return _Position((kind, name), score, jid)

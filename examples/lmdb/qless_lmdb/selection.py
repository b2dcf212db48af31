"""Jobs looked up page by page, through the index that fits what is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import NamedTuple

from qless_flask.backends.times import span
from qless_flask.bounds import MAX_BATCH, is_text
from qless_flask.errors import Invalid
from qless_flask.models import Filter, Job, Page
from qless_lmdb import shown
from qless_lmdb.look import Entry, Look
from qless_lmdb.packing import NEVER, Key, Part
from qless_lmdb.standing import STATE_NUMBERS


class Walk(NamedTuple):
    """Where the keys of a walk begin, and how they go on: the types of the rest of a key, in order."""

    start: tuple[Part, ...]
    shape: tuple[type, ...]
    span: tuple[int, int] | None = None
    """Where it goes by time: the first and the last number that its keys may go on with."""


def select(look: Look, filter: Filter, cursor: str | None, limit: int) -> Page:
    """Read one page. Raise Invalid for a cursor that is none, or one of another walk."""
    walk = _walk(filter)
    jobs: list[Job] = []
    scanned, last = 0, _key(cursor, walk)
    for key, _ in _within(look, walk, last):
        # One more than is wanted was looked at: there is a next page.
        if len(jobs) == limit or scanned == MAX_BATCH:
            return Page(tuple(jobs), json.dumps([walk.start[0], *last]), scanned)
        job = shown.listed(look.job(_jid(look, walk, key)))
        scanned, last = scanned + 1, key
        if filter.matches(job):
            jobs.append(job)
    return Page(tuple(jobs), None, scanned)


def _walk(filter: Filter) -> Walk:
    if filter.queue and filter.state:
        start, shape = ("state", filter.queue, STATE_NUMBERS[filter.state]), _SHAPES.get(filter.state, (int, str))
        return Walk(start, shape, span(filter, filter.state))
    if filter.tag:
        return Walk(("tag", filter.tag), (str,))
    if filter.worker:
        return Walk(("run by", filter.worker), (str,))
    if filter.key:
        return Walk(("key", filter.key), (str,))
    if filter.group:
        return Walk(("group", filter.group), (int, str), span(filter, "failed"))
    if filter.tracked:
        return Walk(("tracked",), (str,))
    return Walk(("job",), (str,))


def _within(look: Look, walk: Walk, after: Key) -> Iterator[Entry]:
    """Go through the keys of a walk, behind one, as far as its span reaches."""
    if walk.span is None:
        return look.walk(*walk.start, after=after)
    first, last = walk.span
    entries = look.walk(*walk.start, after=max(after, (first - 1,)))
    return takewhile(lambda entry: int(entry[0][0]) <= last, entries)


def _jid(look: Look, walk: Walk, key: Key) -> str:
    if walk.shape[-1] is str:
        return str(key[-1])
    return look.text(*walk.start, *key) or ""


def _key(cursor: str | None, walk: Walk) -> Key:
    """Read a cursor of a walk. Raise Invalid."""
    if cursor is None:
        return ()
    try:
        name, *key = json.loads(cursor)
    except (ValueError, TypeError, RecursionError):
        name, key = None, []
    if name != walk.start[0] or len(key) != len(walk.shape) or not all(map(_is_part, key, walk.shape)):
        raise Invalid.of({"cursor": ["is no cursor of this selection"]})
    return tuple(key)


def _is_part(part: object, kind: type) -> bool:
    if kind is str:
        return is_text(part)
    return type(part) is int and abs(part) <= NEVER


_SHAPES: Mapping[str, tuple[type, ...]] = {"waiting": (int, int)}
"""How the keys of a state go on; where it does not stand here, with a time and the jid."""

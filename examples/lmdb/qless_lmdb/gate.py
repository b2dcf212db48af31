"""Which jobs of a queue may run now, in the order of pops; what may not is passed over, a lane at a time.

A lane is what waits in a queue with the same requirements and the same key: if the first of it may not run, none may.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import NamedTuple

from qless_lmdb import limits
from qless_lmdb.look import Look
from qless_lmdb.packing import Key
from qless_lmdb.records import LANE

WOKEN_AT_ONCE = 100
"""How many pops are woken for one lane, before the next look."""


class Lane(NamedTuple):
    """The number of the requirements, and the key; "" for none."""

    number: int
    key: str


Head = tuple[Key, str, Lane]
"""Priority (turned round) and place of the first job of a lane that may still be popped; its jid; and the lane."""


def jobs(look: Look, queue: str, capabilities: Collection[str]) -> Iterator[str]:
    """Give the jid of each job that a worker may be given, to be leased before the next is asked for."""
    heads = list(_heads(look, queue, capabilities)) if is_open(look, queue) else []
    heapify(heads)
    while heads and is_open(look, queue):
        _, jid, lane = heappop(heads)
        # What has no room or no time now, has none before this pop is over.
        if _key_is_open(look, queue, lane.key):
            yield jid
            following = _head(look, queue, lane)
            if following:
                heappush(heads, following)


def available(look: Look, queue: str, capabilities: Collection[str]) -> int:
    """Count, about, the jobs that a worker may be given."""
    if not is_open(look, queue):
        return 0
    settings = look.settings_of(queue)
    # With limits on keys a lane gives one job for certain: the pop that takes it is seen, and the next one woken.
    most = 1 if settings.key_concurrency or settings.key_rate else WOKEN_AT_ONCE
    found = sum(
        len(list(islice(look.walk("lane", queue, *lane), most)))
        for _, _, lane in _heads(look, queue, capabilities)
        if _key_is_open(look, queue, lane.key)
    )
    room = limits.room(look, queue)
    return found if room is None else min(found, room)


def is_open(look: Look, queue: str) -> bool:
    """Tell whether the limits of a queue itself let a job through."""
    room = limits.room(look, queue)
    return (room is None or room > 0) and limits.free_at(look, queue) is None


def free_times(look: Look, queue: str) -> list[int]:
    """List when the rates of a queue, and of the keys that wait in it, let the next job through that they keep back."""
    if not look.jobs_in(queue, "waiting"):
        return []
    times = [limits.free_at(look, queue)]
    if look.settings_of(queue).key_rate:
        keys = {lane.key for lane in _lanes(look, queue)}
        times += [limits.key_free_at(look, queue, key) for key in keys if limits.key_has_room(look, queue, key)]
    return [at for at in times if at is not None]


def _lanes(look: Look, queue: str) -> Iterator[Lane]:
    after: Key = ()
    while found := next(look.walk("lane", queue, after=after, most=1), None):
        number, key, *_ = found[0]
        after = number, key
        yield Lane(int(number), str(key))


def _heads(look: Look, queue: str, capabilities: Collection[str]) -> Iterator[Head]:
    for lane in _lanes(look, queue):
        if lane.number and not _covers(look, queue, lane.number, capabilities):
            continue
        head = _head(look, queue, lane)
        if head:
            yield head


def _covers(look: Look, queue: str, number: int, capabilities: Collection[str]) -> bool:
    [(_, value)] = look.walk("lane", queue, number, most=1)
    return set(LANE.decode(value).requires) <= set(capabilities)


def _head(look: Look, queue: str, lane: Lane) -> Head | None:
    for position, value in look.walk("lane", queue, *lane):
        found = LANE.decode(value)
        if found.start_by is None or found.start_by > look.now:
            return position, found.jid, lane
    return None


def _key_is_open(look: Look, queue: str, key: str) -> bool:
    return limits.key_has_room(look, queue, key) and limits.key_free_at(look, queue, key) is None

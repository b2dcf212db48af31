"""Which jobs of a queue may run now, in the order of pops; what may not is passed over.

Jobs with the same requirements are kept together, and of these again those with the same key. So what nobody here can
run is passed over at once, and where many jobs of few keys are kept back, a key at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from heapq import heapify, heappop, heappush
from itertools import islice

from qless_lmdb import limits
from qless_lmdb.look import Look
from qless_lmdb.packing import Key, Part
from qless_lmdb.records import WAITING, Waiting

LOOKED_AT = 100
"""How many jobs in a row may be kept back by limits on keys, before it is gone by keys."""
WOKEN_AT_ONCE = 100

Head = tuple[Key, int, Waiting]
"""Priority (turned round) and place of a job; the number of its requirements; what is known of it."""


def jobs(look: Look, queue: str, capabilities: Collection[str]) -> Iterator[str]:
    """Give the jid of each job that a worker may be given, to be leased before the next is asked for."""
    if not is_open(look, queue):
        return
    heads = list(_heads(look, queue, capabilities))
    heapify(heads)
    while heads and is_open(look, queue):
        _, number, job = heappop(heads)
        # Another of the same key may have been given since this one was found.
        if _key_is_open(look, queue, job.key):
            yield job.jid
        following = _head(look, queue, number)
        if following:
            heappush(heads, following)


def available(look: Look, queue: str, capabilities: Collection[str]) -> int:
    """Count, about, the jobs that a worker may be given."""
    if not is_open(look, queue):
        return 0
    settings, room = look.settings_of(queue), limits.room(look, queue)
    heads = list(_heads(look, queue, capabilities))
    if settings.key_concurrency or settings.key_rate:
        # One of each for certain: the pop that takes it is seen, and the next one woken.
        found = len(heads)
    else:
        walks = (look.walk("waiting", queue, number, most=WOKEN_AT_ONCE) for _, number, _ in heads)
        found = sum(len(list(walk)) for walk in walks)
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
        keys = {str(key) for number in look.branches("lane", queue) for key in look.branches("lane", queue, number)}
        times += [limits.key_free_at(look, queue, key) for key in keys if limits.key_has_room(look, queue, key)]
    return [at for at in times if at is not None]


def _heads(look: Look, queue: str, capabilities: Collection[str]) -> Iterator[Head]:
    """Find the first job of each set of requirements that a worker offers all of."""
    for number in map(int, look.branches("waiting", queue)):
        [(_, value)] = look.walk("waiting", queue, number, most=1)
        if set(WAITING.decode(value).requires) <= set(capabilities):
            head = _head(look, queue, number)
            if head:
                yield head


def _head(look: Look, queue: str, number: int) -> Head | None:
    """Find the first job with these requirements that may run."""
    for seen, (position, job) in enumerate(_alive(look, "waiting", queue, number)):
        if seen == LOOKED_AT:
            return _first_by_key(look, queue, number)
        if _key_is_open(look, queue, job.key):
            return position, number, job
    return None


def _first_by_key(look: Look, queue: str, number: int) -> Head | None:
    keys = (str(key) for key in look.branches("lane", queue, number) if _key_is_open(look, queue, str(key)))
    firsts = [found for key in keys for found in islice(_alive(look, "lane", queue, number, key), 1)]
    return min(((position, number, job) for position, job in firsts), default=None, key=lambda head: head[0])


def _alive(look: Look, *start: Part) -> Iterator[tuple[Key, Waiting]]:
    """List what has not expired of those that wait."""
    jobs = ((position, WAITING.decode(value)) for position, value in look.walk(*start))
    return ((position, job) for position, job in jobs if job.start_by is None or job.start_by > look.now)


def _key_is_open(look: Look, queue: str, key: str) -> bool:
    return limits.key_has_room(look, queue, key) and limits.key_free_at(look, queue, key) is None

"""What time does: jobs expire, leases are lost, what is due becomes available."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, takewhile

from qless_flask.backends.numbers import UPKEEP_AT_ONCE
from qless_flask.models import Promoted
from qless_lmdb import gate
from qless_lmdb.ends import expire, left_to_tell, tell_left
from qless_lmdb.leases import take_back
from qless_lmdb.look import Look
from qless_lmdb.packing import NEVER, Part
from qless_lmdb.records import JobState
from qless_lmdb.stages import promote as promote_job
from qless_lmdb.standing import STATE_NUMBERS
from qless_lmdb.step import Step


def attend(step: Step, queue: str) -> None:
    """Do what a pop does to a queue that it looks at: a bounded step of each thing that time does."""
    for find, move in _TURNS:
        for jid in list(islice(find(step, queue), UPKEEP_AT_ONCE)):
            move(step, step.job(jid))
    step.tellings -= tell_left(step, step.tellings)


def promote(step: Step, limit: int) -> Promoted:
    """Attend to all queues, up to a limit; then tell dependents that are left."""
    if step.itself.frozen:
        return Promoted(0, 0, more=False)
    queues, done, left = step.queue_names(), [0, 0, 0], limit
    for queue in queues:
        for number, (find, move) in enumerate(_TURNS):
            found = list(islice(find(step, queue), left))
            for jid in found:
                move(step, step.job(jid))
            done[number] += len(found)
            left -= len(found)
    told = tell_left(step, left)
    more = any(next(find(step, queue), None) for queue in queues for find, _ in _TURNS)
    expired, lost, promoted = done
    return Promoted(promoted, lost, more or next(left_to_tell(step), None) is not None, expired, told)


def next_change(look: Look, queue: str) -> int | None:
    """Tell when something of a queue will be due, lost or expired, or a rate lets a job through."""
    starts: tuple[tuple[Part, ...], ...] = (
        ("start by", queue),
        ("state", queue, STATE_NUMBERS["running"]),
        ("state", queue, STATE_NUMBERS["scheduled"]),
    )
    firsts = [int(key[0]) for start in starts for key, _ in look.walk(*start, most=1)]
    return min((at for at in (*firsts, *gate.free_times(look, queue)) if at != NEVER), default=None)


def _expired(look: Look, queue: str) -> Iterator[str]:
    return _until_now(look, "start by", queue)


def _lost(look: Look, queue: str) -> Iterator[str]:
    return _until_now(look, "state", queue, STATE_NUMBERS["running"])


def _due(look: Look, queue: str) -> Iterator[str]:
    return _until_now(look, "state", queue, STATE_NUMBERS["scheduled"])


def _until_now(look: Look, *start: Part) -> Iterator[str]:
    """List the jobs whose time has come, of keys that begin with a time."""
    return (value.decode() for _, value in takewhile(lambda each: int(each[0][0]) <= look.now, look.walk(*start)))


_TURNS: tuple[tuple[Callable[[Look, str], Iterator[str]], Callable[[Step, JobState], None]], ...] = (
    (_expired, expire),
    # Lost leases before what is due: their workers may be gone, and they have waited longest.
    (_lost, take_back),
    (_due, promote_job),
)

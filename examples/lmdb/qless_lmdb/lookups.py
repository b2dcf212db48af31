"""Queues, workers, failures and tags in figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby, islice

from qless_flask.backends.store import to_seconds
from qless_flask.errors import QueueNotFound
from qless_flask.models import STATES, FailureGroup, Queue, Tag, Tracked, Worker, mean_seconds
from qless_lmdb import shown
from qless_lmdb.look import Look
from qless_lmdb.packing import Key
from qless_lmdb.records import TIMES, TagTimes
from qless_lmdb.standing import STATE_NUMBERS

WAITING, RUNNING = STATE_NUMBERS["waiting"], STATE_NUMBERS["running"]


def queues(look: Look, names: Sequence[str] | None) -> list[Queue]:
    """Sum up the queues named, or all. Raise QueueNotFound."""
    return [queue(look, name) for name in (look.queue_names() if names is None else names)]


def queue(look: Look, name: str) -> Queue:
    """Sum a queue up. Raise QueueNotFound."""
    found = look.queue(name)
    if found is None:
        raise QueueNotFound.about(name)
    return Queue(
        name=name,
        paused=found.paused,
        stalled=_stalled(look, name),
        oldest_wait=_oldest_wait(look, name),
        settings=look.settings_of(name),
        own=tuple(sorted(found.settings)),
        **{state: look.jobs_in(name, state) for state in STATES},
    )


def workers(look: Look, names: Sequence[str] | None) -> list[Worker]:
    """Sum up the workers named, or all. Raise WorkerNotFound."""
    known = [str(name) for (name,), _ in look.walk("worker")] if names is None else names
    return [shown.worker(look, name) for name in known]


def failures(look: Look, groups: Sequence[str] | None, after: str | None, limit: int) -> list[FailureGroup]:
    """Sum up those of the failure groups named that there are, or all."""
    known = groups if groups is not None else islice(map(str, look.branches("group", behind=after)), limit)
    return [group for name in known if (group := _failure_group(look, name))]


def tags(look: Look, names: Sequence[str] | None, after: str | None, limit: int) -> list[Tag]:
    """Sum up the tags named, or all that jobs have or that are tracked."""
    if names is None:
        found = merge(look.branches("tag", behind=after), look.branches("tracked tag", behind=after))
        names = [str(name) for name, _ in islice(groupby(found), limit)]
    return [tag(look, name) for name in names]


def tag(look: Look, name: str) -> Tag:
    """Sum a tag up."""
    times = look.record(TIMES, "times", name) or TagTimes()
    return Tag(
        name,
        look.value("tracked tag", name) is not None,
        {state: look.counted("tagged", name, state) for state in STATES},
        mean_seconds(times.waits, times.waited),
        mean_seconds(times.runs, times.ran),
    )


def tracked(look: Look, limit: int) -> Tracked:
    """Show what is tracked."""
    jobs = (look.job(str(jid)) for (jid,), _ in look.walk("tracked", most=limit))
    return Tracked(tuple(map(shown.listed, jobs)), tuple(tag(look, name) for name in tracked_tags(look, limit)))


def tracked_tags(look: Look, limit: int | None = None) -> list[str]:
    """List the tags that are tracked."""
    return [str(name) for (name,), _ in look.walk("tracked tag", most=limit)]


def _stalled(look: Look, queue: str) -> int:
    return sum(1 for _ in _lost(look, queue))


def _lost(look: Look, queue: str) -> Iterator[Key]:
    for key, _ in look.walk("state", queue, RUNNING):
        if int(key[0]) > look.now:
            return
        yield key


def _oldest_wait(look: Look, queue: str) -> float | None:
    """Tell how long the job waits that is next of its priority, the longest of these."""
    waits: list[int] = []
    for priority in look.branches("state", queue, WAITING):
        [(_, jid)] = look.walk("state", queue, WAITING, priority, most=1)
        waits.append(max(0, look.now - look.job(jid.decode()).available_at))
    return to_seconds(max(waits)) if waits else None


def _failure_group(look: Look, name: str) -> FailureGroup | None:
    last, first = next(look.walk("group", name, most=1), None), next(look.walk_back("group", name), None)
    if first is None or last is None:
        return None
    queues = [str(queue) for (queue,), _ in look.walk("failed", name, "queue")]
    klasses = [str(klass) for (klass,), _ in look.walk("failed", name, "klass")]
    count = sum(look.counted("failed", name, "queue", queue) for queue in queues)
    first_at, last_at = (to_seconds(-int(key[0])) for key, _ in (first, last))
    return FailureGroup(name, count, first_at, last_at, tuple(queues), tuple(klasses))

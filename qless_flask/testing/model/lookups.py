"""What can be asked of the model: every answer is found by looking at everything."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.bounds import MAX_BATCH
from qless_flask.errors import Invalid, QueueNotFound, RecurrenceNotFound, WorkerNotFound
from qless_flask.models import (
    STATES,
    Event,
    EventPage,
    FailureGroup,
    Filter,
    Page,
    Queue,
    Recurring,
    Tag,
    Tracked,
    Worker,
    mean_seconds,
)
from qless_flask.testing.model import limits
from qless_flask.testing.model.records import JobRecord, Times
from qless_flask.testing.model.world import World

Key = tuple[float | str, ...]


def select(world: World, filter: Filter, cursor: str | None, limit: int) -> Page:
    """Page through what matches, in an order that does not change while the jobs don't."""
    ordered = filter.queue is not None and filter.state is not None
    listed = sorted((order_key(job, ordered), job) for job in world.jobs.values() if _is_read(job, filter, ordered))
    if cursor is not None:
        position = _position(cursor, float if ordered else str)
        listed = [(key, job) for key, job in listed if key > position]
    found: list[JobRecord] = []
    read = 0
    for _, job in listed[:MAX_BATCH]:
        read += 1
        if filter.matches(job.job()):
            found.append(job)
        if len(found) == limit:
            break
    more = read < len(listed)
    return Page(tuple(job.job() for job in found), json.dumps(listed[read - 1][0]) if more else None, read)


def _is_read(job: JobRecord, filter: Filter, ordered: bool) -> bool:
    if ordered and (job.queue != filter.queue or job.state != filter.state):
        return False
    by_time = filter.group is not None or (ordered and filter.state not in ("waiting", "running"))
    return not by_time or Filter(since=filter.since, until=filter.until).matches(job.job())


def order_key(job: JobRecord, ordered: bool) -> Key:
    if not ordered:
        return (job.jid,)
    if job.state == "waiting":
        return (-job.priority, job.place)
    if job.state in ("scheduled", "depends"):
        return (job.available, job.jid)
    if job.state == "running":
        return (float("inf") if job.expires is None else job.expires, job.jid)
    return (-(job.ended or 0), job.jid)


def _position(cursor: str, first: type) -> Key:
    try:
        position = json.loads(cursor)
    except ValueError:
        position = None
    # Every order begins with a number, or with the jid.
    if not isinstance(position, list) or not position or isinstance(position[0], str) != (first is str):
        raise Invalid.of({"cursor": ["is none that a page gave as its next"]})
    return tuple(position)


def queues(world: World, names: Sequence[str] | None) -> list[Queue]:
    """Sum up the queues named, or all."""
    for name in names or ():
        if name not in world.queues:
            raise QueueNotFound.about(name)
    return [queue(world, name) for name in (sorted(world.queues) if names is None else names)]


def queue(world: World, name: str) -> Queue:
    """Sum a queue up."""
    count = {state: len(world.jobs_of(name, state)) for state in STATES}
    record = world.queues[name]
    return Queue(
        name=name,
        paused=record.paused,
        stalled=len(world.lost(name)),
        oldest_wait=_oldest_wait(world, name),
        settings=world.settings_of(name),
        own=tuple(sorted(record.own)),
        **count,
    )


def _oldest_wait(world: World, name: str) -> float | None:
    by_priority: dict[int, list[JobRecord]] = defaultdict(list)
    for job in world.waiting(name):
        by_priority[job.priority].append(job)
    waits = [max(0, world.now - jobs[0].available) for jobs in by_priority.values()]
    return to_seconds(max(waits)) if waits else None


def workers(world: World, names: Sequence[str] | None) -> list[Worker]:
    """Sum up the workers named, or all."""
    for name in names or ():
        if name not in world.workers:
            raise WorkerNotFound.about(name)
    return [worker(world, name) for name in (sorted(world.workers) if names is None else names)]


def worker(world: World, name: str) -> Worker:
    """Sum a worker up."""
    running = sum(job.worker == name for job in world.jobs.values())
    wishes = world.wishes.get(name, frozenset())
    offered = world.capabilities.get(name, ())
    return Worker(name, running, to_seconds(world.workers[name]), "quiet" in wishes, "stop" in wishes, offered)


def next_due(world: World, names: Sequence[str]) -> float | None:
    """Find when something will next be due, lost or expired in these queues, or a rate lets a job through."""
    times = [job.available for name in names for job in world.jobs_of(name, "scheduled")]
    times += [job.expires for name in names for job in world.jobs_of(name, "running") if job.expires is not None]
    times += [job.start_by for job in world.jobs.values() if job.queue in names and job.start_by is not None]
    times += [at for name in names for at in limits.free_times(world, name)]
    return to_seconds(min(times)) if times else None


def failures(world: World, groups: Sequence[str] | None, after: str | None, limit: int) -> list[FailureGroup]:
    """Sum up the failure groups named that there are, or all."""
    found: dict[str, list[JobRecord]] = {}
    for job in world.jobs.values():
        if job.state == "failed" and job.failure:
            found.setdefault(job.failure.group, []).append(job)
    names = _page(found, after, limit) if groups is None else [name for name in groups if name in found]
    return [_failure_group(name, found[name]) for name in names]


def _failure_group(name: str, jobs: list[JobRecord]) -> FailureGroup:
    ends = [to_seconds(job.ended or 0) for job in jobs]
    queues, klasses = sorted({job.queue for job in jobs}), sorted({job.klass for job in jobs})
    return FailureGroup(name, len(jobs), min(ends), max(ends), tuple(queues), tuple(klasses))


def tags(world: World, names: Sequence[str] | None, after: str | None, limit: int) -> list[Tag]:
    """Sum up the tags named, or all that jobs have or that are tracked."""
    if names is None:
        names = _page({*world.tracked_tags, *(tag for job in world.jobs.values() for tag in job.tags)}, after, limit)
    return [tag(world, name) for name in names]


def tag(world: World, name: str) -> Tag:
    """Sum a tag up."""
    states = [job.state for job in world.jobs.values() if name in job.tags]
    times = world.times.get(name, Times())
    return Tag(
        name,
        name in world.tracked_tags,
        {state: states.count(state) for state in STATES},
        mean_seconds(times.pops, times.waited),
        mean_seconds(times.runs, times.ran),
    )


def tracked(world: World, limit: int) -> Tracked:
    """Show what is tracked."""
    jobs = sorted((job for job in world.jobs.values() if job.tracked), key=lambda job: job.jid)
    names = sorted(world.tracked_tags)
    return Tracked(tuple(job.job() for job in jobs[:limit]), tuple(tag(world, name) for name in names[:limit]))


def recurrences(world: World, ids: Sequence[str] | None, due: bool, after: str | None, limit: int) -> list[Recurring]:
    """List the recurrences named, those due, or all."""
    for id in ids or ():
        if id not in world.recurrences:
            raise RecurrenceNotFound.about(id)
    if ids is not None:
        return [world.recurrences[id] for id in ids]
    if not due:
        return [world.recurrences[id] for id in _page(world.recurrences, after, limit)]
    running = [each for each in world.recurrences.items() if not each[1].paused]
    times = [(recurring.next_at, id) for id, recurring in running if recurring.next_at is not None]
    return [world.recurrences[id] for at, id in sorted(times) if to_milliseconds(at) <= world.now][:limit]


def _page(names: Iterable[str], after: str | None, limit: int) -> list[str]:
    return sorted(name for name in names if after is None or name > after)[:limit]


def event_number(after: str | None) -> int:
    """Read a cursor of the log; 0 is the beginning."""
    if after is None:
        return 0
    if not (after.isascii() and after.isdigit()):
        raise Invalid.of({"after": ["is none that the log gave as a cursor"]})
    return int(after)


def events(world: World, after: int, limit: int) -> EventPage:
    """Read on after an event, with a gap first where some that followed it were trimmed."""
    first = max(after, world.trimmed)
    page = [event for event in world.events if int(event.cursor) > first][:limit]
    if 0 < after < world.trimmed:
        page = [Event(str(first), to_seconds(world.now), "gap"), *page][:limit]
    return EventPage(tuple(page), page[-1].cursor if page else str(first))

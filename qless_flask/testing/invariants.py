"""The rules that hold after every operation, checked against a store that was read whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from qless_flask.backends.inspection import StoreView
from qless_flask.bounds import MAX_PIPELINE, MAX_PRIORITY, MAX_RETRIES, MAX_TAGS
from qless_flask.models import ENDED, STATES, Job, State

HISTORY_ENTRIES = 100
BEFORE_A_RUN = ("scheduled", "depends", "waiting")
ENDS = ("completed", "failed", "canceled", "finished", "expired")
"""The events that end a job."""

Counted = TypeVar("Counted")


def check(view: StoreView) -> None:
    """Raise AssertionError, telling every problem, unless all rules hold."""
    found = problems(view)
    if found:
        raise AssertionError("the store is broken:\n" + "\n".join(f"- {problem}" for problem in found))


def problems(view: StoreView) -> list[str]:
    """Tell in plain words each rule that a store breaks, and where."""
    return [
        *(problem for jid, job in view.jobs.items() for problem in _about_job(jid, job)),
        *_about_places(view),
        *_about_order(view),
        *_about_counts(view),
        *_about_leases(view),
        *_about_waiting_places(view),
        *_about_sets("tag", view.tags, _by_tag(view)),
        *_about_sets("group", view.groups, _by_group(view)),
        *_about_sets("key", view.keys, _by_key(view)),
        *_about_limits(view),
        *_about_dependencies(view),
        *_about_untold(view),
        *_about_unique(view),
        *_about_start(view),
        *_about_tracked(view),
        *_about_counters("tag", view.figures, _figures(view)),
        *_about_counters("group", view.touched, _touched(view)),
        *_about_recurrences(view),
        *_about_workers(view),
        *_about_queues(view),
        *(f"there should not be: {stray}" for stray in view.strays),
    ]


def _about_job(jid: str, job: Job) -> Iterator[str]:
    if job.jid != jid:
        yield f"the record at {jid} calls itself {job.jid}"
    if job.state not in STATES:
        yield f"{jid} is in no state that there is: {job.state}"
    if job.data is None:
        yield f"{jid} has no data"
    most = MAX_RETRIES if job.retries is None else job.retries
    if not 0 <= job.remaining <= most:
        yield f"{jid} has {job.remaining} retries remaining, of {most}"
    if job.losses < 0:
        yield f"{jid} has {job.losses} losses"
    if not 0 < len(job.history) <= HISTORY_ENTRIES:
        yield f"{jid} has {len(job.history)} entries of history"
    if abs(job.priority) > MAX_PRIORITY:
        yield f"{jid} has priority {job.priority}"
    if len(job.tags) > MAX_TAGS or len(set(job.tags)) < len(job.tags):
        yield f"{jid} has too many tags, or one twice: {job.tags}"
    if len(job.pipeline) > MAX_PIPELINE:
        yield f"{jid} has {len(job.pipeline)} queues to go"
    yield from _about_state(job)


def _about_state(job: Job) -> Iterator[str]:
    running, ended = job.state == "running", job.state in ENDED
    if (job.worker is not None) != running:
        yield f"{job.jid} is {job.state}, and its worker is {job.worker}"
    if running and job.started_at is None:
        yield f"{job.jid} runs and never started"
    if (job.ended_at is not None) != ended:
        yield f"{job.jid} is {job.state}, and ended at {job.ended_at}"
    if job.state == "failed" and job.failure is None:
        yield f"{job.jid} failed without a failure"
    if job.state == "complete" and job.failure is not None:
        yield f"{job.jid} is complete with a failure"
    if (len(job.depends) > 0) != (job.state == "depends"):
        yield f"{job.jid} is {job.state}, and waits for {job.depends}"


def _about_places(view: StoreView) -> Iterator[str]:
    """Each job stands in the index of its state and queue, once, and in no other."""
    standing: dict[str, list[tuple[str, State]]] = {}
    for key, jids in view.indexes.items():
        for jid in jids:
            standing.setdefault(jid, []).append(key)
    for jid in standing.keys() - view.jobs.keys():
        yield f"{jid} stands in {standing[jid]} and has no record"
    for jid, job in view.jobs.items():
        found = standing.get(jid, [])
        if found != [(job.queue, job.state)]:
            yield f"{jid} is {job.state} in {job.queue} and stands in {found}"


def _about_order(view: StoreView) -> Iterator[str]:
    for (queue, state), jids in view.indexes.items():
        keys = [_order(view, state, jid) for jid in jids if jid in view.jobs]
        # Those that ended may be kept either way round, latest or longest ended first.
        if keys != sorted(keys) and not (state in ENDED and keys == sorted(keys, reverse=True)):
            yield f"what is {state} in {queue} is out of order: {jids}"


def _order(view: StoreView, state: State, jid: str) -> tuple[float, ...]:
    job = view.jobs[jid]
    if state == "waiting":
        return -job.priority, view.places.get(jid, -1)
    if state in ("scheduled", "depends"):
        return (job.available_at,)
    if state == "running":
        return (view.expiries.get(jid, float("inf")),)
    return (job.ended_at or 0,)


def _about_counts(view: StoreView) -> Iterator[str]:
    for queue, state in view.indexes.keys() | view.counts.keys():
        counted, there = view.counts.get((queue, state), 0), len(view.indexes.get((queue, state), ()))
        if counted != there:
            yield f"{counted} are counted as {state} in {queue}, and {there} there are"


def _about_leases(view: StoreView) -> Iterator[str]:
    """A token where a job runs, and only there; each its own."""
    running = {jid for jid, job in view.jobs.items() if job.state == "running"}
    for jid in running - view.tokens.keys():
        yield f"{jid} runs without a token"
    for jid in view.tokens.keys() - running:
        yield f"{jid} has a token and does not run"
    for jid in view.expiries.keys() - running:
        yield f"{jid} has a lease that expires and does not run"
    for token, count in Counter(view.tokens.values()).items():
        if count > 1 or not token:
            yield f"the token {token!r} is that of {count} jobs"


def _about_waiting_places(view: StoreView) -> Iterator[str]:
    # What runs may go back to its place, so that nobody else may have that either.
    places = Counter(
        (job.queue, view.places.get(jid)) for jid, job in view.jobs.items() if job.state in ("waiting", "running")
    )
    for (queue, place), count in places.items():
        if count > 1 or place is None:
            yield f"{count} jobs have the place {place} in {queue}"


def _by_tag(view: StoreView) -> dict[str, set[str]]:
    expected: dict[str, set[str]] = {}
    for jid, job in view.jobs.items():
        for tag in job.tags:
            expected.setdefault(tag, set()).add(jid)
    return expected


def _by_group(view: StoreView) -> dict[str, set[str]]:
    expected: dict[str, set[str]] = {}
    for jid, job in view.jobs.items():
        if job.state == "failed" and job.failure:
            expected.setdefault(job.failure.group, set()).add(jid)
    return expected


def _by_key(view: StoreView) -> dict[str, set[str]]:
    expected: dict[str, set[str]] = {}
    for jid, job in view.jobs.items():
        if job.key is not None:
            expected.setdefault(job.key, set()).add(jid)
    return expected


def _about_limits(view: StoreView) -> Iterator[str]:
    """What limits go by is counted right: the running jobs of each key, and the sets of requirements alive."""
    alive = [job for job in view.jobs.values() if job.state not in ENDED]
    running = Counter((job.queue, job.key) for job in alive if job.key is not None and job.state == "running")
    for (queue, key), there in _differing(view.key_running, running):
        yield f"{there} jobs of the key {key} are counted as running in {queue}, and {running[queue, key]} there are"
    sets = Counter((job.queue, job.requires) for job in alive if job.requires)
    for (queue, required), there in _differing(view.requirement_sets, sets):
        yield f"{there} jobs are counted that require {required} in {queue}, and {sets[queue, required]} there are"


def _differing(found: Mapping[Counted, int], expected: Mapping[Counted, int]) -> Iterator[tuple[Counted, int]]:
    for name in found.keys() | expected.keys():
        if found.get(name, 0) != expected.get(name, 0):
            yield name, found.get(name, 0)


def _about_sets(noun: str, found: Mapping[str, frozenset[str]], expected: Mapping[str, set[str]]) -> Iterator[str]:
    for name in found.keys() | expected.keys():
        there, wanted = found.get(name), expected.get(name)
        if there != wanted:
            yield f"the index of the {noun} {name} holds {there}, and should hold {wanted}"


def _about_dependencies(view: StoreView) -> Iterator[str]:
    """What jobs wait for is kept with them and with those that they wait for, who are there, and in no circle."""
    shown = {jid: set(job.depends) for jid, job in view.jobs.items() if job.depends}
    for jid in shown.keys() | view.depends.keys():
        if shown.get(jid) != view.depends.get(jid):
            yield f"{jid} shows that it waits for {shown.get(jid)}, and {view.depends.get(jid)} is kept"
    waiting: dict[str, set[str]] = {}
    for jid, parents in view.depends.items():
        for parent in parents:
            waiting.setdefault(parent, set()).add(jid)
    yield from _about_sets("dependents of", view.dependents, waiting)
    for jid in waiting.keys() - view.jobs.keys():
        yield f"{waiting[jid]} wait for {jid}, which is not there"
    try:
        TopologicalSorter(view.depends).prepare()
    except CycleError as error:
        yield f"there are jobs that wait for themselves: {error.args[1]}"


def _about_untold(view: StoreView) -> Iterator[str]:
    """Nobody whom the end of a job concerns is forgotten."""
    for jid, children in view.dependents.items():
        state = view.jobs[jid].state if jid in view.jobs else None
        if state not in ENDED or jid in view.untold:
            continue
        for child in children & view.jobs.keys():
            if state == "complete" or view.jobs[child].on_parent_end != "wait":
                yield f"{child} waits for {jid}, which is {state}, and nobody will tell it"


def _about_unique(view: StoreView) -> Iterator[str]:
    for key, jid in view.unique.items():
        job = view.jobs.get(jid)
        if job is None or job.unique is None or job.unique.key != key:
            yield f"the unique key {key} is held by {jid}, which is not there or has another"
        elif job.state == "canceled" or (job.unique.seconds is None and job.state in ENDED):
            yield f"the unique key {key} is held by {jid}, which is {job.state}"
    for jid, job in view.jobs.items():
        # One that comes back from its end may find its key held by another.
        if job.unique and job.unique.seconds is None and job.state not in ENDED and not _may_have_ended(job):
            holder = view.unique.get(job.unique.key)
            if holder != jid:
                yield f"{jid} is {job.state}, and its unique key {job.unique.key} is held by {holder}"


def _about_start(view: StoreView) -> Iterator[str]:
    """What has neither been popped nor ended since its put expires when it said."""
    for jid in view.start_by.keys() | view.jobs.keys():
        found, job = view.start_by.get(jid), view.jobs.get(jid)
        if job is None or job.expires_in is None or job.state not in BEFORE_A_RUN or job.started_at is not None:
            right = None
        else:
            right = round(job.created_at + job.expires_in, 3)
            if found is None and _may_have_ended(job):
                right = None
        if found != right:
            yield f"{jid} is to be popped before {found}, and should be before {right}"


def _may_have_ended(job: Job) -> bool:
    # A long history has lost its beginning.
    events = [entry.event for entry in job.history]
    return events[:1] != ["put"] or any(event in ENDS for event in events)


def _about_tracked(view: StoreView) -> Iterator[str]:
    tracked = {jid for jid, job in view.jobs.items() if job.tracked}
    if view.tracked != tracked:
        yield f"the index of those tracked holds {set(view.tracked)}, and should hold {tracked}"


def _figures(view: StoreView) -> dict[str, Counter[State]]:
    return {tag: Counter(view.jobs[jid].state for jid in jids) for tag, jids in _by_tag(view).items()}


def _touched(view: StoreView) -> dict[str, Counter[tuple[str, str]]]:
    return {
        group: Counter(
            pair for jid in jids for pair in (("queue", view.jobs[jid].queue), ("klass", view.jobs[jid].klass))
        )
        for group, jids in _by_group(view).items()
    }


def _about_counters(
    noun: str, found: Mapping[str, Mapping[Counted, int]], expected: Mapping[str, Counter[Counted]]
) -> Iterator[str]:
    for name in found.keys() | expected.keys():
        there = {key: count for key, count in found.get(name, {}).items() if count}
        wanted = dict(expected.get(name, Counter()))
        if there != wanted:
            yield f"the counters of the {noun} {name} are {there}, and should be {wanted}"


def _about_recurrences(view: StoreView) -> Iterator[str]:
    for id, recurring in view.recurrences.items():
        count = recurring.rule.count
        if recurring.rule.id != id:
            yield f"the recurrence at {id} calls itself {recurring.rule.id}"
        if recurring.fired < 0 or (recurring.next_at is not None and count is not None and recurring.fired >= count):
            yield f"the recurrence {id} has fired {recurring.fired} times of {count} and goes on"
    times = {id: each.next_at for id, each in view.recurrences.items() if not each.paused}
    for id in view.due.keys() | times.keys():
        if view.due.get(id) != times.get(id):
            yield f"the recurrence {id} is due at {view.due.get(id)}, and should be at {times.get(id)}"


def _about_workers(view: StoreView) -> Iterator[str]:
    running = Counter(job.worker for job in view.jobs.values() if job.state == "running" and job.worker)
    for name in view.workers.keys() | running.keys():
        if view.workers.get(name, 0) != running[name]:
            yield f"{view.workers.get(name)} jobs are counted as run by {name}, and {running[name]} there are"


def _about_queues(view: StoreView) -> Iterator[str]:
    used = {job.queue for job in view.jobs.values()} | {queue for (queue, _), count in view.counts.items() if count}
    for queue in used - view.queues:
        yield f"the queue {queue} has jobs and is not known"

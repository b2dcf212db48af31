"""What is finished and old, deleted in bounded steps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice, takewhile

from qless_flask.backends.numbers import (
    EVENT_ENTRIES,
    EVENT_MOST_SECONDS,
    EVENT_SECONDS,
    PRUNE_SCANNED,
    READER_PREFIX,
    TRIM_WARNING_SECONDS,
    WORKER_SECONDS,
)
from qless_flask.backends.store import to_milliseconds
from qless_flask.errors import Invalid
from qless_flask.models import Keep, Pruned, State
from qless_lmdb.events import read_cursor
from qless_lmdb.limits import forget_pops
from qless_lmdb.records import EVENT, WORKER, EventState, JobState
from qless_lmdb.standing import STATE_NUMBERS
from qless_lmdb.step import Step

TRIMMED_AT_ONCE = 1_000
IN_TURN: tuple[State, ...] = ("complete", "canceled", "failed")


def prune(step: Step, limit: int) -> Pruned:
    """Warn of failed jobs that will go, then delete up to `limit` jobs, and what else is old."""
    if step.itself.frozen:
        return Pruned(0, more=False)
    queues = step.queue_names()
    for queue in queues:
        _warn(step, queue)
    past = chain.from_iterable(_past(step, queue, state) for queue in queues for state in IN_TURN)
    found = list(islice(past, limit + 1))
    for job in found[:limit]:
        step.delete(job)
        event = EventState(at=step.now, event="pruned", jid=job.jid, queue=job.queue)
        event.tags, event.tracked = job.tags, job.tracked
        step.log(event)
    step.forget_unique(TRIMMED_AT_ONCE)
    for queue in queues:
        forget_pops(step, queue)
    _forget_workers(step)
    # The places of readers that were killed: what they read would be kept for ever.
    step.environment.reader_check()
    return Pruned(len(found[:limit]), more=_trim(step) or len(found) > limit)


def _warn(step: Step, queue: str) -> None:
    """Tell, once a day, that failed jobs of a queue will go soon."""
    found = step.know(queue)
    known = found.warned_at
    if not _will_go_soon(step, queue):
        found.warned_at = None
    elif known is None or step.now >= known + to_milliseconds(TRIM_WARNING_SECONDS):
        found.warned_at = step.now
        step.log(EventState(at=step.now, event="trim_warning", queue=queue))
    if found.warned_at != known:
        step.save_queue(found)


def _will_go_soon(step: Step, queue: str) -> bool:
    keep, failed = step.settings_of(queue).retention.failed, step.jobs_in(queue, "failed")
    if not failed or failed * 10 > keep.count * 9:
        return bool(failed)
    (ended, _), _ = next(step.walk_back("state", queue, STATE_NUMBERS["failed"]))
    return (step.now + int(ended)) * 10 >= to_milliseconds(keep.age) * 9


def _past(step: Step, queue: str, state: State) -> Iterator[JobState]:
    """List what is over the count, or the age, that a queue keeps, and that nobody waits for; longest ended first."""
    keep: Keep = getattr(step.settings_of(queue).retention, state)
    since, surplus = step.now - to_milliseconds(keep.age), step.jobs_in(queue, state) - keep.count
    number = 0
    for (ended, jid), _ in islice(step.walk_back("state", queue, STATE_NUMBERS[state]), PRUNE_SCANNED):
        if number >= surplus and -int(ended) > since:
            return
        if next(step.dependents(str(jid)), None) is None:
            number += 1
            yield step.job(str(jid))


def _trim(step: Step) -> bool:
    """Delete the oldest events; tell whether there are more that are over."""
    passed, itself = _passed(step), step.itself

    def is_over(number: int, at: int) -> bool:
        age = step.now - at
        return (
            (age >= to_milliseconds(EVENT_SECONDS) and number <= passed)
            or age >= to_milliseconds(EVENT_MOST_SECONDS)
            or number <= itself.events - EVENT_ENTRIES
        )

    oldest = ((int(key[0]), EVENT.decode(value).at) for key, value in step.walk("event", most=TRIMMED_AT_ONCE))
    old = [number for number, _ in takewhile(lambda each: is_over(*each), oldest)]
    for number in old:
        step.unset("event", number)
    if old:
        itself.trimmed = old[-1]
        step.save_itself()
    return len(old) == TRIMMED_AT_ONCE


def _passed(step: Step) -> int:
    """Tell the last event that all readers have passed, the statistics among them."""
    cursors = [step.itself.folded or "0"]
    for (name,), value in step.walk("memo", after=(READER_PREFIX[:-1],)):
        if not str(name).startswith(READER_PREFIX):
            break
        cursors.append(value.decode())
    passed = []
    for cursor in cursors:
        try:
            passed.append(read_cursor(cursor))
        except Invalid:
            continue
    return min(passed)


def _forget_workers(step: Step) -> None:
    since = step.now - to_milliseconds(WORKER_SECONDS)
    for (name,), value in step.walk("worker"):
        if WORKER.decode(value).seen_at <= since and not step.counted("runs", name):
            step.unset("worker", name)

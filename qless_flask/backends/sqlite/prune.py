"""What is finished and old, deleted in bounded steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
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
from qless_flask.backends.sqlite import depends
from qless_flask.backends.sqlite.deletion import delete
from qless_flask.backends.sqlite.events import read_cursor
from qless_flask.backends.sqlite.figure_rows import folded
from qless_flask.backends.sqlite.figure_statements import FIRST_ENDED, READERS, SET_WARNED_AT, WARNED_AT
from qless_flask.backends.sqlite.lanes import forget_pops
from qless_flask.backends.sqlite.look import QueueRow
from qless_flask.backends.sqlite.record import CANCELED, COMPLETE, FAILED, Record
from qless_flask.backends.sqlite.statements import (
    ENTRY_TIMES,
    HOLDS_LEASE,
    LAST_ENTRY,
    LONGEST_ENDED,
    SET_TRIMMED,
    TRIM_ENTRIES,
    UNSEEN_WORKERS,
)
from qless_flask.backends.sqlite.step import Step
from qless_flask.backends.sqlite.unique import forget_over
from qless_flask.backends.sqlite.upkeep import forget_requests
from qless_flask.backends.sqlite.wishes import forget_worker
from qless_flask.backends.store import to_milliseconds
from qless_flask.errors import Invalid
from qless_flask.models import Keep, Pruned

TRIM_AT_ONCE = 1_000
"""How many events, workers, keys and remembered pops one prune deletes at most."""
_IN_TURN = {COMPLETE: "complete", CANCELED: "canceled", FAILED: "failed"}


def prune(step: Step, limit: int) -> Pruned:
    """Warn of failed jobs that will go, then delete up to `limit` jobs, and what else is old."""
    if step.frozen:
        return Pruned(0, more=False)
    queues = step.all_queues()
    for queue in queues:
        _warn(step, queue)
    past = chain.from_iterable(_past_retention(step, queue, state) for queue in queues for state in _IN_TURN)
    found = list(islice(past, limit + 1))
    records = found[:limit]
    for record in records:
        step.tell("pruned", record.jid, step.queue_of(record).name, tags=record.tags, tracked=record.tracked)
    delete(step, records)
    forget_requests(step, TRIM_AT_ONCE)
    forget_over(step, TRIM_AT_ONCE)
    for queue in queues:
        forget_pops(step, queue, TRIM_AT_ONCE)
    _forget_workers(step)
    return Pruned(len(records), more=_trim_events(step) or len(found) > limit)


def _warn(step: Step, queue: QueueRow) -> None:
    """Tell, once a day, that failed jobs of a queue will go soon."""
    [warned_at] = step.connection.execute(WARNED_AT, (queue.id,)).fetchone()
    known = warned_at
    if not _will_go_soon(step, queue):
        warned_at = None
    elif warned_at is None or step.now >= warned_at + to_milliseconds(TRIM_WARNING_SECONDS):
        warned_at = step.now
        step.tell("trim_warning", None, queue.name)
    if warned_at != known:
        step.connection.execute(SET_WARNED_AT, (warned_at, queue.id))


def _will_go_soon(step: Step, queue: QueueRow) -> bool:
    failed, keep = queue.counts[FAILED], step.settings_of(queue).retention.failed
    if not failed or failed * 10 > keep.count * 9:
        return bool(failed)
    [first] = step.connection.execute(FIRST_ENDED, (queue.id, FAILED)).fetchone()
    return (step.now + int(first)) * 10 >= to_milliseconds(keep.age) * 9


def _past_retention(step: Step, queue: QueueRow, state: int) -> Iterator[Record]:
    if not queue.counts[state]:
        return
    keep: Keep = getattr(step.settings_of(queue).retention, _IN_TURN[state])
    number, surplus = 0, queue.counts[state] - keep.count
    for row in islice(step.connection.execute(LONGEST_ENDED, (queue.id, state)), PRUNE_SCANNED):
        record = Record(*row)
        if number >= surplus and to_milliseconds(keep.age) - record.ord > step.now:
            return
        if record.awaited and depends.dependents(step, record.jid, 1):
            continue
        number += 1
        yield record


def _trim_events(step: Step) -> bool:
    [last] = step.connection.execute(LAST_ENTRY, (step.namespace,)).fetchone() or [None]
    if last is None:
        return False
    over, passed = last - EVENT_ENTRIES, _passed(step)
    since, at_most = (step.now - to_milliseconds(each) for each in (EVENT_SECONDS, EVENT_MOST_SECONDS))

    def is_over(row: tuple[int, int]) -> bool:
        entry, at = row
        return entry <= over or at <= at_most or (at <= since and entry < passed)

    # Row by row, up to the first that stays: the entry of a batch is long.
    with closing(step.connection.execute(ENTRY_TIMES, (step.namespace, TRIM_AT_ONCE))) as rows:
        old = [entry for entry, _ in takewhile(is_over, rows)]
    if old:
        step.connection.execute(TRIM_ENTRIES, (step.namespace, old[-1]))
        step.connection.execute(SET_TRIMMED, (old[-1], step.namespace))
    return len(old) == TRIM_AT_ONCE


def _passed(step: Step) -> int:
    """Which entry not every reader has passed, the statistics among them."""
    above = READER_PREFIX[:-1] + chr(ord(READER_PREFIX[-1]) + 1)
    readers = step.connection.execute(READERS, (step.namespace, READER_PREFIX, above))
    entries = [read_cursor(folded(step))[0]]
    for (text,) in readers:
        try:
            entries.append(read_cursor(text)[0])
        except Invalid:
            continue
    return min(entries)


def _forget_workers(step: Step) -> None:
    since = step.now - to_milliseconds(WORKER_SECONDS)
    rows = step.connection.execute(UNSEEN_WORKERS, (step.namespace, since, TRIM_AT_ONCE)).fetchall()
    for row in rows:
        if not step.connection.execute(HOLDS_LEASE, (step.namespace, *row)).fetchone():
            forget_worker(step, *row)

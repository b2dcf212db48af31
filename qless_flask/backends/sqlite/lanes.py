"""Lanes: how jobs wait that have a key or require something, so that pops look at none that a limit keeps back.

A lane holds the waiting jobs of a queue with one key and one set of requirements. It has a head, the order of its first
job, unless its key is kept back. All of it is worked out anew, for what a step has touched, when the step is saved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qless_flask.backends.refusals import too_many_sets
from qless_flask.backends.sqlite.lane_statements import (
    COUNT_SET,
    COUNT_SETS,
    DELETE_LANE,
    DELETE_QUEUE_KEY,
    FIRST_IN_LANE,
    FORGET_ALL_POPPED,
    FORGET_KEYS,
    FORGET_POPPED,
    FORGET_SET,
    HAS_SET,
    KEYS_POPPED_BEFORE,
    LANES_OF_KEY,
    NEW_POPPED,
    QUEUE_KEY,
    SAVE_LANE,
    SAVE_QUEUE_KEY,
    TO_LOOK_AT,
    TRIM_POPPED,
)
from qless_flask.backends.sqlite.limits import slot, spell_key_limits
from qless_flask.backends.sqlite.look import Look, QueueRow
from qless_flask.backends.sqlite.record import ALIVE, LANED, NEVER, RUNNING, Record
from qless_flask.backends.sqlite.statements import SAVE_POPPED
from qless_flask.bounds import MAX_REQUIREMENT_SETS

if TYPE_CHECKING:
    from qless_flask.backends.sqlite.draft import Draft

KeyValues = tuple[int, int, int | None, int | None, str]
LOOKED_AT_ONCE = 100
"""How many keys a pop judges anew in each queue."""


@dataclass(slots=True)
class KeyRow:
    """A key of a queue, as the step leaves it."""

    queue: QueueRow
    key: str
    running: int = 0
    popped: int = 0
    """The number of its last pop."""
    popped_at: int | None = None
    until: int | None = None
    """While it is kept back, until when."""
    limits: str = ""
    """By which limits that was found out."""
    saved: KeyValues | None = None

    @property
    def values(self) -> KeyValues:
        """What is kept of it."""
        return self.running, self.popped, self.popped_at, self.until, self.limits


class Lanes:
    """The lanes, keys and sets of requirements that a step touches."""

    def __init__(self, step: Draft) -> None:
        self._step = step
        self._keys: dict[tuple[int, str], KeyRow] = {}
        self._touched: dict[tuple[int, str], _Touched] = {}
        self._sets: Counter[tuple[int, str]] = Counter()

    def transfer(self, record: Record, source: QueueRow, queue: QueueRow, state: int) -> None:
        """Follow a job from its state and queue to others; 0 stands for not being there at all."""
        assert record.requires is not None
        if record.state == LANED:
            self.touch(source, record.key or "", record.requires)
        if state == LANED:
            self.touch(queue, record.key or "", record.requires)
        if record.state == RUNNING:
            self._run(source, record, -1)
        if state == RUNNING:
            self._run(queue, record, 1)
        if record.requires:
            self._sets[source.id, record.requires] -= record.state in ALIVE
            self._sets[queue.id, record.requires] += state in ALIVE

    def touch(self, queue: QueueRow, key: str, requires: str | None = None) -> None:
        """Judge a key anew ('' for none), and find the head of one of its lanes."""
        touched = self._touched.setdefault((queue.id, key), _Touched(queue, set()))
        if requires is not None:
            touched.requires.add(requires)

    def key(self, queue: QueueRow, key: str) -> KeyRow:
        """Find a key of a queue."""
        row = self._keys.get((queue.id, key))
        if row is None:
            row = self._keys[queue.id, key] = KeyRow(queue, key)
            found = self._step.connection.execute(QUEUE_KEY, (queue.id, key)).fetchone()
            if found is not None:
                row.running, row.popped, row.popped_at, row.until, row.limits = row.saved = found
        return row

    def count_pop(self, row: KeyRow, limit: int) -> None:
        """Note that a key is popped, in a list of as many pops as its limit."""
        row.popped += 1
        row.popped_at = self._step.now
        _note_pop(self._step, (row.queue.id, row.key, row.popped), limit)

    def look_again(self, queue: QueueRow) -> bool:
        """Judge keys whose time has come, or whose limits are others now; tell whether some are left."""
        asked = (queue.id, spell_key_limits(self._step, queue), self._step.now, LOOKED_AT_ONCE + 1)
        found = [key for (key,) in self._step.connection.execute(TO_LOOK_AT, asked)]
        for key in found[:LOOKED_AT_ONCE]:
            self.key(queue, key)
            self.touch(queue, key)
        self._step.save()
        return len(found) > LOOKED_AT_ONCE

    def check_sets(self, queue: QueueRow, requires: str) -> None:
        """Raise Invalid if a job that requires this would bring one set too many."""
        self._save_sets()
        connection = self._step.connection
        if connection.execute(HAS_SET, (queue.id, requires)).fetchone() is None:
            [sets] = connection.execute(COUNT_SETS, (queue.id,)).fetchone()
            if sets >= MAX_REQUIREMENT_SETS:
                raise too_many_sets()

    def save(self) -> None:
        """Write all of it, when the jobs are written."""
        while self._touched:
            (_, key), touched = self._touched.popitem()
            if key:
                self._save_key(self.key(touched.queue, key), touched.requires)
            else:
                self._save_lanes(touched.queue, key, self._heads(touched.queue, key, touched.requires))
        self._save_sets()

    def _run(self, queue: QueueRow, record: Record, difference: int) -> None:
        if record.key is not None:
            self.key(queue, record.key).running += difference
            self.touch(queue, record.key)

    def _save_key(self, row: KeyRow, requires: set[str]) -> None:
        until, heads, others = kept_back(self._step, row), self._heads(row.queue, row.key, requires), set()
        if until is not None or row.until is not None:
            lanes = self._step.connection.execute(LANES_OF_KEY, (row.queue.id, row.key)).fetchall()
            others = {each for (each,) in lanes} - requires
        if not others and all(head is None for head in heads.values()):
            until = None
        if (until is None) != (row.until is None):
            heads |= self._heads(row.queue, row.key, others)
        self._save_lanes(row.queue, row.key, heads, kept=until is not None)
        row.until, row.limits = until, spell_key_limits(self._step, row.queue)
        self._save_row(row)

    def _save_row(self, row: KeyRow) -> None:
        if not row.running and not row.popped and row.until is None:
            if row.saved is not None:
                self._step.connection.execute(DELETE_QUEUE_KEY, (row.queue.id, row.key))
                row.saved = None
        elif row.values != row.saved:
            row.saved = row.values
            self._step.connection.execute(SAVE_QUEUE_KEY, (row.queue.id, row.key, *row.saved))

    def _heads(self, queue: QueueRow, key: str, requires: set[str]) -> dict[str, int | None]:
        found = {}
        for each in requires:
            row = self._step.connection.execute(FIRST_IN_LANE, (queue.id, each, key or None)).fetchone()
            found[each] = row[0] if row else None
        return found

    def _save_lanes(self, queue: QueueRow, key: str, heads: dict[str, int | None], *, kept: bool = False) -> None:
        for requires, head in heads.items():
            if head is None:
                self._step.connection.execute(DELETE_LANE, (queue.id, key, requires))
            else:
                self._step.connection.execute(SAVE_LANE, (queue.id, key, requires, None if kept else head))

    def _save_sets(self) -> None:
        for (number, requires), difference in self._sets.items():
            if difference:
                self._step.connection.execute(COUNT_SET, (number, requires, difference))
                self._step.connection.execute(FORGET_SET, (number, requires))
        self._sets.clear()


def kept_back(look: Look, row: KeyRow) -> int | None:
    """Until when the limits keep a key back; NEVER: until one of its jobs ends; None: it may run."""
    limits = look.limits_of(row.queue)
    if limits is None:
        return None
    if limits.key_concurrency is not None and row.running >= limits.key_concurrency:
        return NEVER
    if limits.key_rate is None:
        return None
    return slot(look, (row.queue.id, row.key, row.popped), limits.key_rate, look.pace_of(row.queue).key_rate_since)


def count_pop(step: Draft, queue: QueueRow, limit: int) -> None:
    """Note that a queue is popped, in a list of as many pops as its limit."""
    pace = step.pace_of(queue)
    pace.popped += 1
    step.connection.execute(SAVE_POPPED, (pace.popped, queue.id))
    _note_pop(step, (queue.id, "", pace.popped), limit)


def load_pops(step: Draft, queue: QueueRow, key: str, times: Sequence[int]) -> None:
    """Remember these pops of a queue ('' for its own list) or of a key of it, and no others."""
    step.connection.execute(FORGET_POPPED, (queue.id, key))
    step.connection.executemany(NEW_POPPED, [(queue.id, key, number, at) for number, at in enumerate(times, start=1)])
    if key:
        row = step.lanes.key(queue, key)
        row.popped, row.popped_at = len(times), max(times, default=None)
        step.lanes.touch(queue, key)
    else:
        step.pace_of(queue).popped = len(times)
        step.connection.execute(SAVE_POPPED, (len(times), queue.id))


def forget_pops(step: Draft, queue: QueueRow, limit: int) -> int:
    """Forget the pops of up to `limit` keys of a queue whose last one counts no more; tell how many keys."""
    limits = step.limits_of(queue)
    rate = limits.key_rate if limits else None
    before = NEVER if rate is None else max(step.now - rate.per + 1, step.pace_of(queue).key_rate_since or 0)
    found = [key for (key,) in step.connection.execute(KEYS_POPPED_BEFORE, (queue.id, before, limit))]
    for key in found:
        load_pops(step, queue, key, ())
    step.save()
    return len(found)


def forget_queue(step: Draft, queue: QueueRow) -> None:
    """Forget the pops of an empty queue that is being deleted."""
    step.connection.execute(FORGET_ALL_POPPED, (queue.id,))
    step.connection.execute(FORGET_KEYS, (queue.id,))


def _note_pop(step: Draft, pop: tuple[int, str, int], limit: int) -> None:
    step.connection.execute(NEW_POPPED, (*pop, step.now))
    queue, key, number = pop
    if number > limit:
        step.connection.execute(TRIM_POPPED, (queue, key, number - limit))


@dataclass(frozen=True, slots=True)
class _Touched:
    """What there is to find out anew of a key: whether it is kept back, and the heads of lanes."""

    queue: QueueRow
    requires: set[str]

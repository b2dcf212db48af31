"""What a pop may take of a queue in which limits or requirements keep jobs back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from qless_flask.backends.sqlite.lane_statements import FIRST_LANE, NEXT_LANED, SETS
from qless_flask.backends.sqlite.lanes import LOOKED_AT_ONCE, kept_back
from qless_flask.backends.sqlite.limits import next_slot
from qless_flask.backends.sqlite.look import Look, QueueRow
from qless_flask.backends.sqlite.record import LANED, RUNNING, SET_END, WAITING, Record, Value
from qless_flask.backends.sqlite.statements import NEXT_WAITING
from qless_flask.backends.sqlite.step import Step

Row = Sequence[Value]
_JID, _ORD = (list(Record.__dataclass_fields__).index(name) for name in ("jid", "ord"))


class Gate:
    """Lets through, in order, what a worker may be given: the first of the plain jobs, or the head of a lane."""

    def __init__(self, step: Step, queue: QueueRow, capabilities: Iterable[str]) -> None:
        self.unsettled = False
        """Whether there may be more, but for the keys that are to be judged first."""
        self._step = step
        self._queue = queue
        self._capabilities = capabilities
        self._sets: list[str] | None = None
        self._heads: dict[str, tuple[int, str] | None] = {}
        self._plain: Row | None = None
        self._left = LOOKED_AT_ONCE

    def jobs(self) -> Iterator[Row]:
        """Give one after the other, each to be leased before the next is asked for."""
        step = self._step
        step.save()
        if self._queue.counts[LANED]:
            self.unsettled = step.lanes.look_again(self._queue)
        while self._queue.waiting and has_room(step, self._queue):
            step.save()
            row = self._next()
            if row is None:
                return
            yield row
            taken = step.find(str(row[_JID]))
            if taken is None or taken.state != RUNNING:
                # It has expired: more had than this pop has seen to.
                return
            self._take(row, taken)

    def _next(self) -> Row | None:
        plain = self._first_plain()
        while True:
            first = min((head for head in map(self._head, self._open_sets()) if head), default=None)
            if first is None or (plain is not None and int(plain[_ORD] or 0) < first[0]):
                return plain
            ord, key = first
            if not key or not self._park(key):
                row: Row = self._step.connection.execute(NEXT_LANED, (self._queue.id, ord)).fetchone()
                return row
            if not self._left:
                self.unsettled = True
                return None

    def _first_plain(self) -> Row | None:
        if self._plain is None and self._queue.counts[WAITING]:
            self._plain = self._step.connection.execute(NEXT_WAITING, (self._queue.id, 1)).fetchone()
        return self._plain

    def _open_sets(self) -> list[str]:
        if self._sets is None:
            self._sets = covered_sets(self._step, self._queue, self._capabilities) if self._queue.counts[LANED] else []
        return self._sets

    def _head(self, requires: str) -> tuple[int, str] | None:
        if requires not in self._heads:
            self._heads[requires] = self._step.connection.execute(FIRST_LANE, (self._queue.id, requires)).fetchone()
        return self._heads[requires]

    def _park(self, key: str) -> bool:
        """Tell whether a key is kept back, and see then that its lanes have no heads."""
        lanes = self._step.lanes
        if kept_back(self._step, lanes.key(self._queue, key)) is None:
            return False
        lanes.touch(self._queue, key)
        lanes.save()
        self._left -= 1
        self._forget_heads(key)
        return True

    def _take(self, row: Row, taken: Record) -> None:
        if row is self._plain:
            self._plain = None
        else:
            self._heads.pop(taken.requires or "", None)
            self._forget_heads(taken.key)

    def _forget_heads(self, key: str | None) -> None:
        if key:
            self._heads = {requires: head for requires, head in self._heads.items() if not (head and head[1] == key)}


def has_room(look: Look, queue: QueueRow) -> bool:
    """Tell whether the limits of a queue itself let one more job through."""
    limits = look.limits_of(queue)
    if limits is None:
        return True
    full = limits.concurrency is not None and queue.counts[RUNNING] >= limits.concurrency
    return not full and next_slot(look, queue) is None


def covered_sets(look: Look, queue: QueueRow, capabilities: Iterable[str]) -> list[str]:
    """List the sets of requirements that a worker offers all of, the empty one first."""
    offered = set(capabilities)
    if not offered:
        return [""]
    found = (requires for (requires,) in look.connection.execute(SETS, (queue.id,)))
    return ["", *[requires for requires in found if offered.issuperset(requires.split(SET_END))]]

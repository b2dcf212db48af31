"""A recorded life of 50,000 operations, which every store must answer alike: `python -m qless_flask.testing.trace`.

The operations come from a seed. Of the answers the recording keeps a digest for every 500; where a store's is another,
the model says what was expected, and the first operation that differs is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click
import msgspec

from qless_flask import models
from qless_flask.backends.base import Namespace
from qless_flask.errors import JobCanceled, JobNotFound, LeaseLost, QlessError
from qless_flask.models import (
    PLAN_NAMES,
    Backoff,
    Changed,
    Dumped,
    Erased,
    Event,
    JobRecord,
    Lease,
    NamespaceSettings,
    Page,
    Popped,
    Promoted,
    Pruned,
    Settled,
    Worker,
    WorkerRecord,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.comparison import dump, end_of_log
from qless_flask.testing.model import ModelBackend
from qless_flask.testing.strategies import Call
from qless_flask.testing.turns import WEIGHTS, WRITES, Turns

SEED = 1124
OPERATIONS = 50_000
EACH = 500
REMEMBERED_LEASES = 10
SHORT, LONG = (0.25, 1.0, 4.0, 15.0), (3_600.0, 90_000.0)
LEFT_OUT: dict[type, tuple[str, ...]] = {
    Worker: ("seen_at",),
    WorkerRecord: ("seen_at",),
    Popped: ("retry_at",),
    Promoted: ("more",),
    Pruned: ("more",),
    Erased: ("deleted", "next"),
    Changed: ("next",),
    Page: ("next", "scanned"),
    Dumped: ("next",),
    Event: ("cursor",),
    Backoff: ("delays", "options"),
    NamespaceSettings: PLAN_NAMES,
}
"""What each store may answer as it likes; and what there was not when the trace was recorded, and is not in it."""
ENDS = (Settled, LeaseLost, JobCanceled, JobNotFound)
_AS_IT_IS = frozenset((str, bool, type(None)))


class Recording(msgspec.Struct, frozen=True):
    """What is kept of a trace."""

    seed: int
    operations: int
    each: int
    digests: list[str]


class Trace:
    """Does the operations of a seed to a namespace, and writes each down with its answer."""

    def __init__(self, namespace: Namespace, clock: ManualClock, seed: int) -> None:
        self._namespace = namespace
        self._clock = clock
        self._turns = Turns(seed, clock)
        self._numbers: dict[str, int] = {}
        """The tokens, by when they were given."""
        self._seen: str | None = None

    def __iter__(self) -> Iterator[str]:
        """Go on for ever; each item is one operation with its answer."""
        weights = list(WEIGHTS.values())
        turns: dict[str, Callable[[], Iterator[str]]] = {
            "fire": self._fire,
            "events": self._events,
            "prune": self._prune,
            "freeze": self._freeze,
            "begin anew": self._begin_anew,
        }
        while True:
            self._let_time_pass()
            [turn] = self._turns.random.choices([None, *turns], [96.9, 1.5, 1, 0.5, 0.08, 0.02])
            if turn:
                yield from turns[turn]()
            else:
                yield self._do(self._turns.call(tuple(WEIGHTS), weights))

    def _let_time_pass(self) -> None:
        if self._turns.seldom(0.3):
            self._clock.advance(self._turns.one(LONG if self._turns.seldom(0.01) else SHORT))

    def _do(self, call: Call) -> str:
        answer: object
        try:
            answer = call(self._namespace)
        except QlessError as error:
            answer = error
        self._take_leases(answer)
        # What is loaded was told before.
        asked = (
            call.operation if call.operation == "load" else self._plain([call.operation, call.arguments, call.options])
        )
        return f"{self._clock()} {asked}\n    {self._in_order(call, answer)}"

    def _in_order(self, call: Call, answer: object) -> object:
        """Where stores have no order in common, sort."""
        plain = self._plain(answer)
        ordered = call.operation != "select" or call.arguments[0].state is not None  # type: ignore[attr-defined]
        if ordered:
            return plain
        assert isinstance(plain, list)
        return sorted(plain[1], key=str)

    def _take_leases(self, answer: object) -> None:
        results: object = getattr(answer, "results", answer)
        settled = results if isinstance(results, (list, tuple)) else ()
        over = {each.jid if isinstance(each, Settled) else each.subject for each in settled if isinstance(each, ENDS)}
        # A few stay, to be settled once more.
        self._turns.leases = [lease for lease in self._turns.leases if lease.jid not in over or self._turns.seldom(0.1)]
        popped = getattr(answer, "popped", answer)
        for lease in popped if isinstance(popped, Popped) else ():
            if lease.token not in self._numbers:
                self._numbers[lease.token] = len(self._numbers)
                self._turns.leases = [*self._turns.leases, Lease(lease.jid, lease.token)][-REMEMBERED_LEASES:]

    # Turns of several operations

    def _fire(self) -> Iterator[str]:
        for each in self._namespace.recurrences(due=True):
            yield self._do(Call("fire", (each.rule.id, each.next_at), {}))

    def _events(self) -> Iterator[str]:
        found: list[Event] = []
        page = self._namespace.events(self._seen, 1000)
        while page.events:
            found += page.events
            self._seen = page.next
            page = self._namespace.events(self._seen, 1000)
        # Among those of one operation the order is each store's own affair.
        yield f"{self._clock()} events\n    {sorted(map(self._plain, found), key=str)}"

    def _prune(self) -> Iterator[str]:
        # What is pruned was read before: from where it is in the log each store counts in its own way.
        yield from self._events()
        yield self._do(Call("prune", (self._turns.one((2, 1000)),), {}))

    def _freeze(self) -> Iterator[str]:
        yield self._do(Call("freeze", (True,), {}))
        for _ in range(3):
            yield self._do(self._turns.call(WRITES))
        records = dump(self._namespace)
        yield f"dump\n    {self._plain(records)}"
        some = [record for record in records if self._turns.seldom(0.5)][:1000]
        yield self._do(Call("load", (some,), {}))
        yield self._do(Call("freeze", (False,), {}))

    def _begin_anew(self) -> Iterator[str]:
        """Erase all, and load it again."""
        self._namespace.freeze()
        records = dump(self._namespace)
        yield self._do(Call("erase", (), {}))
        erased = self._namespace.erase(self._namespace.name)
        while erased.next is not None:
            erased = self._namespace.erase(cursor=erased.next)
        yield self._do(Call("queues", (), {}))
        self._namespace.freeze()
        for start in range(0, len(records), 1000):
            yield self._do(Call("load", (records[start : start + 1000],), {}))
        yield self._do(Call("freeze", (False,), {}))
        self._seen = end_of_log(self._namespace)

    # How answers are written down

    def _plain(self, value: object) -> object:
        kind = type(value)
        if kind in _AS_IT_IS:
            return value
        if kind is int or kind is float:
            return float(value)  # type: ignore[arg-type]
        if kind is list or kind is tuple:
            return [self._plain(each) for each in value]  # type: ignore[attr-defined]
        if kind in _SHOWN:
            return [kind.__name__, *[self._plain(getattr(value, name)) for name in _SHOWN[kind]]]
        if isinstance(value, Lease):
            return (
                "Lease",
                self._numbers.get(value.token),
                *map(self._plain, (value.jid, value.expires_at, value.job)),
            )
        if isinstance(value, QlessError):
            # In whatever words it is told.
            return value.code, value.subject, sorted(value.fields)
        if isinstance(value, msgspec.Struct):
            return self._record(value)
        assert isinstance(value, Mapping)
        return sorted([name, self._plain(each)] for name, each in value.items())

    def _record(self, record: msgspec.Struct) -> tuple[object, ...]:
        values = msgspec.structs.asdict(record)
        for name in LEFT_OUT.get(type(record), ()):
            del values[name]
        if isinstance(record, JobRecord):
            settled = record.settled and (self._numbers.get(record.settled[0]), *record.settled[1:])
            values |= {"token": self._numbers.get(record.token or ""), "settled": settled}
        return (type(record).__name__, *(self._plain(each) for each in values.values()))


def _shown() -> dict[type, tuple[str, ...]]:
    kinds = [
        kind for kind in vars(models).values() if isinstance(kind, type) and is_dataclass(kind) and kind is not Lease
    ]
    return {
        kind: tuple(each.name for each in fields(kind) if each.name not in LEFT_OUT.get(kind, ())) for kind in kinds
    }


_SHOWN = _shown()
"""What is written down of each kind of object."""


def record(seed: int = SEED, operations: int = OPERATIONS) -> Recording:
    """Let the model do a trace."""
    digests = [digest for _, digest in _in_parts(_of_the_model(seed), operations, EACH)]
    return Recording(seed, operations, EACH, digests)


def difference(recording: Recording, namespace: Namespace, clock: ManualClock) -> str | None:
    """Play a recording on a fresh namespace, and tell the first operation that is answered otherwise, if one is."""
    trace = Trace(namespace, clock, recording.seed)
    parts = _in_parts(trace, recording.operations, recording.each)
    for number, ((lines, digest), expected) in enumerate(zip(parts, recording.digests, strict=True)):
        if digest != expected:
            return _first_difference(recording, number, lines)
    return None


def _first_difference(recording: Recording, number: int, lines: list[str]) -> str:
    start = number * recording.each
    expected = list(islice(_of_the_model(recording.seed), start, start + recording.each))
    if _digest(expected) != recording.digests[number]:
        return "the model answers otherwise than when it was recorded: record it anew, if that is right"
    for place, (found, wanted) in enumerate(zip(lines, expected, strict=True), start):
        if found != wanted:
            return f"operation {place:,}:\n  the backend says\n{found}\n  the model says\n{wanted}"
    raise AssertionError("two equal texts have different digests")


def _of_the_model(seed: int) -> Iterator[str]:
    clock = ManualClock()
    return iter(Trace(ModelBackend(clock=clock).namespace("trace"), clock, seed))


def _in_parts(trace: Any, operations: int, each: int) -> Iterator[tuple[list[str], str]]:
    lines = iter(trace)
    for _ in range(0, operations, each):
        part = list(islice(lines, each))
        yield part, _digest(part)


def _digest(lines: list[str]) -> str:
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()


@click.command()
@click.option("--into", type=click.Path(path_type=Path), default=Path("tests/trace/recording.json"), show_default=True)
def main(into: Path) -> None:
    """Record anew what the model answers."""
    into.parent.mkdir(exist_ok=True)
    into.write_bytes(msgspec.json.format(msgspec.json.encode(record())) + b"\n")
    click.echo(f"recorded {OPERATIONS:,} operations in {into}")


if __name__ == "__main__":
    main()

"""Writing records of a dump, each kind as load.lua takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, cast

from qless_flask.backends.redis.job_records import job_arguments
from qless_flask.backends.redis.queues import inherited
from qless_flask.backends.redis.recurrences import write_recurring, write_time
from qless_flask.backends.redis.scripts import Argument, Reply
from qless_flask.backends.redis.settings import LIMITS, pack, read_own, write_own, write_plans, write_shared
from qless_flask.backends.store import to_seconds
from qless_flask.backends.waiting import offers
from qless_flask.models import (
    AnyRecord,
    FiguresRecord,
    JobRecord,
    KeyRecord,
    MemoRecord,
    NamespaceRecord,
    QueueRecord,
    RecurrenceRecord,
    Recurring,
    TagRecord,
    UntoldRecord,
    WorkerRecord,
    checked_settings,
    in_force,
    read_rule,
)


class Target(Protocol):
    """What a load needs of a namespace."""

    def read(self, script: str, *arguments: Argument) -> Reply:
        """Run a script that changes nothing."""

    def write(self, script: str, *arguments: Argument) -> Reply:
        """Run a script that may change something."""


def load(target: Target, records: Sequence[AnyRecord]) -> None:
    """Write records, working out anew what is in force where the settings have changed meanwhile."""
    # Who is still to be told is known when the jobs are there.
    ordered = sorted(records, key=lambda record: _ORDER.index(type(record)))
    plain = [_words(record) for record in ordered if not isinstance(record, (NamespaceRecord, QueueRecord))]
    while True:
        settings = _settings(target, records)
        if target.write("load", *settings, *(word for words in plain for word in words)) != b"CHANGED":
            return


def _settings(target: Target, records: Iterable[AnyRecord]) -> list[Argument]:
    """Write the version of settings that was read, and the records that change them."""
    shared = next((record for record in records if isinstance(record, NamespaceRecord)), None)
    queues = [record for record in records if isinstance(record, QueueRecord)]
    version, _, own, _, *rows = cast("list[Any]", target.read("settings", "all" if shared else "named"))
    told = checked_settings(shared.settings, namespace=True) if shared else {}
    text = write_shared(told) if shared else own.decode()
    words: list[Argument] = [version]
    if shared:
        packed = pack(in_force(read_own(text)))
        words += _record("namespace", [text, write_plans(told), *packed, shared.turn or ""])
        for name, *each in _by_four(inherited(text, rows)):
            words += _record("inherited", [name, *each])
    for record in queues:
        words += _record("queue", _queue(record, text))
    return words


def _by_four(words: Sequence[Argument]) -> Iterable[Sequence[Argument]]:
    return (words[at : at + 4] for at in range(0, len(words), 4))


def _queue(record: QueueRecord, shared: str) -> list[Argument]:
    own = write_own(checked_settings(record.settings))
    settings, limits, retention = pack(in_force(read_own(shared), read_own(own)))
    if limits or record.rate_since is not None or record.key_rate_since is not None:
        numbers = limits.split(",") if limits else [""] * LIMITS
        numbers[3], numbers[7] = _optional(record.rate_since), _optional(record.key_rate_since)
        limits = ",".join(numbers)
    paused, warned = "1" if record.paused else "", _optional(record.warned_at)
    return [record.name, own, settings, limits, retention, paused, record.place, warned, *record.popped]


def _words(record: AnyRecord) -> list[Argument]:
    return _record(str(record.__struct_config__.tag), _WRITERS[type(record)](record))


def _record(kind: str, words: Sequence[Argument]) -> list[Argument]:
    return [kind, len(words), *words]


def _key(record: KeyRecord) -> list[Argument]:
    return [record.queue, record.key, *record.popped]


def _worker(record: WorkerRecord) -> list[Argument]:
    wishes = ("q" if record.quiet else "") + ("s" if record.stop else "")
    offered = f"\t{offers(record.capabilities)}" if record.capabilities else ""
    return [record.name, f"{record.seen_at}{wishes}{offered}"]


def _tag(record: TagRecord) -> list[Argument]:
    return [record.name, "1" if record.tracked else "", record.waits, record.waited, record.runs, record.ran]


def _recurrence(record: RecurrenceRecord) -> list[Argument]:
    rule = read_rule(record.rule)
    kept = Recurring(
        rule=rule,
        next_at=_seconds(record.next_at),
        paused=record.paused,
        fired=record.fired,
        last_at=_seconds(record.last_at),
        last_jid=record.last_jid,
    )
    return [cast(str, rule.id), write_recurring(kept), "" if record.paused else write_time(kept.next_at)]


def _figures(record: FiguresRecord) -> list[Argument]:
    return [record.period, record.of, record.name, record.text]


def _memo(record: MemoRecord) -> list[Argument]:
    return [record.name, record.value]


def _untold(record: UntoldRecord) -> list[Argument]:
    return [record.number, record.jid, record.after]


_WRITERS: dict[type[Any], Callable[[Any], list[Argument]]] = {
    KeyRecord: _key,
    WorkerRecord: _worker,
    TagRecord: _tag,
    RecurrenceRecord: _recurrence,
    FiguresRecord: _figures,
    MemoRecord: _memo,
    JobRecord: job_arguments,
    UntoldRecord: _untold,
}
_ORDER = (NamespaceRecord, QueueRecord, *_WRITERS)


def _optional(number: int | None) -> str:
    return "" if number is None else str(number)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else to_seconds(milliseconds)

"""What a namespace holds, as records that any store can write and any can read back.

A record is a line of JSON. Times are whole milliseconds since 1970; what is not there is left out. Two stores that hold
the same write the same records, so that counts and checksums can be compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal

import msgspec

from qless_flask.errors import Invalid
from qless_flask.models.backoff import Backoff
from qless_flask.models.chosen import whole
from qless_flask.models.recurrences import Recurrence
from qless_flask.models.words import OnParentEnd, State

_Kind = Literal["complete", "retry", "fail", "release"]
OWN_PREFIXES = ("reader:", "copy:")
"""What the names of memos begin with that belong to the store that they are in, and are not dumped."""


class Record(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="kind"
):
    """One thing that a namespace holds."""


class NamespaceRecord(Record, frozen=True, kw_only=True, tag="namespace"):
    """Its own settings, as JSON has them, and how many round_robin pops have found something."""

    settings: dict[str, Any] = {}
    turn: int = 0


class QueueRecord(Record, frozen=True, kw_only=True, tag="queue"):
    """A queue: its own settings, the last place given, and the times of its latest pops that its `rate` counts."""

    name: str
    settings: dict[str, Any] = {}
    paused: bool = False
    place: int = 0
    popped: list[int] = []
    rate_since: int | None = None
    """Pops before then do not count, though they are remembered."""
    key_rate_since: int | None = None
    warned_at: int | None = None
    """When it last told that failed jobs would be trimmed soon."""


class KeyRecord(Record, frozen=True, kw_only=True, tag="key"):
    """The times of the latest pops of a key that a queue's `key_rate` counts."""

    queue: str
    key: str
    popped: list[int]


class JobRecord(Record, frozen=True, kw_only=True, tag="job"):
    """A job, with all that the store knows of it."""

    jid: str
    klass: str
    queue: str
    state: State
    priority: int = 0
    place: int = 0
    """While it waits or runs; else 0."""
    created_at: int
    available_at: int
    started_at: int | None = None
    ended_at: int | None = None
    remaining: int
    losses: int = 0
    runs: int = 0
    worker: str | None = None
    token: str | None = None
    """Of the lease; of a canceled job, that of its last holder."""
    expires_at: int | None = None
    settled: tuple[str, _Kind, State] | None = None
    """The last settled token, how, and the state that was answered."""
    failure: tuple[str, str, int, str | None, int] | None = None
    """Group, message, when, worker, run."""
    history: list[tuple[int, str, str | None]]
    """When, event, and the queue, worker or group that goes with it."""
    log: list[tuple[int, str, str | None]] = []
    """When, message, data."""
    tags: list[str] = []
    retries: int | None = None
    pipeline: list[str] = []
    depends: list[str] = []
    """What it waits for still, sorted."""
    due_in: int | None = None
    """While it depends: milliseconds that it is put off then."""
    due_at_unblock: int | None = None
    """While it depends: the time when it is due, where that is fixed."""
    on_parent_end: OnParentEnd = "wait"
    backoff: dict[str, Any] | None = None
    max_run: int | None = None
    expires_in: int | None = None
    start_by: int | None = None
    """While it has not been popped: when it expires."""
    unique: tuple[str, int | None] | None = None
    """Its key, and for how many milliseconds."""
    holds_unique: bool = False
    requires: list[str] = []
    key: str | None = None
    tracked: bool = False
    recurrence: str | None = None
    due_at: int | None = None
    progress: str | None = None
    data: str
    result: str | None = None


class UntoldRecord(Record, frozen=True, kw_only=True, tag="untold"):
    """An ended job some of whose dependents are not told yet: those behind `after`, by jid ("": all)."""

    number: int
    """In the order in which they are told, from 1."""
    jid: str
    after: str = ""


class WorkerRecord(Record, frozen=True, kw_only=True, tag="worker"):
    """A worker; how many jobs it runs is told by these."""

    name: str
    seen_at: int
    quiet: bool = False
    stop: bool = False
    capabilities: list[str] = []


class TagRecord(Record, frozen=True, kw_only=True, tag="tag"):
    """The figures of a tag but for those that its jobs tell."""

    name: str
    tracked: bool = False
    waits: int = 0
    waited: int = 0
    runs: int = 0
    ran: int = 0


class RecurrenceRecord(Record, frozen=True, kw_only=True, tag="recurrence"):
    """A recurrence: its rule as `rule_message` writes it, and how it stands."""

    rule: dict[str, Any]
    next_at: int | None = None
    paused: bool = False
    fired: int = 0
    last_at: int | None = None
    last_jid: str | None = None


class FiguresRecord(Record, frozen=True, kw_only=True, tag="figures"):
    """A row of statistics, see `backends.folding`."""

    period: str
    of: str
    name: str
    text: str


class MemoRecord(Record, frozen=True, kw_only=True, tag="memo"):
    """What `remember` keeps, but for what belongs to the store that it is in (`reader:…`, `copy:…`)."""

    name: str
    value: str


AnyRecord = (
    NamespaceRecord
    | QueueRecord
    | KeyRecord
    | JobRecord
    | UntoldRecord
    | WorkerRecord
    | TagRecord
    | RecurrenceRecord
    | FiguresRecord
    | MemoRecord
)


@dataclass(frozen=True, slots=True)
class Dumped:
    """A page of a dump: ask with `next` for the one after it; None at the end."""

    records: tuple[AnyRecord, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Erased:
    """What a step of `erase` did: go on with `next` until that is None."""

    deleted: int
    next: str | None


class Tally:
    """Counts records by kind, and sums their checksums up, whatever order they come in; a job counts once."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._sum = 0
        self._jobs: set[int] = set()

    def add(self, records: Iterable[AnyRecord]) -> list[AnyRecord]:
        """Take records in, and answer those that count: all but the jobs that are in it already."""
        counting: list[AnyRecord] = []
        for record in records:
            if isinstance(record, JobRecord):
                jid = _digest(record.jid.encode())
                if jid in self._jobs:
                    continue
                self._jobs.add(jid)
            counting.append(record)
            kind = str(record.__struct_config__.tag)
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self._sum = (self._sum + _digest(encode_record(record))) % (1 << 64)
        return counting

    @property
    def jobs(self) -> int:
        """How many jobs are in it."""
        return self.counts.get("job", 0)

    @property
    def checksum(self) -> str:
        """The sum so far, as 16 hexadecimal digits."""
        return f"{self._sum:016x}"


def encode_record(record: AnyRecord) -> bytes:
    """Write a record as a line of JSON, always the same: 60 and 60.0 are one."""
    return msgspec.json.encode(_plain(record), order="deterministic")


def read_record(line: bytes | str) -> AnyRecord:
    """Read a line of JSON. Raise Invalid for what is no record."""
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Invalid.of({"records": [str(error)]}) from error


def distinct(records: Iterable[AnyRecord]) -> list[AnyRecord]:
    """Of records of the same thing, keep the last."""
    return list({identity(record): record for record in records}.values())


def identity(record: AnyRecord) -> tuple[object, ...]:
    """Tell of which thing a record is: two of the same cannot be in a namespace."""
    match record:
        case JobRecord():
            return "job", record.jid
        case KeyRecord():
            return "key", record.queue, record.key
        case UntoldRecord():
            return "untold", record.jid
        case RecurrenceRecord():
            return "recurrence", record.rule.get("id")
        case FiguresRecord():
            return "figures", record.period, record.of, record.name
        case NamespaceRecord():
            return ("namespace",)
    return record.__struct_config__.tag, record.name


def rule_message(rule: Recurrence) -> dict[str, Any]:
    """Write the rule of a recurrence, by the names of its fields; what is as it is by itself is left out."""
    message: dict[str, Any] = {}
    for each in fields(Recurrence):
        value = getattr(rule, each.name)
        if each.default is MISSING or value != each.default:
            message[each.name] = list(value) if isinstance(value, tuple) else value
    if rule.backoff is not None:
        message["backoff"] = rule.backoff.as_message()
    return message


def read_rule(message: Mapping[str, Any]) -> Recurrence:
    """Read a rule as it was written. Raise Invalid for what is none."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in message.items()
    }
    try:
        if isinstance(values.get("backoff"), Mapping):
            values["backoff"] = Backoff.of(values["backoff"])
        rule = Recurrence(**values)
    except TypeError as error:
        raise Invalid.of({"fields": ["must be those of a recurrence"]}) from error
    if rule.id is None:
        raise Invalid.of({"id": ["must be given"]})
    return rule


_DECODER: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)
_NUMBERED = ("settings", "rule", "backoff")


def _plain(record: AnyRecord) -> AnyRecord:
    """Let numbers that can come as 60 or as 60.0 stand as 60."""
    changes = {name: whole(value) for name in _NUMBERED if (value := getattr(record, name, None))}
    return msgspec.structs.replace(record, **changes) if changes else record


def _digest(text: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())

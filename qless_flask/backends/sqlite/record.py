"""A job as its row holds it, and the Job that it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from qless_flask.backends.numbers import HISTORY_ENTRIES
from qless_flask.backends.sqlite.options import NO_OPTIONS, read_options
from qless_flask.backends.store import to_seconds
from qless_flask.models import Failure, HistoryEntry, Job, State

SCHEDULED, WAITING, RUNNING, COMPLETE, FAILED, CANCELED, DEPENDS, LANED = range(1, 9)
STATE_NAMES: dict[int, State] = {
    SCHEDULED: "scheduled",
    WAITING: "waiting",
    RUNNING: "running",
    COMPLETE: "complete",
    FAILED: "failed",
    CANCELED: "canceled",
    DEPENDS: "depends",
}
"""All but LANED, which is a way of waiting."""
shown = {LANED: WAITING, **{number: number for number in range(LANED)}}.__getitem__
"""The state as everybody knows it; 0 stands for not being there."""
state_name = {number: STATE_NAMES[shown(number)] for number in range(1, LANED + 1)}.__getitem__
"""Name a state."""
STATE_NUMBERS: dict[State, int] = {name: number for number, name in STATE_NAMES.items()}
ALIVE = frozenset({SCHEDULED, WAITING, RUNNING, DEPENDS, LANED})

SET_END = "\x1f"
"""What stands between the things that a job requires."""
PRIORITY_STEP = 1 << 44
NEVER = 1 << 62
"""Where a lease without an expiry stands among those that have one: behind them all."""

Value = str | int | None


@dataclass(slots=True)
class Record:
    """A row of the table job; the columns in the table's order."""

    id: int
    namespace: int
    jid: str
    queue: int
    state: int
    ord: int
    priority: int
    place: int
    created_at: int
    available_at: int
    started_at: int | None
    ended_at: int | None
    retries: int | None
    remaining: int
    losses: int
    runs: int
    worker: str | None
    token: str | None
    expires_at: int | None
    settled_token: str | None
    settled_as: str | None
    settled_state: int | None
    failure_group: str | None
    tags: str | None
    pipeline: str | None
    history: str
    options: str | None
    later: int | None
    start_by: int | None
    tracked: int
    awaited: int
    progress: str | None
    requires: str | None
    """As `waiting.offers` spells it; None for jobs that have no key either: they wait in no lane."""
    key: str | None
    klass: str | None = None
    """No column here: the table body has it, and who reads both notes it."""

    def note(self, at: int, event: str, detail: str | None) -> None:
        """Add to the history; the oldest entry goes when there are too many."""
        self.history += f"{at} {_CODES[event]}{detail or ''}\n"
        if self.history.count("\n") > HISTORY_ENTRIES:
            self.history = self.history.partition("\n")[2]


_COLUMNS = [name for name in Record.__dataclass_fields__ if name != "klass"]
COLUMNS = len(_COLUMNS)

new_values = attrgetter(*_COLUMNS)
"""All columns, as INSERT takes them."""

_FIXED = ("id", "namespace", "jid", "created_at", "options", "requires", "key")
changed_values = attrgetter(*[name for name in _COLUMNS if name not in _FIXED], "id")
"""The columns that transitions change, and the id, as UPDATE takes them."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a Job needs beside its record."""

    queue: str
    klass: str
    data: str | None = None
    failure: Failure | None = None


def job_of(record: Record, around: Surroundings, *, history: bool = False) -> Job:
    """Build the Job that a record stands for."""
    options = read_options(record.options) if record.options else NO_OPTIONS
    return Job(
        jid=record.jid,
        klass=around.klass,
        queue=around.queue,
        state=state_name(record.state),
        priority=record.priority,
        tags=split(record.tags),
        retries=record.retries,
        remaining=record.remaining,
        losses=record.losses,
        pipeline=split(record.pipeline),
        worker=record.worker,
        failure=around.failure,
        created_at=to_seconds(record.created_at),
        available_at=to_seconds(record.available_at),
        started_at=None if record.started_at is None else to_seconds(record.started_at),
        ended_at=None if record.ended_at is None else to_seconds(record.ended_at),
        on_parent_end=options.on_parent_end,
        backoff=options.backoff,
        max_run=options.max_run,
        expires_in=options.expires_in,
        unique=options.unique,
        requires=tuple(record.requires.split(SET_END)) if record.requires else (),
        key=record.key,
        tracked=bool(record.tracked),
        recurrence=options.recurrence,
        due_at=options.due_at,
        progress=record.progress,
        data=around.data,
        history=read_history(record.history) if history else (),
    )


def read_job(row: Sequence[Value], *, history: bool = False) -> Job:
    """Build a Job from a row of job, queue's name, klass, data and the failure's columns, as the look-ups select it."""
    record = Record(*row[:COLUMNS])  # type: ignore[arg-type]
    queue, klass, data, *failure = row[COLUMNS:]
    around = Surroundings(queue, klass, data, read_failure(record.failure_group, failure))  # type: ignore[arg-type]
    return job_of(record, around, history=history)


def read_failure(group: str | None, row: Sequence[Value]) -> Failure | None:
    """Build the Failure of a group from a row of the table failure without its job."""
    if group is None:
        return None
    message, at, worker, run = row
    return Failure(group, message, to_seconds(at), worker, run)  # type: ignore[arg-type]


def read_history(text: str) -> tuple[HistoryEntry, ...]:
    """Build the entries, oldest first."""
    return tuple(_entry(line) for line in text.split("\n")[:-1])


def write_history(entries: Iterable[tuple[int, str, str | None]]) -> str:
    """Write entries as a record keeps them: when, the event, and what goes with it."""
    return "".join(f"{at} {_CODES[event]}{detail or ''}\n" for at, event, detail in entries)


def join(texts: Sequence[str]) -> str | None:
    """Put names or texts into one column."""
    return "\t".join(texts) or None


def split(text: str | None) -> tuple[str, ...]:
    """Take them out again."""
    return tuple(text.split("\t")) if text else ()


_CODES = {
    "put": "q",
    "popped": "p",
    "advanced": "a",
    "completed": "c",
    "retried": "r",
    "failed": "f",
    "released": "b",
    "lost": "l",
    "canceled": "x",
    "moved": "m",
    "promoted": "d",
    "timed_out": "t",
    "updated": "u",
    "unblocked": "n",
    "expired": "e",
    "finished": "w",
    "tracked": "k",
    "untracked": "v",
}
_EVENTS = {code: event for event, code in _CODES.items()}
_DETAILS = {
    "put": "queue",
    "popped": "worker",
    "advanced": "queue",
    "retried": "group",
    "failed": "group",
    "lost": "worker",
    "moved": "queue",
    "expired": "group",
    "finished": "group",
}


def _entry(line: str) -> HistoryEntry:
    at, _, rest = line.partition(" ")
    event, detail = _EVENTS[rest[0]], rest[1:]
    known = {_DETAILS[event]: detail or None} if event in _DETAILS else {}
    return HistoryEntry(to_seconds(int(at)), event, **known)

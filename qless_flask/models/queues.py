"""Queues and workers in figures, and what queues can be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from qless_flask.bounds import (
    MAX_DELAY_SECONDS,
    MAX_RETRIES,
    MIN_CLOCK_SECONDS,
    MIN_HEARTBEAT_SECONDS,
    Checks,
)
from qless_flask.errors import Invalid
from qless_flask.models.backoff import Backoff

_BACKOFF = Backoff()


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What a queue can be told, with its defaults."""

    heartbeat: float | None = 60.0
    """Seconds that a lease lives without a heartbeat; None: until it is settled or timed out."""
    retries: int = 5
    """Retries allowed after the first run in this stage, for jobs that don't say."""
    max_losses: int = 3
    """How often a lease may be lost in this stage before the job fails."""
    max_run: float | None = None
    """Seconds that a run may take, heartbeats or not, for jobs that don't say; None: any time."""
    backoff: Backoff = _BACKOFF
    """How long a retry that names no delay is put off, for jobs that don't say."""

    def __post_init__(self) -> None:
        check = Checks()
        if self.heartbeat is not None:
            check.seconds("heartbeat", self.heartbeat, MIN_HEARTBEAT_SECONDS, MAX_DELAY_SECONDS)
        check.integer("retries", self.retries, 0, MAX_RETRIES)
        check.integer("max_losses", self.max_losses, 0, MAX_RETRIES)
        if self.max_run is not None:
            check.seconds("max_run", self.max_run, MIN_CLOCK_SECONDS, MAX_DELAY_SECONDS)
        check.kind("backoff", self.backoff, Backoff)
        check.done()


Setting = float | int | Backoff | None
SETTING_NAMES: tuple[str, ...] = tuple(each.name for each in fields(QueueSettings))


def checked_settings(changes: Mapping[str, Setting | Mapping[str, object]]) -> dict[str, Setting]:
    """Return the changes as a queue keeps them, or raise Invalid for a name or value that no queue can have.

    A back-off may come as the object that it is in JSON.
    """
    check = Checks()
    found: dict[str, Setting] = {}
    for name, value in changes.items():
        if name not in SETTING_NAMES:
            check.wrong(name, f"is no setting; there are {', '.join(SETTING_NAMES)}")
        else:
            found[name] = _backoff(check, name, value) if isinstance(value, Mapping) else value
    try:
        QueueSettings(**found)  # type: ignore[arg-type]
    except Invalid as error:
        for name, said in error.fields.items():
            check.wrong(name, " ".join(said))
    check.done()
    return found


def _backoff(check: Checks, name: str, message: Mapping[str, object]) -> Backoff:
    known = {each.name for each in fields(Backoff)}
    for unknown in message.keys() - known:
        check.wrong(f"{name}.{unknown}", f"is no field here; there are {', '.join(sorted(known))}")
    try:
        return Backoff(**{key: value for key, value in message.items() if key in known})  # type: ignore[arg-type]
    except Invalid as error:
        check.merge(name, error.fields)
        return Backoff()


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and how many of its jobs are in each state."""

    name: str
    paused: bool
    scheduled: int
    depends: int
    waiting: int
    running: int
    stalled: int
    """Of the running, those whose lease has expired."""
    complete: int
    failed: int
    canceled: int
    oldest_wait: float | None
    """Seconds that the job waits that is next of its priority, the longest of these; None: none waits."""
    settings: QueueSettings


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that has popped here lately."""

    name: str
    running: int
    seen_at: float
    quiet: bool = False
    """It is asked to pop no more."""
    stop: bool = False
    """It is asked to end."""

"""Queues and workers in figures, and what queues can be told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

from qless_flask.bounds import (
    MAX_CONCURRENCY,
    MAX_DELAY_SECONDS,
    MAX_KEPT,
    MAX_RATE,
    MAX_RETRIES,
    MIN_CLOCK_SECONDS,
    MIN_HEARTBEAT_SECONDS,
    Checks,
)
from qless_flask.errors import Invalid
from qless_flask.models.backoff import Backoff
from qless_flask.models.chosen import Chosen

_DAY = 86_400.0
MAX_CHOSEN = 64
"""How many policies, and how many trackers, a namespace has at most."""
MAX_KLASSES = 1_000
"""For how many klasses a namespace has a back-off at most."""
MAX_PLAN_BYTES = 256 << 10
"""How long the policies are at most, as JSON; likewise the trackers, and the back-off of klasses."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` pops in any window of `per` seconds, by the store's clock."""

    limit: int
    per: float

    def __post_init__(self) -> None:
        check = Checks()
        check.integer("limit", self.limit, 1, MAX_RATE)
        check.seconds("per", self.per, MIN_CLOCK_SECONDS, MAX_DELAY_SECONDS)
        check.done()


@dataclass(frozen=True, slots=True)
class Keep:
    """How many ended jobs a queue keeps, and how old they may become: prune deletes what is beyond either."""

    age: float
    """Seconds from their end."""
    count: int

    def __post_init__(self) -> None:
        check = Checks()
        check.seconds("age", self.age, 0, MAX_DELAY_SECONDS)
        check.integer("count", self.count, 0, MAX_KEPT)
        check.done()


@dataclass(frozen=True, slots=True)
class Retention:
    """What a queue keeps of jobs that have ended, by how they did."""

    complete: Keep = Keep(7 * _DAY, 50_000)
    canceled: Keep = Keep(_DAY, 10_000)
    failed: Keep = Keep(90 * _DAY, 100_000)

    def __post_init__(self) -> None:
        check = Checks()
        for each in fields(self):
            check.kind(each.name, getattr(self, each.name), Keep)
        check.done()


_BACKOFF = Backoff()
_RETENTION = Retention()


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
    max_concurrency: int | None = None
    """How many of its jobs may run at once; None: any number, as for the limits below."""
    rate: Rate | None = None
    """How often it may be popped from."""
    key_concurrency: int | None = None
    """How many of its jobs with the same key may run at once."""
    key_rate: Rate | None = None
    """How often jobs with the same key may be popped from it."""
    max_size: int | None = None
    """How many of its jobs may be scheduled, depend or wait: a put beyond that is refused, whole."""
    retention: Retention = _RETENTION
    """What it keeps of jobs that have ended."""

    def __post_init__(self) -> None:
        check = Checks()
        if self.heartbeat is not None:
            check.seconds("heartbeat", self.heartbeat, MIN_HEARTBEAT_SECONDS, MAX_DELAY_SECONDS)
        check.integer("retries", self.retries, 0, MAX_RETRIES)
        check.integer("max_losses", self.max_losses, 0, MAX_RETRIES)
        if self.max_run is not None:
            check.seconds("max_run", self.max_run, MIN_CLOCK_SECONDS, MAX_DELAY_SECONDS)
        check.kind("backoff", self.backoff, Backoff)
        for name in ("max_concurrency", "key_concurrency", "max_size"):
            if getattr(self, name) is not None:
                check.integer(name, getattr(self, name), 1, MAX_CONCURRENCY)
        for name in ("rate", "key_rate"):
            if getattr(self, name) is not None:
                check.kind(name, getattr(self, name), Rate)
        check.kind("retention", self.retention, Retention)
        check.done()


Plan = tuple[Chosen, ...] | Mapping[str, Backoff]
"""What a namespace alone can be told: policies, trackers, the back-off of klasses."""
Setting = float | int | Backoff | Rate | Retention | Plan | None
SETTING_NAMES: tuple[str, ...] = tuple(each.name for each in fields(QueueSettings))
PLAN_NAMES: tuple[str, ...] = ("policies", "trackers", "klass_backoff")
"""The names of the settings that a namespace has and a queue has not."""


def checked_settings(changes: Mapping[str, Setting | object], *, namespace: bool = False) -> dict[str, Setting]:
    """Return the changes as a queue, or a namespace, keeps them; raise Invalid for a name or value that it cannot have.

    What is an object may come as it is in JSON, alone or in its list.
    """
    check = Checks()
    names = SETTING_NAMES + PLAN_NAMES if namespace else SETTING_NAMES
    found: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in names:
            check.wrong(name, f"is no setting; there are {', '.join(names)}")
        elif name in _PLANS:
            _PLANS[name](check, name, value, found)
        elif isinstance(value, Mapping) and name in _BUILDERS:
            try:
                found[name] = _BUILDERS[name](value)
            except Invalid as error:
                check.merge(name, error.fields)
        else:
            found[name] = value
    try:
        QueueSettings(**_without_plans(found))
    except Invalid as error:
        _take_over(check, error)
    check.done()
    return found


def in_force(*layers: Mapping[str, Setting]) -> QueueSettings:
    """Lay settings of queues over each other, the last on top, and all of them over the defaults."""
    laid: dict[str, Any] = {}
    for layer in layers:
        laid |= layer
    return QueueSettings(**_without_plans(laid))


def namespace_settings(own: Mapping[str, Setting], frozen: bool) -> NamespaceSettings:
    """Put together what a namespace was told, of what it says itself."""
    plans: dict[str, Any] = {name: own[name] for name in PLAN_NAMES if name in own}
    return NamespaceSettings(in_force(own), tuple(sorted(own)), frozen, **plans)


def setting_message(value: Setting) -> object:
    """Write a setting as the JSON that `checked_settings` takes."""
    if isinstance(value, Backoff):
        return value.as_message()
    if isinstance(value, (Rate, Retention)):
        return asdict(value)
    if isinstance(value, tuple):
        return [each.as_message() for each in value]
    if isinstance(value, Mapping):
        return {name: value[name].as_message() for name in sorted(value)}
    return value


def check_setting_names(field: str, names: object, *, namespace: bool = False) -> None:
    """Raise Invalid unless these are names of settings, of a queue or a namespace."""
    check = Checks()
    if not isinstance(names, (tuple, list)):
        check.wrong(field, "must be a list")
    else:
        for index, name in enumerate(names):
            check.one_of(f"{field}.{index}", name, SETTING_NAMES + PLAN_NAMES if namespace else SETTING_NAMES)
    check.done()


def _build(kind: type[Any], message: Mapping[str, object]) -> Any:
    """Build one of our objects from the JSON that it is, or raise Invalid for all fields at fault."""
    known = {each.name: each for each in fields(kind)}
    check = Checks()
    for unknown in message.keys() - known.keys():
        check.wrong(unknown, f"is no field here; there are {', '.join(sorted(known))}")
    missing = [name for name, each in known.items() if name not in message and each.default is MISSING]
    for name in missing:
        check.wrong(name, "must be given")
    if missing:
        check.done()
    try:
        built = kind(**{name: value for name, value in message.items() if name in known})
    except Invalid as error:
        _take_over(check, error)
    check.done()
    return built


def _retention(message: Mapping[str, object]) -> Retention:
    states = [each.name for each in fields(Retention)]
    check = Checks()
    kept: dict[str, Any] = {}
    for name, value in message.items():
        try:
            kept[name] = _build(Keep, value) if name in states and isinstance(value, Mapping) else value
        except Invalid as error:
            check.merge(name, error.fields)
    try:
        built: Retention = _build(Retention, kept)
    except Invalid as error:
        _take_over(check, error)
    check.done()
    return built


def _without_plans(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in PLAN_NAMES}


def _chosen(check: Checks, field: str, value: object, found: dict[str, Any]) -> None:
    if not isinstance(value, (tuple, list)):
        check.wrong(field, "must be a list")
        return
    if len(value) > MAX_CHOSEN:
        check.wrong(field, f"must be at most {MAX_CHOSEN}")
        return
    chosen: list[Chosen] = []
    for index, each in enumerate(value):
        built = _one(check, f"{field}.{index}", each, Chosen)
        if built is None:
            continue
        chosen.append(built)
        if [other.id for other in chosen].count(chosen[-1].id) > 1:
            check.wrong(f"{field}.{index}.id", f"{chosen[-1].id} stands there already: give each its own id")
    found[field] = tuple(chosen)
    _check_size(check, field, tuple(chosen))


def _klass_backoff(check: Checks, field: str, value: object, found: dict[str, Any]) -> None:
    if not isinstance(value, Mapping):
        check.wrong(field, "must be an object: klass to back-off")
        return
    if len(value) > MAX_KLASSES:
        check.wrong(field, f"must be at most {MAX_KLASSES:,}")
        return
    backoffs: dict[str, Backoff] = {}
    for klass, each in value.items():
        check.text(field, klass)
        built = _one(check, f"{field}.{klass}", each, Backoff)
        if built is not None:
            backoffs[klass] = built
    found[field] = backoffs
    _check_size(check, field, backoffs)


def _one(check: Checks, field: str, value: object, kind: type[Any]) -> Any:
    """Take one of our objects, or build it from the JSON that it is; None: something is wrong with it."""
    if isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        check.wrong(field, "must be an object")
        return None
    try:
        return kind.of(value)
    except Invalid as error:
        check.merge(field, error.fields)
    return None


def _check_size(check: Checks, field: str, plan: Plan) -> None:
    if len(json.dumps(setting_message(plan), ensure_ascii=False).encode(errors="replace")) > MAX_PLAN_BYTES:
        check.wrong(field, f"must be at most {MAX_PLAN_BYTES:,} bytes, all together")


_PLANS: dict[str, Callable[[Checks, str, object, dict[str, Any]], None]] = {
    "policies": _chosen,
    "trackers": _chosen,
    "klass_backoff": _klass_backoff,
}


def _take_over(check: Checks, error: Invalid) -> None:
    for name, said in error.fields.items():
        check.wrong(name, " ".join(said))


_BUILDERS: dict[str, Callable[[Mapping[str, object]], Setting]] = {
    "backoff": Backoff.of,
    "rate": lambda message: _build(Rate, message),
    "key_rate": lambda message: _build(Rate, message),
    "retention": _retention,
}


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
    """Those in force: its own and, of what it does not say itself, its namespace's."""
    own: tuple[str, ...] = ()
    """The names of the settings that it says itself, sorted."""


@dataclass(frozen=True, slots=True)
class NamespaceSettings:
    """What a namespace was told: the settings of its queues that do not say otherwise."""

    settings: QueueSettings
    own: tuple[str, ...] = ()
    """The names of those that it says itself, sorted; the others are as QueueSettings has them."""
    frozen: bool = False
    """It is read-only, for a dump or a load, or because it is being erased."""
    policies: tuple[Chosen, ...] = ()
    """What looks at each put, in this order, and may change or refuse it; see `qless_flask.hookspecs.Policy`."""
    trackers: tuple[Chosen, ...] = ()
    """What is told of jobs by their tags; see `qless_flask.hookspecs.TagTracker`."""
    klass_backoff: Mapping[str, Backoff] = field(default_factory=dict)
    """By klass, how long a retry that names no delay is put off, for jobs that don't say; before what queues say."""


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
    capabilities: tuple[str, ...] = ()
    """What it offered at its last pop, sorted."""

"""A namespace read whole, each index by itself, so that a checker can hold them against the jobs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from qless_flask.backends.inspection import StoreView
from qless_flask.backends.store import to_seconds
from qless_flask.models import STATES, Job, State
from qless_lmdb import shown
from qless_lmdb.ends import left_to_tell
from qless_lmdb.look import Look
from qless_lmdb.lookups import tracked_tags
from qless_lmdb.namespace import LMDBNamespace
from qless_lmdb.records import COUNT, JOB, RECURRENCE, JobState
from qless_lmdb.recurrences import read_recurring
from qless_lmdb.standing import standings

KINDS = {
    "data", "dependent", "due", "event", "failed", "figures", "group", "itself", "job", "jobs", "key", "key runs",
    "lane", "leader", "lines", "memo", "popped", "queue", "recurrence", "request", "request until", "requires",
    "result", "run by", "runs", "start by", "state", "tag", "tagged", "times", "tracked", "tracked tag", "unique",
    "unique until", "untold", "untold number", "waiting", "worker",
}  # fmt: skip


def inspect(namespace: LMDBNamespace) -> StoreView:
    """Read one state of a namespace."""
    return namespace.backend.read(namespace.name, _view)


def _view(look: Look) -> StoreView:
    records = [JOB.decode(value) for _, value in look.walk("job")]
    jobs = {str(jid): shown.whole(look, record) for ((jid,), _), record in zip(look.walk("job"), records, strict=True)}
    running = [record for record in records if record.state == "running"]
    return StoreView(
        jobs=jobs,
        places={record.jid: record.place for record in records},
        tokens={record.jid: record.token for record in running if record.token},
        expiries={record.jid: to_seconds(record.expires_at) for record in records if record.expires_at is not None},
        indexes=_indexes(look),
        counts={(str(queue), _state(state)): count for (queue, state), count in _counters(look, "jobs")},
        tags=_sets(look, "tag"),
        groups=_sets(look, "group"),
        workers={str(name): count for (name,), count in _counters(look, "runs")},
        depends={record.jid: frozenset(record.depends) for record in records if record.depends},
        dependents=_sets(look, "dependent"),
        untold=frozenset(untold.jid for _, untold in left_to_tell(look)),
        unique={str(key): jid.decode() for (key,), jid in look.walk("unique")},
        keys=_sets(look, "key"),
        key_running={(str(queue), str(key)): count for (queue, key), count in _counters(look, "key runs")},
        requirement_sets=_requirement_sets(look, jobs),
        start_by={str(jid): to_seconds(int(at)) for (_, at, jid), _ in look.walk("start by")},
        tracked=frozenset(str(jid) for (jid,), _ in look.walk("tracked")),
        tracked_tags=frozenset(tracked_tags(look)),
        figures=_figures(look),
        touched=_touched(look),
        recurrences={str(id): read_recurring(RECURRENCE.decode(value)) for (id,), value in look.walk("recurrence")},
        due={str(id): to_seconds(int(at)) for (at, id), _ in look.walk("due")},
        queues=frozenset(look.queue_names()),
        strays=tuple(_strays(look, records)),
    )


def _state(name: object) -> State:
    return next(state for state in STATES if state == name)


def _counters(look: Look, kind: str) -> Iterator[tuple[tuple[str | int, ...], int]]:
    return ((key, COUNT.decode(value)) for key, value in look.walk(kind))


def _indexes(look: Look) -> dict[tuple[str, State], tuple[str, ...]]:
    found: dict[tuple[str, State], list[str]] = defaultdict(list)
    for (queue, number, *_), jid in look.walk("state"):
        found[str(queue), STATES[int(number)]].append(jid.decode())
    return {key: tuple(jids) for key, jids in found.items()}


def _sets(look: Look, kind: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for (name, *_), jid in look.walk(kind):
        found[str(name)].add(jid.decode())
    return {name: frozenset(jids) for name, jids in found.items()}


def _requirement_sets(look: Look, jobs: dict[str, Job]) -> dict[tuple[str, tuple[str, ...]], int]:
    # The index has numbers alone: what they stand for is said by the jobs in it.
    return Counter(
        (str(queue), jobs[str(jid)].requires) for (queue, _, jid), _ in look.walk("requires") if str(jid) in jobs
    )


def _figures(look: Look) -> dict[str, dict[State, int]]:
    found: dict[str, dict[State, int]] = defaultdict(dict)
    for (tag, state), count in _counters(look, "tagged"):
        found[str(tag)][_state(state)] = count
    return dict(found)


def _touched(look: Look) -> dict[str, dict[tuple[str, str], int]]:
    found: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    for (group, kind, name), count in _counters(look, "failed"):
        found[str(group)][str(kind), str(name)] = count
    return dict(found)


def _strays(look: Look, records: list[JobState]) -> Iterator[str]:
    """Tell of keys that belong to nothing, and of those that should be there."""
    jids = {record.jid for record in records}
    wanted = {key: value for record in records for key, value in standings(record).items()}
    kinds = {kind for kind, *_ in wanted} | {"lane", "waiting", "state", "requires"}
    for key, value in look.walk():
        beside = key[0] in ("data", "result", "lines") and key[1] not in jids
        if beside or (key[0] in kinds and wanted.pop(key, None) != value):
            yield f"the key {key}"
        elif key[0] not in KINDS:
            yield f"a key of no kind: {key}"
    yield from (f"no key {key}" for key in wanted)
    tags = {tag for record in records for tag in record.tags}
    yield from (f"times of the tag {tag}" for (tag,), _ in look.walk("times") if tag not in tags)

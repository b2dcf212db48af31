"""A namespace read whole from its tables, so that a checker can hold indexes and counters against the jobs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from qless_flask.backends.inspection import StoreView
from qless_flask.backends.sqlite.figure_statements import (
    ALL_DEPENDENTS,
    ALL_DEPENDS,
    ALL_DUE,
    ALL_FIGURES,
    ALL_GROUPS_TOUCHED,
    ALL_HEADS,
    ALL_KEY_ROWS,
    ALL_KEYS,
    ALL_LANES,
    ALL_RECURRENCES,
    ALL_SETS,
    ALL_START_BY,
    ALL_TRACKED,
    ALL_UNIQUE,
    ALL_UNTOLD,
    FIGURE_STRAYS,
    LIMIT_STRAYS,
    TRACKED_TAGS,
)
from qless_flask.backends.sqlite.lanes import KeyRow, kept_back
from qless_flask.backends.sqlite.limits import spell_key_limits
from qless_flask.backends.sqlite.look import Look, QueueRow
from qless_flask.backends.sqlite.namespace import SQLiteNamespace
from qless_flask.backends.sqlite.record import COLUMNS, RUNNING, SET_END, STATE_NAMES, WAITING, Record, state_name
from qless_flask.backends.sqlite.recurrences import read_recurring
from qless_flask.backends.sqlite.shown import whole
from qless_flask.backends.sqlite.statements import (
    ALL_JOBS,
    ALL_TAGS,
    GROUPS,
    IN_ORDER,
    QUEUES,
    STRAYS,
    WORKERS,
)
from qless_flask.backends.store import to_seconds
from qless_flask.models import Recurring, State


def inspect(namespace: SQLiteNamespace) -> StoreView:
    """Read one state of a namespace, each table and index by itself."""
    return namespace.backend.read(namespace.name, _view)


def _view(look: Look) -> StoreView:
    rows = look.connection.execute(ALL_JOBS, (look.namespace,)).fetchall()
    records = [Record(*row[:COLUMNS]) for row in rows]
    queues = [QueueRow.of(row) for row in look.connection.execute(QUEUES, (look.namespace,))]
    running = [record for record in records if record.state == RUNNING]
    return StoreView(
        jobs={job.jid: job for job in (whole(look, row) for row in rows)},
        places={record.jid: record.place for record in records},
        tokens={record.jid: record.token for record in records if record.token and record in running},
        expiries={record.jid: to_seconds(record.expires_at) for record in records if record.expires_at is not None},
        indexes=_indexes(look, queues),
        counts={
            (queue.name, name): count
            for queue in queues
            for number, name in STATE_NAMES.items()
            if (count := queue.waiting if number == WAITING else queue.counts[number])
        },
        tags=_sets(look, ALL_TAGS),
        groups=_sets(look, GROUPS),
        workers={name: running for name, *_, running in look.connection.execute(WORKERS, (look.namespace,)) if running},
        depends=_sets(look, ALL_DEPENDS),
        dependents=_sets(look, ALL_DEPENDENTS),
        untold=_names(look, ALL_UNTOLD),
        unique=dict(look.connection.execute(ALL_UNIQUE, (look.namespace,))),
        keys=_sets(look, ALL_KEYS),
        key_running=_key_running(look, queues),
        requirement_sets=_requirement_sets(look, queues),
        start_by=_times(look, ALL_START_BY),
        tracked=_names(look, ALL_TRACKED),
        tracked_tags=_names(look, TRACKED_TAGS),
        figures=_figures(look),
        touched=_touched(look),
        recurrences=_recurrences(look),
        due=_times(look, ALL_DUE),
        queues=frozenset(queue.name for queue in queues),
        strays=(*_strays(look), *_lane_faults(look, queues)),
    )


def _indexes(look: Look, queues: list[QueueRow]) -> dict[tuple[str, State], tuple[str, ...]]:
    found: dict[tuple[str, State], tuple[str, ...]] = {}
    for queue in queues:
        by_state: dict[State, list[tuple[int, str]]] = defaultdict(list)
        for state, ord, jid in look.connection.execute(IN_ORDER, (queue.id,)):
            by_state[state_name(state)].append((ord, jid))
        # Those that wait in lanes stand behind the others in the index, and have the same order.
        found.update({(queue.name, state): tuple(jid for _, jid in sorted(jids)) for state, jids in by_state.items()})
    return found


def _sets(look: Look, statement: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, jid in look.connection.execute(statement, (look.namespace,)):
        found[name].add(jid or "a job that is not there")
    return {name: frozenset(jids) for name, jids in found.items()}


def _names(look: Look, statement: str) -> frozenset[str]:
    return frozenset(name for (name,) in look.connection.execute(statement, (look.namespace,)))


def _times(look: Look, statement: str) -> dict[str, float]:
    return {name: to_seconds(at) for name, at in look.connection.execute(statement, (look.namespace,))}


def _figures(look: Look) -> dict[str, dict[State, int]]:
    rows = look.connection.execute(ALL_FIGURES, (look.namespace,))
    return {tag: dict(zip(STATE_NAMES.values(), counts, strict=True)) for tag, *counts in rows if any(counts)}


def _touched(look: Look) -> dict[str, dict[tuple[str, str], int]]:
    found: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    for group, kind, name, jobs in look.connection.execute(ALL_GROUPS_TOUCHED, (look.namespace,)):
        found[group][kind, name] = jobs
    return dict(found)


def _recurrences(look: Look) -> dict[str, Recurring]:
    rows = look.connection.execute(ALL_RECURRENCES, (look.namespace,))
    return {recurring.rule.id or "": recurring for recurring in map(read_recurring, rows)}


def _key_running(look: Look, queues: list[QueueRow]) -> dict[tuple[str, str], int]:
    rows = ((queue.name, row) for queue in queues for row in look.connection.execute(ALL_KEY_ROWS, (queue.id,)))
    return {(name, key): running for name, (key, running, *_) in rows if running}


def _requirement_sets(look: Look, queues: list[QueueRow]) -> dict[tuple[str, tuple[str, ...]], int]:
    rows = ((queue.name, row) for queue in queues for row in look.connection.execute(ALL_SETS, (queue.id,)))
    return {(name, tuple(requires.split(SET_END))): jobs for name, (requires, jobs) in rows}


def _lane_faults(look: Look, queues: list[QueueRow]) -> Iterator[str]:
    """Tell of heads that are not the first jobs of their lanes, and of keys kept back that may run."""
    for queue in queues:
        keys = {row[0]: KeyRow(queue, *row) for row in look.connection.execute(ALL_KEY_ROWS, (queue.id,))}
        kept = {key for key, row in keys.items() if row.until is not None}
        heads = {
            (key, requires): None if key in kept else head
            for key, requires, head in look.connection.execute(ALL_HEADS, (queue.id,))
        }
        lanes = {(key, each): head for key, each, head in look.connection.execute(ALL_LANES, (queue.id,))}
        if lanes != heads:
            yield f"lanes of {queue.name}: {lanes} instead of {heads}"
        now_in_force = spell_key_limits(look, queue)
        for key in kept:
            row = keys[key]
            if row.limits == now_in_force and (row.until or 0) > look.now and kept_back(look, row) is None:
                yield f"key {key} of {queue.name} is kept back, and may run"


def _strays(look: Look) -> list[str]:
    statements = (STRAYS, FIGURE_STRAYS, LIMIT_STRAYS)
    rows = [row for statement in statements for row in look.connection.execute(statement)]
    return [f"{count} rows of {table}" for table, count in Counter(table for (table,) in rows).items()]

"""A namespace read whole from its tables, so that a checker can hold indexes and counters against the jobs."""

from __future__ import annotations

from collections import Counter, defaultdict

from qless_flask.backends.inspection import StoreView
from qless_flask.backends.sqlite.figure_statements import (
    ALL_DEPENDENTS,
    ALL_DEPENDS,
    ALL_DUE,
    ALL_FIGURES,
    ALL_GROUPS_TOUCHED,
    ALL_RECURRENCES,
    ALL_START_BY,
    ALL_TRACKED,
    ALL_UNIQUE,
    ALL_UNTOLD,
    FIGURE_STRAYS,
    TRACKED_TAGS,
)
from qless_flask.backends.sqlite.look import Look, QueueRow
from qless_flask.backends.sqlite.namespace import SQLiteNamespace
from qless_flask.backends.sqlite.record import COLUMNS, RUNNING, STATE_NAMES, Record
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
            (queue.name, name): queue.counts[number]
            for queue in queues
            for number, name in STATE_NAMES.items()
            if queue.counts[number]
        },
        tags=_sets(look, ALL_TAGS),
        groups=_sets(look, GROUPS),
        workers={name: running for name, *_, running in look.connection.execute(WORKERS, (look.namespace,)) if running},
        depends=_sets(look, ALL_DEPENDS),
        dependents=_sets(look, ALL_DEPENDENTS),
        untold=_names(look, ALL_UNTOLD),
        unique=dict(look.connection.execute(ALL_UNIQUE, (look.namespace,))),
        start_by=_times(look, ALL_START_BY),
        tracked=_names(look, ALL_TRACKED),
        tracked_tags=_names(look, TRACKED_TAGS),
        figures=_figures(look),
        touched=_touched(look),
        recurrences=_recurrences(look),
        due=_times(look, ALL_DUE),
        queues=frozenset(queue.name for queue in queues),
        strays=tuple(_strays(look)),
    )


def _indexes(look: Look, queues: list[QueueRow]) -> dict[tuple[str, State], tuple[str, ...]]:
    found: dict[tuple[str, State], tuple[str, ...]] = {}
    for queue in queues:
        by_state: dict[State, list[str]] = defaultdict(list)
        for state, jid in look.connection.execute(IN_ORDER, (queue.id,)):
            by_state[STATE_NAMES[state]].append(jid)
        found.update({(queue.name, state): tuple(jids) for state, jids in by_state.items()})
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


def _strays(look: Look) -> list[str]:
    rows = [*look.connection.execute(STRAYS), *look.connection.execute(FIGURE_STRAYS)]
    return [f"{count} rows of {table}" for table, count in Counter(table for (table,) in rows).items()]

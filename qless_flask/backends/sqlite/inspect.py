"""A namespace read whole from its tables, so that a checker can hold indexes and counters against the jobs."""

from __future__ import annotations

from collections import Counter, defaultdict

from qless_flask.backends.inspection import StoreView
from qless_flask.backends.sqlite.look import Look, QueueRow
from qless_flask.backends.sqlite.namespace import SQLiteNamespace
from qless_flask.backends.sqlite.record import COLUMNS, RUNNING, STATE_NAMES, Record, read_job
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
from qless_flask.models import State


def inspect(namespace: SQLiteNamespace) -> StoreView:
    """Read one state of a namespace, each table and index by itself."""
    return namespace.backend.read(namespace.name, _view)


def _view(look: Look) -> StoreView:
    rows = look.connection.execute(ALL_JOBS, (look.namespace,)).fetchall()
    records = [Record(*row[:COLUMNS]) for row in rows]
    queues = [QueueRow.of(row) for row in look.connection.execute(QUEUES, (look.namespace,))]
    running = [record for record in records if record.state == RUNNING]
    return StoreView(
        jobs={job.jid: job for job in (read_job(row, history=True) for row in rows)},
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
        workers={name: running for name, _, running in look.connection.execute(WORKERS, (look.namespace,)) if running},
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


def _strays(look: Look) -> list[str]:
    rows = look.connection.execute(STRAYS).fetchall()
    return [f"{count} rows of {table}" for table, count in Counter(table for (table,) in rows).items()]

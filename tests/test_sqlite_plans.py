"""No operation's cost grows with the length of a queue: every statement goes through an index, and so do operations."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qless_flask.backends.sqlite import SQLiteBackend, figure_statements, statements
from qless_flask.backends.sqlite.namespace import SQLiteNamespace
from qless_flask.models import Changes, Complete, Fail, Filter, Move, NewJob, Retry, Update

WHOLE = {"GROUPS", "IN_ORDER", "STRAYS", "FIGURE_STRAYS"} | {
    name for name in (*vars(statements), *vars(figure_statements)) if name.startswith("ALL_")
}
"""What inspect reads: there the cost is the point."""
NO_PLAN = {"BEGIN", "BEGIN_IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "ROLLBACK_TO", "HAS_TABLES"}
SMALL_SCANS = {"NAMESPACES": {"SCAN namespace USING COVERING INDEX sqlite_autoindex_namespace_1"}}

STATEMENTS = {
    name: text
    for name, text in (vars(statements) | vars(figure_statements)).items()
    if name.isupper() and isinstance(text, str) and name not in WHOLE | NO_PLAN
}


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[SQLiteBackend]:
    """A store of the test's own."""
    with closing(SQLiteBackend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off")) as backend:
        backend.ping()
        yield backend


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_reads_through_an_index_and_sorts_nothing(
    name: str, backend: SQLiteBackend, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        rows = connection.execute("EXPLAIN QUERY PLAN " + STATEMENTS[name], _arguments(STATEMENTS[name])).fetchall()

    plan = {row[3] for row in rows}
    assert not {step for step in plan if "SCAN" in step or "TEMP B-TREE" in step} - SMALL_SCANS.get(name, set())


def test_a_page_of_a_state_begins_where_the_last_one_ended(backend: SQLiteBackend, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        rows = connection.execute("EXPLAIN QUERY PLAN " + statements.BY_ORDER, [None] * 4).fetchall()

    assert "SEARCH job USING INDEX job_order (queue=? AND state=? AND (ord,jid)>(?,?))" in {row[3] for row in rows}


def _put(namespace: SQLiteNamespace) -> None:
    namespace.put([NewJob("Crawl", queue="fetch", tags=("big",), priority=3)])


def _pop_and_complete(namespace: SQLiteNamespace) -> None:
    [lease] = namespace.pop(["fetch"], "ann")
    namespace.settle([Complete(lease)])


def _pop_and_retry(namespace: SQLiteNamespace) -> None:
    [lease] = namespace.pop(["fetch"], "ann")
    namespace.settle([Retry(lease, delay=9)])


def _pop_and_fail(namespace: SQLiteNamespace) -> None:
    [lease] = namespace.pop(["fetch"], "ann")
    namespace.settle([Fail(lease, group="broken")])


def _steer(namespace: SQLiteNamespace) -> None:
    [lease] = namespace.pop(["fetch"], "ann")
    namespace.update([lease.jid], Changes(priority=5, add_tags=("odd",)))
    namespace.timeout([lease.jid])
    namespace.move([lease.jid], "parse")
    namespace.cancel([lease.jid])


def _look(namespace: SQLiteNamespace) -> None:
    namespace.queues()
    namespace.workers()
    namespace.events("900-0", limit=1)
    for filter in (
        Filter(queue="fetch", state="waiting"),
        Filter(state="failed"),
        Filter(tag="big"),
        Filter(group="broken"),
        Filter(tracked=True),
        Filter(),
    ):
        namespace.select(filter, limit=1)
    namespace.tags()
    namespace.failures()
    namespace.tracked()


def _change(namespace: SQLiteNamespace) -> None:
    namespace.change(Filter(group="broken"), Move(), limit=1)
    namespace.change(Filter(tag="big"), Update(Changes(tracked=True)), limit=1)
    namespace.track("big")


def _keep_up(namespace: SQLiteNamespace) -> None:
    namespace.promote()
    namespace.prune()


@pytest.mark.parametrize(
    "operation", [_put, _pop_and_complete, _pop_and_retry, _pop_and_fail, _steer, _look, _change, _keep_up]
)
def test_an_operation_costs_the_same_in_a_long_queue(
    operation: Callable[[SQLiteNamespace], None], backend: SQLiteBackend
) -> None:
    namespace = backend.namespace("shop")
    _fill(namespace, 200)
    operation(namespace)
    short = _work(backend, lambda: operation(namespace))
    _fill(namespace, 4_000)

    long = _work(backend, lambda: operation(namespace))

    assert long < 1.5 * short + 100


def _fill(namespace: SQLiteNamespace, count: int) -> None:
    """Put so many jobs, of which an eighth each has completed, failed, or is due later."""
    for _ in range(0, count, 200):
        namespace.put([NewJob("Crawl", queue="fetch", tags=("big",)) for _ in range(200)])
        leases = namespace.pop(["fetch"], "bob", 75).leases
        namespace.settle([Complete(lease) for lease in leases[:25]])
        namespace.settle([Fail(lease, group="broken") for lease in leases[25:50]])
        namespace.settle([Retry(lease, delay=1000) for lease in leases[50:]])


def _work(backend: SQLiteBackend, run: Callable[[], None]) -> int:
    """How many instructions of SQLite's machine a call takes, in tens."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    backend.ping()
    connections = [backend._writer._connection, *backend._readers._idle]
    for connection in connections:
        assert connection is not None
        connection.set_progress_handler(tick, 10)
    run()
    for connection in connections:
        assert connection is not None
        connection.set_progress_handler(None, 0)
    return count


def _arguments(statement: str) -> list[None]:
    numbered = [int(number) for number in re.findall(r"\?(\d)", statement)]
    return [None] * (max(numbered) if numbered else statement.count("?"))

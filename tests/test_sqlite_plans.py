"""No operation's cost grows with the length of a queue: every statement goes through an index, and so do operations."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from qless_flask.backends.sqlite import (
    SQLiteBackend,
    erase_statements,
    figure_statements,
    lane_statements,
    statements,
    transfer_statements,
)
from qless_flask.backends.sqlite.namespace import SQLiteNamespace
from qless_flask.models import Beat, Changes, Complete, Fail, Filter, Finish, Move, NewJob, Retry, Unique, Update

WHOLE = {"GROUPS", "IN_ORDER", "STRAYS", "FIGURE_STRAYS", "LIMIT_STRAYS"} | {
    name for name in (*vars(statements), *vars(figure_statements), *vars(lane_statements)) if name.startswith("ALL_")
}
"""What inspect reads: there the cost is the point."""
NO_PLAN = {"BEGIN", "BEGIN_IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "ROLLBACK_TO", "HAS_TABLES"} | {
    "SAVEPOINT_ITEM",
    "RELEASE_ITEM",
    "ROLLBACK_TO_ITEM",
}
SMALL_SCANS = {"NAMESPACES": {"SCAN namespace USING COVERING INDEX sqlite_autoindex_namespace_1"}}

STATEMENTS = {
    name: text
    for module in (statements, figure_statements, lane_statements, transfer_statements, erase_statements)
    for name, text in vars(module).items()
    if name.isupper() and isinstance(text, str) and name not in WHOLE | NO_PLAN
}
STATEMENTS |= {text: text for text in (*erase_statements.OF_NAMESPACE, *erase_statements.OF_QUEUE)}


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


def _look_at_a_time(namespace: SQLiteNamespace) -> None:
    [group] = namespace.failures(["broken"])
    oldest = Filter(state="failed", until=group.first_at + 0.001)
    for filter in (oldest, replace(oldest, queue="fetch"), replace(oldest, group="broken")):
        [_] = namespace.select(filter, limit=1).jobs


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
    "operation",
    [_put, _pop_and_complete, _pop_and_retry, _pop_and_fail, _steer, _look, _look_at_a_time, _change, _keep_up],
)
def test_an_operation_costs_the_same_in_a_long_queue(
    operation: Callable[[SQLiteNamespace], None], backend: SQLiteBackend
) -> None:
    namespace = backend.namespace("shop")
    _fill(namespace, 200)
    operation(namespace)
    short = _work(backend, lambda: operation(namespace))
    _fill(namespace, 4_000)
    # The next promote counts what has just happened, however much that is.
    operation(namespace)

    long = _work(backend, lambda: operation(namespace))

    assert long < 1.5 * short + 100


def _wait_for_the_hub(namespace: SQLiteNamespace) -> None:
    namespace.put([NewJob("Index", queue="index", jid="more", depends=("hub", "other hub"), if_exists="replace")])
    namespace.depend("more", off=["hub"])
    namespace.depend("more", on=["hub"])
    namespace.move(["more"], "parse")
    namespace.cancel(["more"])


def _follow_up(namespace: SQLiteNamespace) -> None:
    [lease] = namespace.pop(["fetch"], "ann")
    follow_up = NewJob("Index", queue="index", depends=(lease.jid, "hub"), on_parent_end="cancel")
    namespace.settle([Complete(lease, puts=(follow_up,), next="index", depends=("hub",), result="1")])


def _leave_the_hub_alone(namespace: SQLiteNamespace) -> None:
    namespace.get(["hub"])
    namespace.select(Filter(queue="index", state="depends"), limit=1)
    namespace.cancel(["hub"])
    namespace.cancel(["hub"], dependents="cancel")
    namespace.promote()
    namespace.prune()


def _use_a_key(namespace: SQLiteNamespace) -> None:
    for _ in range(2):
        namespace.put([NewJob("Crawl", queue="index", jid="first", unique=Unique("a"), if_exists="keep")])
    namespace.cancel(["first"])
    namespace.put([NewJob("Crawl", queue="index", jid="first", if_exists="replace", unique=Unique("a", 9))])


def _expire(namespace: SQLiteNamespace) -> None:
    namespace.put([NewJob("Crawl", queue="hurry", expires_in=0.1)])
    namespace.put([NewJob("Crawl", queue="hurry", expires_in=9000, priority=9)])
    time.sleep(0.11)
    [lease] = namespace.pop(["hurry"], "ann")
    namespace.heartbeat([Beat(lease, progress="1")])


def _free_all_that_may_be_freed(namespace: SQLiteNamespace) -> None:
    namespace.finish(["hub"], Finish("complete"))
    namespace.pop(["index"], "ann")
    namespace.promote(50)


@pytest.mark.parametrize(
    "operation",
    [_wait_for_the_hub, _follow_up, _leave_the_hub_alone, _use_a_key, _expire, _free_all_that_may_be_freed],
)
def test_an_operation_costs_the_same_where_many_wait(
    operation: Callable[[SQLiteNamespace], None], tmp_path: Path
) -> None:
    def measure(name: str, count: int) -> int:
        with closing(SQLiteBackend(f"sqlite:///{tmp_path}/{name}.db?synchronous=off")) as backend:
            namespace = backend.namespace("shop")
            _let_wait(namespace, count)
            return _work(backend, lambda: operation(namespace))

    few, many = measure("few", 1_200), measure("many", 6_000)

    assert many < 1.5 * few + 100


def _let_wait(namespace: SQLiteNamespace, count: int) -> None:
    """Put a job that so many wait for, as many that hold keys, may expire, or are parked for good."""
    namespace.put([NewJob("Crawl", queue="hubs", jid=jid) for jid in ("hub", "other hub", "parked")])
    namespace.put([NewJob("Crawl", queue="fetch") for _ in range(10)])
    for begin in range(0, count, 400):
        numbers = range(begin, begin + 400)
        namespace.put([NewJob("Index", queue="index", jid=f"child {number}", depends=("hub",)) for number in numbers])
        namespace.put([NewJob("Index", queue="index", depends=("parked",)) for _ in numbers])
        namespace.put([NewJob("Index", queue="index", unique=Unique(f"key {number}", 9_000)) for number in numbers])
        namespace.put([NewJob("Index", queue="hurry", expires_in=9_000) for _ in numbers])
    namespace.finish(["parked"], Finish("failed"))
    while namespace.promote().told:
        pass


def _pop_what_is_free(namespace: SQLiteNamespace) -> None:
    namespace.put([NewJob("Crawl", queue="fetch"), NewJob("Crawl", queue="fetch", requires=("eu",))])
    namespace.put([NewJob("Crawl", queue="fetch", key="free")])
    leases = namespace.pop(["fetch"], "ann", 2, capabilities=["eu"]).leases
    leases += namespace.pop(["fetch"], "ann", 2, capabilities=["eu"]).leases
    namespace.settle([Complete(lease) for lease in leases])
    assert len(leases) == 3
    assert not namespace.pop(["fetch"], "ann").leases


def _free_one(namespace: SQLiteNamespace) -> None:
    [lease] = namespace.select(Filter(queue="fetch", state="running"), limit=1).jobs
    namespace.finish([lease.jid], Finish("complete"))
    assert len(namespace.pop(["fetch"], "ann", 2).leases) == 1


@pytest.mark.parametrize("operation", [_pop_what_is_free, _free_one])
@pytest.mark.parametrize("keyed", ["all alike", "ten of each"])
def test_a_pop_costs_the_same_whatever_limits_keep_back(
    operation: Callable[[SQLiteNamespace], None], keyed: str, tmp_path: Path
) -> None:
    def measure(count: int) -> int:
        with closing(SQLiteBackend(f"sqlite:///{tmp_path}/{count}.db?synchronous=off")) as backend:
            namespace = backend.namespace("shop")
            _keep_back(namespace, count, 1 if keyed == "all alike" else count // 10)
            return _work(backend, lambda: operation(namespace))

    assert measure(10_000) < 1.2 * measure(500) + 20


def _keep_back(namespace: SQLiteNamespace, count: int, keys: int) -> None:
    """Put so many jobs of so many keys each of which runs as many as it may, and as many that nobody here can run."""
    namespace.configure("fetch", {"key_concurrency": 1})
    namespace.put([NewJob("Crawl", queue="fetch", key=str(key)) for key in range(keys)])
    namespace.pop(["fetch"], "ann", 1000)
    for begin in range(0, count, 500):
        numbers = range(begin, begin + 500)
        namespace.put([NewJob("Crawl", queue="fetch", key=str(number % keys)) for number in numbers])
        namespace.put([NewJob("Crawl", queue="fetch", requires=("gpu",)) for _ in numbers])


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
    numbered = [int(number) for number in re.findall(r"\?(\d+)", statement)]
    return [None] * (max(numbered) if numbered else statement.count("?"))

"""A file that an older version wrote is brought up to date, and its jobs go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qless_flask.backends.sqlite import SQLiteBackend, SQLiteNamespace
from qless_flask.backends.sqlite.inspect import inspect
from qless_flask.models import STATES, Beat, Changes, Complete, Job, Lease, NewJob
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.invariants import check

LAYOUTS = Path(__file__).parent / "layouts"


@pytest.fixture
def clock() -> ManualClock:
    """A quarter of a second after the file was written."""
    return ManualClock()


@pytest.fixture
def namespace(tmp_path: Path, clock: ManualClock) -> Iterator[SQLiteNamespace]:
    """A namespace that layout 1 knew, with a job in each state that is named after it."""
    path = tmp_path / "jobs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((LAYOUTS / "1.sql").read_text(encoding="utf-8"))
    with closing(SQLiteBackend(f"sqlite:///{path}?synchronous=off", clock=clock)) as backend:
        yield backend.namespace("shop")


def _job(namespace: SQLiteNamespace, jid: str) -> Job:
    [job] = namespace.get([jid])
    assert job is not None
    return job


def test_an_older_file_keeps_all_that_it_holds(namespace: SQLiteNamespace) -> None:
    [fetch] = namespace.queues(["fetch"])
    [big] = namespace.tags(["big"])
    [broken] = namespace.failures(["broken"])

    check(inspect(namespace))
    assert [_job(namespace, state).state for state in STATES if state != "depends"] == [
        state for state in STATES if state != "depends"
    ]
    assert _job(namespace, "waiting").pipeline == ("parse", "index")
    assert (fetch.waiting, fetch.depends, fetch.settings.heartbeat, fetch.settings.max_run) == (1, 0, 30.0, None)
    assert (big.states["failed"], big.states["running"], big.tracked, big.run_mean) == (1, 1, False, None)
    assert (broken.count, broken.queues, broken.klasses) == (1, ("fetch",), ("Crawl",))
    assert [event.event for event in namespace.events().events][-2:] == ["canceled", "paused"]
    assert [line.message for line in namespace.lines("running")] == ["half of it"]


def test_the_jobs_of_an_older_file_go_on(namespace: SQLiteNamespace, clock: ManualClock) -> None:
    lease = Lease("running", "uMN7VePSTekGlpoc.2")
    namespace.put([NewJob("Index", queue="index", jid="child", depends=("running", "complete", "waiting"))])

    namespace.heartbeat([Beat(lease, progress="0.5")])
    namespace.settle([Complete(lease, result="1")])
    namespace.update(["waiting"], Changes(tracked=True))
    namespace.cancel(["waiting"], dependents="choice")
    namespace.move(["failed"], "parse")
    clock.advance(60)
    promoted = namespace.promote()

    check(inspect(namespace))
    assert (_job(namespace, "running").result, _job(namespace, "running").progress) == ("1", "0.5")
    assert _job(namespace, "child").depends == ("waiting",)
    assert _job(namespace, "failed").failure is None
    assert promoted.promoted == 1


def test_the_leases_of_an_older_file_are_lost_in_time(namespace: SQLiteNamespace, clock: ManualClock) -> None:
    clock.advance(30)

    [lease] = namespace.pop(["fetch"], "bob")

    assert (lease.jid, _job(namespace, "running").losses) == ("running", 1)

"""A file that an older version wrote is brought up to date, and its jobs go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qless_flask.backends.sqlite import SQLiteBackend, SQLiteNamespace
from qless_flask.backends.sqlite.inspect import inspect
from qless_flask.backends.sqlite.options import read_options
from qless_flask.models import STATES, Backoff, Beat, Changes, Complete, Job, Lease, NewJob
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
    with _opened(1, tmp_path / "jobs.db", clock) as backend:
        yield backend.namespace("shop")


@pytest.fixture
def before(tmp_path: Path, clock: ManualClock) -> Iterator[SQLiteNamespace]:
    """One that layout 3 knew, the last before jobs had keys and requirements."""
    with _opened(3, tmp_path / "jobs.db", clock) as backend:
        yield backend.namespace("shop")


def _opened(layout: int, path: Path, clock: ManualClock) -> closing[SQLiteBackend]:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((LAYOUTS / f"{layout}.sql").read_text(encoding="utf-8"))
    return closing(SQLiteBackend(f"sqlite:///{path}?synchronous=off", clock=clock))


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


def test_a_file_from_before_limits_keeps_all_that_it_holds(before: SQLiteNamespace) -> None:
    [fetch] = before.queues(["fetch"])
    [ann] = before.workers(["ann"])

    check(inspect(before))
    assert [_job(before, state).state for state in STATES] == list(STATES)
    assert all((_job(before, state).key, _job(before, state).requires) == (None, ()) for state in STATES)
    assert (fetch.own, fetch.settings.rate) == (("backoff", "heartbeat"), None)
    assert (ann.quiet, ann.capabilities) == (True, ())
    assert before.settings().own == ()
    assert not before.settings().frozen


def test_the_jobs_of_a_file_from_before_limits_are_limited_now(before: SQLiteNamespace, clock: ManualClock) -> None:
    before.put([NewJob("Crawl", queue="fetch", key="a", requires=("gpu",), priority=9)])
    before.configure("fetch", {"max_concurrency": 2})

    given = before.pop(["fetch"], "bob", 9, capabilities=["gpu"])

    check(inspect(before))
    assert [lease.job.key for lease in given.leases if lease.job] == ["a"]
    before.configure("fetch", {}, inherit=["max_concurrency"])
    assert [lease.jid for lease in before.pop(["fetch"], "bob", 9).leases] == ["waiting"]
    lost = before.events(limit=100).events[0]
    assert (lost.klass, lost.waited, lost.ran) == (None, None, None)


def test_a_back_off_that_an_older_version_wrote_is_read() -> None:
    kept = '{"strategy":"fixed","delay":5.0,"factor":2.0,"max":3600.0,"jitter":"full"}'

    assert read_options(f'{{"backoff":{kept}}}').backoff == Backoff("fixed", 5)

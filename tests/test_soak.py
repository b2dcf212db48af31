"""The soak: what it counts as wrong, and a short one."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.demo.soak import NAMESPACE, QUEUE, find_faults, main
from qless_flask.models import Complete, NewJob, Recurrence, jid_at
from qless_flask.testing import ManualClock, ModelBackend

BEGIN = 1_800_000_000.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEGIN - 1)


@pytest.fixture
def namespace(clock: ManualClock) -> Namespace:
    """Ten seconds, in which each recurrence has fired, and all jobs were completed."""
    namespace = ModelBackend(clock=clock).namespace(NAMESPACE)
    for id, interval in (("one", 1.0), ("two", 2.0)):
        rule = Recurrence("Note", queue=QUEUE, id=id, interval=interval, first_at=BEGIN, catchup=100)
        namespace.recur(rule)
    clock.advance(10)
    for each in namespace.recurrences():
        namespace.fire(str(each.rule.id), BEGIN)
    finish(namespace)
    return namespace


def finish(namespace: Namespace) -> None:
    namespace.settle([Complete(lease) for lease in namespace.pop([QUEUE], "ann", 100)])


def faults(namespace: Namespace, clock: ManualClock, runs: list[str] | None = None) -> list[str]:
    return find_faults(namespace, BEGIN, namespace.recurrences(), runs or [], clock())


def test_it_finds_nothing_where_each_time_has_its_job(namespace: Namespace, clock: ManualClock) -> None:
    assert faults(namespace, clock) == []


def test_it_finds_a_job_too_many(namespace: Namespace, clock: ManualClock) -> None:
    namespace.put([NewJob("Note", queue=QUEUE, jid="another")])
    finish(namespace)

    assert faults(namespace, clock) == [
        "another: put, though it was not due",
        "another: completed, though it was not due",
    ]


def test_it_finds_a_time_left_out(namespace: Namespace, clock: ManualClock) -> None:
    namespace.recur(Recurrence("Note", queue=QUEUE, id="one", interval=1.0, first_at=BEGIN))
    clock.advance(2)
    namespace.fire("one", BEGIN + 10)
    finish(namespace)

    left = jid_at("one", BEGIN + 10)
    assert faults(namespace, clock) == [
        "one says it has fired 11 times, and must have 12 times",
        f"{left}: put 0 times",
        f"{left}: completed 0 times",
        f"{left} is not there",
    ]


def test_it_finds_a_job_that_is_not_done(namespace: Namespace, clock: ManualClock) -> None:
    clock.advance(1)
    namespace.fire("one", BEGIN + 10)

    left = jid_at("one", BEGIN + 10)
    assert faults(namespace, clock) == [f"{left}: completed 0 times", f"{left} is waiting"]


def test_it_finds_a_second_run(namespace: Namespace, clock: ManualClock) -> None:
    assert faults(namespace, clock, ["a", "b", "a"]) == ["a: its line was written 2 times"]


def test_it_finds_a_recurrence_that_stands_still(namespace: Namespace, clock: ManualClock) -> None:
    clock.advance(60)

    assert [fault.partition(" since")[0] for fault in faults(namespace, clock)] == [
        "one stands still",
        "two stands still",
    ]


@pytest.mark.parametrize("store", ["sqlite", "valkey"])
def test_a_short_one_is_exact(store: str, capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["--minutes", "0.15", "--store", store])

    told, trouble = capfd.readouterr()
    assert (code, trouble) == (0, ""), told
    assert told.endswith("All is exact.\n")

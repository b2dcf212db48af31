"""An overview tells of each queue, and of what a person should look at; however many look, the store is asked once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.models import Complete, Fail, NewJob
from qless_flask.overview import Looker, Overview
from qless_flask.scheduler import Scheduler
from qless_flask.testing import Flaky, ManualClock, Point


@pytest.fixture
def clock() -> ManualClock:
    """The clock of the store."""
    return ManualClock()


@pytest.fixture
def backend(tmp_path: Path, clock: ManualClock) -> Iterator[Backend]:
    """A store."""
    with open_backend(f"sqlite:///{tmp_path}/jobs.db", clock=clock) as backend:
        yield backend


@pytest.fixture
def namespace(backend: Backend) -> Namespace:
    """What is looked over."""
    return backend.namespace("shop")


@pytest.fixture
def look(backend: Backend, clock: ManualClock) -> Callable[[], Overview]:
    """Looks it over anew."""
    return lambda: Looker(backend, clock=clock).overview("shop")


def told(overview: Overview) -> list[tuple[str, str | None]]:
    """Tell the kinds of warnings, but for that there is no scheduler."""
    return [(each.kind, each.queue) for each in overview.warnings if each.kind != "scheduler"]


class TestFigures:
    def test_each_queue_stands_there_with_its_counts_and_figures(
        self, namespace: Namespace, clock: ManualClock, look: Callable[[], Overview]
    ) -> None:
        namespace.put([NewJob("Crawl", queue="fetch"), NewJob("Crawl", queue="fetch"), NewJob("Crawl", queue="parse")])
        clock.advance(2)
        [lease] = namespace.pop(["fetch"], "ann")
        clock.advance(3)
        namespace.settle([Complete(lease)])

        overview = look()

        fetch, parse = overview.queues
        assert (fetch.queue.name, fetch.queue.waiting, fetch.queue.complete) == ("fetch", 1, 1)
        assert (parse.queue.name, parse.queue.waiting) == ("parse", 1)
        assert fetch.lately is not None
        assert fetch.today is not None
        assert sum(fetch.lately.completed) == 1
        assert (fetch.today.wait.count, fetch.today.run.count) == (1, 1)
        assert (overview.total("waiting"), sum(overview.lately.put)) == (2, 3)

    def test_a_namespace_that_is_not_there_is_empty(self, look: Callable[[], Overview]) -> None:
        overview = look()

        assert (overview.queues, told(overview)) == ((), [])


class TestWarnings:
    def test_jobs_wait_and_nobody_pops(
        self, namespace: Namespace, clock: ManualClock, look: Callable[[], Overview]
    ) -> None:
        namespace.put([NewJob("Crawl", queue="fetch")])
        clock.advance(59)
        assert told(look()) == []

        clock.advance(2)

        [warning] = [each for each in look().warnings if each.kind == "idle"]
        assert (warning.severity, warning.queue) == ("wrong", "fetch")
        assert warning.text == "1 job waits in fetch, and nobody has popped for 5 minutes"

    def test_a_queue_that_was_popped_from_lately_is_at_work(
        self, namespace: Namespace, clock: ManualClock, look: Callable[[], Overview]
    ) -> None:
        namespace.put([NewJob("Crawl", queue="fetch"), NewJob("Crawl", queue="fetch")])
        clock.advance(120)
        namespace.settle([Complete(lease) for lease in namespace.pop(["fetch"], "ann")])
        clock.advance(100)

        assert told(look()) == []

    def test_a_paused_queue_with_jobs_is_told_of_as_paused(
        self, namespace: Namespace, clock: ManualClock, look: Callable[[], Overview]
    ) -> None:
        namespace.put([NewJob("Crawl", queue="fetch")])
        namespace.pause("fetch")
        clock.advance(600)

        assert told(look()) == [("paused", "fetch")]

    def test_failures_that_rise_are_told_and_those_as_usual_are_not(
        self, namespace: Namespace, clock: ManualClock, look: Callable[[], Overview]
    ) -> None:
        def fail(count: int) -> None:
            namespace.put([NewJob("Crawl", queue="fetch") for _ in range(count)])
            namespace.settle(
                [Fail(lease, group="broken", message="") for lease in namespace.pop(["fetch"], "a", count)]
            )

        for _ in range(5):
            fail(10)
            clock.advance(600)
        fail(10)
        assert told(look()) == []

        fail(30)

        assert told(look()) == [("failing", "fetch")]

    def test_lost_leases_that_rise_are_told(
        self, namespace: Namespace, clock: ManualClock, look: Callable[[], Overview]
    ) -> None:
        namespace.put([NewJob("Crawl", queue="fetch") for _ in range(6)])
        namespace.pop(["fetch"], "ann", 6)
        clock.advance(61)
        assert ("stalled", "fetch") in told(look())

        namespace.promote()

        assert ("lost", "fetch") in told(look())

    def test_a_frozen_namespace_is_told_of(self, namespace: Namespace, look: Callable[[], Overview]) -> None:
        namespace.put([NewJob("Crawl", queue="fetch")])
        namespace.freeze()

        assert told(look()) == [("frozen", None)]

    def test_that_no_scheduler_leads_is_told_until_one_does(
        self, backend: Backend, clock: ManualClock, look: Callable[[], Overview]
    ) -> None:
        assert look().warnings[0].text.startswith("no scheduler has ever run")

        with Scheduler(backend, clock=clock) as scheduler:
            scheduler.tick()
        assert look().warnings == ()

        clock.advance(180)
        assert look().warnings[0].text.startswith("no scheduler has led for 3 minutes")

    def test_risks_of_the_store_are_told(self, tmp_path: Path, clock: ManualClock) -> None:
        with open_backend(f"sqlite:///{tmp_path}/risky.db?synchronous=off", clock=clock) as backend:
            overview = Looker(backend, has_schedulers=False, clock=clock).overview("shop")

        assert told(overview) == [("store", None)]

    def test_what_is_wrong_comes_before_what_is_to_beware_of(
        self, namespace: Namespace, clock: ManualClock, look: Callable[[], Overview]
    ) -> None:
        namespace.put([NewJob("Crawl", queue="a"), NewJob("Crawl", queue="b")])
        namespace.pause("a")
        clock.advance(600)

        assert [each.severity for each in look().warnings] == ["wrong", "wrong", "beware"]


class TestSharing:
    def test_who_looks_within_a_second_sees_what_was_seen(self, backend: Backend, clock: ManualClock) -> None:
        asked: list[Point] = []
        looker = Looker(Flaky(backend, before=asked.append), clock=clock)
        first = looker.overview("shop", most_age=60)
        begun = len(asked)

        assert all(looker.overview("shop", most_age=60) is first for _ in range(200))

        assert len(asked) == begun

    def test_counters_are_looked_at_each_time_and_figures_now_and_then(
        self, backend: Backend, namespace: Namespace, clock: ManualClock
    ) -> None:
        asked: list[Point] = []
        namespace.put([NewJob("Crawl", queue="fetch")])
        looker = Looker(Flaky(backend, before=asked.append), clock=clock)
        looker.overview("shop", most_age=0)
        asked.clear()

        looker.overview("shop", most_age=0)

        assert [point.operation for point in asked] == ["queues", "settings"]

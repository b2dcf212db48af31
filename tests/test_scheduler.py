"""The scheduler does what is due in all namespaces, alone or beside others, whatever happens to one of them."""

from __future__ import annotations

import logging
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from servers import run_valkey
from test_redis_outage import RestartableServer
from workers import WatchedBackend, until

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import Invalid
from qless_flask.models import NewJob, Recurrence
from qless_flask.scheduler import Scheduler, upkeep
from qless_flask.scheduler import scheduler as scheduling
from qless_flask.testing import ManualClock, ModelBackend

DAY = 86_400.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["model", "sqlite", "valkey"])
def backend(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Backend]:
    """Each kind of store, empty, by a clock of its own."""
    if request.param == "model":
        yield ModelBackend(clock=clock)
    elif request.param == "sqlite":
        with open_backend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off", clock=clock) as backend:
            yield backend
    else:
        with run_valkey(tmp_path) as url, open_backend(url, clock=clock) as backend:
            yield backend


@pytest.fixture
def model(clock: ManualClock) -> ModelBackend:
    return ModelBackend(clock=clock)


@pytest.fixture
def namespace(backend: Backend) -> Namespace:
    return backend.namespace("shop")


def every(seconds: float, **named: Any) -> Recurrence:
    return Recurrence("Crawl", queue="fetch", id="rule", interval=seconds, **named)


def states(namespace: Namespace, queue: str = "fetch") -> Counter[str]:
    [found] = namespace.queues([queue])
    names = ("scheduled", "depends", "waiting", "running", "complete", "failed", "canceled")
    return Counter({name: getattr(found, name) for name in names if getattr(found, name)})


class TestATick:
    def test_makes_due_jobs_available_in_every_namespace(self, backend: Backend, clock: ManualClock) -> None:
        spaces = [backend.namespace(name) for name in ("one", "two", "three")]
        for space in spaces:
            space.put([NewJob("Crawl", queue="fetch", delay=10)] * 3)
        clock.advance(11)

        Scheduler(backend).tick()

        assert [states(space) for space in spaces] == [{"waiting": 3}] * 3

    def test_takes_lost_leases_back(self, backend: Backend, namespace: Namespace, clock: ManualClock) -> None:
        namespace.put([NewJob("Crawl", queue="fetch")])
        namespace.pop(["fetch"], "ann")
        clock.advance(61)

        Scheduler(backend).tick()

        assert states(namespace) == {"waiting": 1}

    def test_fires_what_is_due_and_nothing_else(
        self, backend: Backend, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.recur(every(60))
        scheduler = Scheduler(backend)
        scheduler.tick()
        assert states_or_none(namespace) == {}
        clock.advance(60)

        scheduler.tick()
        scheduler.tick()

        [recurring] = namespace.recurrences()
        assert (states(namespace), recurring.fired) == ({"waiting": 1}, 1)
        [job] = namespace.get([str(recurring.last_jid)])
        assert job is not None
        assert (job.recurrence, job.due_at) == ("rule", recurring.last_at)

    def test_fires_a_cron_rule_in_its_time_zone(
        self, backend: Backend, namespace: Namespace, clock: ManualClock
    ) -> None:
        made = namespace.recur(Recurrence("Crawl", queue="fetch", id="rule", cron="0 4 * * *", timezone="Asia/Tokyo"))
        assert made.next_at is not None
        assert made.next_at % DAY == 19 * 3600
        clock.advance(made.next_at - clock())

        Scheduler(backend).tick()

        [recurring] = namespace.recurrences()
        assert (recurring.last_at, recurring.next_at) == (made.next_at, made.next_at + DAY)

    def test_obeys_a_changed_rule_at_once(self, backend: Backend, namespace: Namespace, clock: ManualClock) -> None:
        namespace.recur(every(3600))
        scheduler = Scheduler(backend)
        scheduler.tick()
        namespace.recur(every(10))
        clock.advance(10)

        scheduler.tick()

        assert states(namespace) == {"waiting": 1}

    def test_prunes(self, backend: Backend, namespace: Namespace, clock: ManualClock) -> None:
        [put] = namespace.put([NewJob("Crawl", queue="fetch")])
        namespace.cancel([put.jid])
        clock.advance(2 * DAY)

        Scheduler(backend).tick()

        assert namespace.get([put.jid]) == [None]

    def test_prunes_only_now_and_then(
        self, backend: Backend, namespace: Namespace, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scheduler = Scheduler(backend)
        namespace.put([NewJob("Crawl", queue="fetch")])
        scheduler.tick()
        namespace.cancel([job.jid for job in namespace.put([NewJob("Crawl", queue="fetch")])])
        clock.advance(2 * DAY)

        scheduler.tick()
        assert states(namespace)["canceled"] == 1
        later = time.monotonic() + upkeep.PRUNE_SECONDS
        monkeypatch.setattr("qless_flask.scheduler.upkeep.time.monotonic", lambda: later)
        scheduler.tick()

        assert states(namespace)["canceled"] == 0

    def test_goes_on_until_nothing_is_left(self, model: ModelBackend, clock: ManualClock) -> None:
        space = model.namespace("shop")
        for _ in range(3):
            space.put([NewJob("Crawl", queue="fetch", delay=10)] * 1000)
        clock.advance(11)

        Scheduler(model).tick()

        assert states(space) == {"waiting": 3000}

    def test_gives_each_namespace_its_turn(
        self, model: ModelBackend, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(scheduling, "ROUNDS", 1)
        for name, count in (("busy", 1500), ("idle", 1)):
            for _ in range(count // 500 or 1):
                model.namespace(name).put([NewJob("Crawl", queue="fetch", delay=10)] * min(count, 500))
        clock.advance(11)

        Scheduler(model).tick()

        assert states(model.namespace("busy")) == {"waiting": 1000, "scheduled": 500}
        assert states(model.namespace("idle")) == {"waiting": 1}


class TestOneOfMany:
    def test_only_the_leader_acts(self, backend: Backend, namespace: Namespace, clock: ManualClock) -> None:
        first, second = Scheduler(backend), Scheduler(backend)
        first.tick()
        namespace.put([NewJob("Crawl", queue="fetch", delay=1)])
        clock.advance(2)

        second.tick()
        assert states(namespace) == {"scheduled": 1}
        first.tick()

        assert states(namespace) == {"waiting": 1}
        assert (first.leading, second.leading) == (True, False)

    def test_another_leads_when_the_leader_is_gone(
        self, backend: Backend, namespace: Namespace, clock: ManualClock
    ) -> None:
        first, second = Scheduler(backend), Scheduler(backend)
        first.tick()
        second.tick()
        clock.advance(scheduling.LEAD_SECONDS + 0.1)

        second.tick()

        assert second.leading

    def test_a_stop_lets_another_lead_at_once(self, backend: Backend) -> None:
        first, second = Scheduler(backend), Scheduler(backend)
        first.tick()

        first.stop()
        second.tick()

        assert (first.leading, second.leading) == (False, True)

    def test_two_that_act_at_once_fire_each_time_once(
        self, backend: Backend, namespace: Namespace, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Scheduler, "_leads", lambda self: True)
        rules = [Recurrence("Crawl", queue="fetch", id=f"rule-{each}", interval=10) for each in range(20)]
        for rule in rules:
            namespace.recur(rule)

        with ThreadPoolExecutor(4) as threads:
            for _ in range(3):
                clock.advance(10)
                list(threads.map(lambda scheduler: scheduler.tick(), [Scheduler(backend) for _ in range(4)]))

        assert states(namespace) == {"waiting": 60}
        assert {each.fired for each in namespace.recurrences()} == {3}


class TestTrouble:
    def test_in_one_namespace_stops_no_other(
        self, model: ModelBackend, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        spaces = [model.namespace(name) for name in ("a", "b", "c")]
        for space in spaces:
            space.put([NewJob("Crawl", queue="fetch", delay=1)])
        clock.advance(2)
        promote = type(spaces[0]).promote
        broken = {"b"}

        def promote_or_break(space: Any, limit: int = 1000) -> object:
            if space.name in broken:
                raise ZeroDivisionError("who would have thought")
            return promote(space, limit)

        monkeypatch.setattr(type(spaces[0]), "promote", promote_or_break)
        scheduler = Scheduler(model)
        with caplog.at_level(logging.WARNING):
            scheduler.tick()
            scheduler.tick()
            assert [states(space)["waiting"] for space in spaces] == [1, 0, 1]
            assert len([record for record in caplog.records if "namespace b" in record.message]) == 1
            broken.clear()
            scheduler.tick()

        assert states(spaces[1]) == {"waiting": 1}
        assert caplog.records[-1].message == "namespace b: all is well again"

    def test_with_one_recurrence_stops_no_other(
        self, model: ModelBackend, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        space = model.namespace("shop")
        for name in ("a", "b", "c"):
            space.recur(Recurrence("Crawl", queue=name, id=name, interval=10))
        clock.advance(10)
        fire = type(space).fire

        def fire_or_break(space: Any, id: str, expected: float) -> object:
            if id == "b":
                raise Invalid.of({"timezone": ["is no time zone any more"]})
            return fire(space, id, expected)

        monkeypatch.setattr(type(space), "fire", fire_or_break)
        scheduler = Scheduler(model)
        with caplog.at_level(logging.WARNING):
            scheduler.tick()
            scheduler.tick()

        assert [each.fired for each in space.recurrences()] == [1, 0, 1]
        assert [record.message for record in caplog.records] == [
            "recurrence b of namespace shop: timezone: is no time zone any more; the scheduler tries again each second"
        ]

    def test_a_frozen_namespace_is_none(
        self, backend: Backend, namespace: Namespace, clock: ManualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        namespace.recur(every(10))
        namespace.freeze()
        clock.advance(11)
        scheduler = Scheduler(backend)

        scheduler.tick()
        frozen = namespace.recurrences()[0].fired
        namespace.freeze(False)
        scheduler.tick()

        assert (frozen, namespace.recurrences()[0].fired) == (0, 1)
        assert caplog.messages == []

    def test_with_the_store_is_told_once_and_outlived(
        self, model: ModelBackend, clock: ManualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        watched = WatchedBackend(model)
        scheduler = Scheduler(watched)
        scheduler.tick()
        space = model.namespace("shop")
        space.put([NewJob("Crawl", queue="fetch", delay=1)])
        clock.advance(2)
        with caplog.at_level(logging.WARNING):
            watched.cut = True
            scheduler._lead_again_at = 0
            for _ in range(3):
                scheduler.tick()
            watched.cut = False
            scheduler.tick()

        assert states(space) == {"waiting": 1}
        assert [record.message for record in caplog.records] == [
            "the store: the line is cut; the scheduler tries again each second",
            "the store: all is well again",
        ]

    def test_a_server_that_was_killed_is_looked_after_again_when_it_is_back(self, tmp_path: Path) -> None:
        server = RestartableServer(tmp_path)
        server.start()
        with open_backend(server.url) as backend, Scheduler(backend, tick_seconds=0.05) as scheduler:
            space = backend.namespace("shop")
            space.put([NewJob("Crawl", queue="fetch", delay=0.5)])
            until(lambda: scheduler.leading)

            server.kill()
            time.sleep(0.6)
            server.start()

            until(lambda: states(space) == {"waiting": 1})
        server.kill()


class TestRunning:
    def test_each_second_from_a_thread_of_its_own(self, tmp_path: Path) -> None:
        with open_backend(f"sqlite:///{tmp_path}/jobs.db") as backend:
            space = backend.namespace("shop")
            space.recur(every(1))

            with Scheduler(backend, tick_seconds=0.1):
                until(lambda: space.recurrences()[0].fired == 2)

            fired = space.recurrences()[0].fired
            time.sleep(1.2)
            assert space.recurrences()[0].fired == fired

    def test_a_stop_is_quick_and_may_come_first(self, model: ModelBackend) -> None:
        began = time.monotonic()

        Scheduler(model).stop()
        for _ in range(5):
            with Scheduler(model):
                pass

        assert time.monotonic() - began < 2

    def test_it_tells_nothing_each_second(self, model: ModelBackend, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO), Scheduler(model, tick_seconds=0.02) as scheduler:
            until(lambda: scheduler.leading)
            time.sleep(0.2)

        assert caplog.messages == [f"scheduler {scheduler.name} leads", f"scheduler {scheduler.name} no longer leads"]

    def test_another_process_takes_over_from_a_leader_that_was_killed(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/jobs.db"
        script = (
            "import sys, time\n"
            "from qless_flask.backends import open_backend\n"
            "from qless_flask.scheduler import Scheduler\n"
            "scheduler = Scheduler(open_backend(sys.argv[1]), tick_seconds=0.1); scheduler.start()\n"
            "while not scheduler.leading: time.sleep(0.01)\n"
            "print('leads', flush=True); time.sleep(60)"
        )
        with ExitStack() as stack:
            other = subprocess.Popen([sys.executable, "-c", script, url], stdout=subprocess.PIPE, text=True)
            stack.callback(other.wait)
            stack.callback(other.kill)
            assert other.stdout is not None
            assert other.stdout.readline() == "leads\n"
            backend = stack.enter_context(open_backend(url))
            scheduler = stack.enter_context(Scheduler(backend, tick_seconds=0.1))
            space = backend.namespace(f"shop-{secrets.token_hex(3)}")
            time.sleep(0.5)
            assert not scheduler.leading

            other.kill()
            space.put([NewJob("Crawl", queue="fetch", delay=0.1)])

            until(lambda: states(space) == {"waiting": 1})
            assert scheduler.leading


def states_or_none(namespace: Namespace) -> Counter[str]:
    return states(namespace) if namespace.queues() else Counter()

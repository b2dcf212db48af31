"""What the schedulers of a store have done, in its record and in their logs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import run_valkey

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.scheduling import OURS, RECORD, add_figures, scheduler_figures
from qless_flask.delivery import Deliverer
from qless_flask.errors import Invalid
from qless_flask.hookspecs import hookimpl
from qless_flask.models import Complete, Keep, NewJob, PluginFailure, Recurrence, Retention
from qless_flask.models.plugin_figures import PluginFigures
from qless_flask.models.scheduling import SchedulerFigures, Upkept
from qless_flask.plugins import Plugins
from qless_flask.scheduler import Scheduler, diary, upkeep
from qless_flask.testing import Flaky, ManualClock, ModelBackend, Point


class Ear:
    """A plugin that hears of events, and raises if it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    @hookimpl
    def on_event(self) -> None:
        if self._error is not None:
            raise self._error


class Idle:
    """A plugin that nobody calls."""

    @hookimpl
    def register_commands(self) -> None: ...


class Patient(Deliverer):
    """Tells what there is to tell before it returns."""

    def __init__(self, backend: Backend, plugins: Plugins) -> None:
        super().__init__(backend, plugins, threads=0)

    def deliver(self, name: str) -> None:
        super().deliver(name)
        self.run_until_idle()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["model", "sqlite", "valkey"])
def backend(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Backend]:
    if request.param == "model":
        yield ModelBackend(clock=clock)
    elif request.param == "sqlite":
        with open_backend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off", clock=clock) as backend:
            yield backend
    else:
        with run_valkey(tmp_path) as url, open_backend(url, clock=clock) as backend:
            yield backend


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The time by which the diary is written, to be moved by hand."""
    seconds = ManualClock(1000)
    monkeypatch.setattr("qless_flask.scheduler.diary.time.monotonic", seconds)
    monkeypatch.setattr(upkeep, "PRUNE_SECONDS", 0)
    return seconds


def furnish(backend: Backend, clock: ManualClock) -> None:
    """Give a scheduler some of each thing to do, and let it become due."""
    shop = backend.namespace("shop")
    shop.configure("old", {"retention": Retention(complete=Keep(0, 0))})
    shop.recur(Recurrence("Crawl", queue="fetch", id="rule", interval=10, catchup=100))
    shop.put([NewJob("Crawl", queue="late", delay=10)] * 3)
    shop.put([NewJob("Crawl", queue=queue) for queue in ("lose", "old")])
    shop.put([NewJob("Crawl", queue="stale", expires_in=1)])
    shop.pop(["lose"], "ann")
    shop.settle([Complete(shop.pop(["old"], "ann")[0])])
    clock.advance(61)


class TestTheRecord:
    def test_there_is_none_before_anybody_leads(self, backend: Backend) -> None:
        assert scheduler_figures(backend) is None

    def test_it_says_who_leads_and_what_was_done(self, backend: Backend, clock: ManualClock) -> None:
        furnish(backend, clock)

        Scheduler(backend, name="ann", clock=clock).tick()

        done = Upkept(ticks=1, fired=6, promoted=3, lost=1, expired=1, pruned=1)
        known = backend.plugins.report() if isinstance(backend, Hooked) else []
        plugins = tuple(each.figures() for each in known if each.calls)
        assert scheduler_figures(backend) == SchedulerFigures("ann", clock(), clock(), done, plugins)

    def test_the_next_leader_adds_to_it(self, backend: Backend, clock: ManualClock) -> None:
        furnish(backend, clock)
        first = Scheduler(backend, name="ann", clock=clock)
        first.tick()
        first.stop()
        clock.advance(10)

        Scheduler(backend, name="bob", clock=clock).tick()

        figures = scheduler_figures(backend)
        assert figures is not None
        assert (figures.leader, figures.since, figures.done.fired, figures.done.ticks) == ("bob", clock(), 7, 2)

    def test_it_is_written_each_five_seconds(self, backend: Backend, seconds: ManualClock) -> None:
        scheduler = Scheduler(backend, name="ann")

        def ticks() -> int:
            scheduler.tick()
            figures = scheduler_figures(backend)
            return figures.done.ticks if figures else 0

        written = []
        for _ in range(7):
            written.append(ticks())
            seconds.advance(1)

        assert written == [1, 1, 1, 1, 1, 6, 6]

    def test_a_stop_writes_what_is_left(self, backend: Backend, seconds: ManualClock) -> None:
        scheduler = Scheduler(backend, name="ann")
        for _ in range(3):
            scheduler.tick()

        scheduler.stop()

        figures = scheduler_figures(backend)
        assert figures is not None
        assert figures.done.ticks == 3

    def test_nothing_is_lost_where_another_writes_in_between(self, backend: Backend) -> None:
        others = iter([Upkept(fired=1), Upkept(fired=10)])

        def interfere(point: Point) -> None:
            if point.operation == "remember" and (done := next(others, None)):
                add_figures(backend, SchedulerFigures("bob", 1.0, 2.0, done))

        assert add_figures(Flaky(backend, before=interfere), SchedulerFigures("ann", 3.0, 4.0, Upkept(fired=100)))

        assert scheduler_figures(backend) == SchedulerFigures("ann", 3.0, 4.0, Upkept(fired=111))

    def test_what_another_version_counts_is_left_out(self, backend: Backend) -> None:
        told = '{"leader": "ann", "since": 1.0, "last_tick_at": 2.0, "ticks": 3, "sung": 4}'
        backend.namespace(OURS).remember(RECORD, told, None)

        assert scheduler_figures(backend) == SchedulerFigures("ann", 1.0, 2.0, Upkept(ticks=3))

    def test_what_cannot_be_done_counts_at_each_try(self, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
        model = ModelBackend(clock=clock)
        model.namespace("shop").put([NewJob("Crawl", queue="fetch")])
        monkeypatch.setattr(type(model.namespace("shop")), "promote", lambda *arguments: 1 / 0)
        scheduler = Scheduler(model)

        scheduler.tick()
        scheduler.tick()
        scheduler.stop()

        figures = scheduler_figures(model)
        assert figures is not None
        assert figures.done.errors == 2


class TestPlugins:
    """How plugins do in the process that leads is written down there, for others to see."""

    @pytest.fixture
    def backend(self) -> Backend:
        return ModelBackend()

    def look(self, backend: Backend, plugins: Plugins) -> SchedulerFigures:
        backend.namespace("shop").put([NewJob("Crawl", queue="fetch")] * 12)
        scheduler = Scheduler(backend, name="ann", plugins=plugins, deliverers=Patient)
        scheduler.tick()
        scheduler.stop()
        figures = scheduler_figures(backend)
        assert figures is not None
        return figures

    def test_those_that_were_called_are_told_of(self, backend: Backend) -> None:
        plugins = Plugins({"good": Ear(), "idle": Idle()}, installed=False)

        told = {each.name: each for each in self.look(backend, plugins).plugins}

        assert "idle" not in told
        assert (told["good"].calls, told["good"].errors, told["good"].off) == (12, 0, ())
        assert told["good"].seconds > 0

    def test_an_observer_that_is_switched_off_is_told_with_its_last_error(self, backend: Backend) -> None:
        bad = self.look(backend, Plugins({"bad": Ear(KeyError("k"))}, installed=False)).plugins[0]

        assert (bad.name, bad.calls, bad.errors, bad.off) == ("bad", 10, 10, ("on_event",))
        assert bad.last_error is not None
        assert (bad.last_error.hook, bad.last_error.message) == ("on_event", "KeyError: 'k'")

    def test_the_next_leader_tells_of_its_own_alone(self, backend: Backend) -> None:
        self.look(backend, Plugins({"bad": Ear(KeyError("k"))}, installed=False))

        figures = self.look(backend, Plugins({"good": Ear()}, installed=False))

        assert "bad" not in [each.name for each in figures.plugins]

    def test_many_that_say_much_keep_nothing_from_being_written(self, backend: Backend) -> None:
        error = PluginFailure("on_event", 1.0, "\N{SNOWMAN}" * 1000)
        off = tuple(f"tracker {number} {'o' * 300}" for number in range(1000))
        plugins = tuple(
            PluginFigures(f"plugin {number}", calls=99, errors=number, off=off, last_error=error).figures()
            for number in range(50)
        )

        assert add_figures(backend, SchedulerFigures("ann", 1.0, 2.0, Upkept(fired=1), plugins))

        figures = scheduler_figures(backend)
        assert figures is not None
        assert figures.plugins[:3] == plugins[:-4:-1]
        assert figures.plugins[0].off == off[:10]


class TestTheLog:
    def test_a_line_a_minute_says_what_was_done(
        self, backend: Backend, clock: ManualClock, seconds: ManualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        furnish(backend, clock)
        scheduler = Scheduler(backend, name="ann", clock=clock)

        with caplog.at_level(logging.INFO):
            for _ in range(2 * int(diary.LINE_SECONDS) + 1):
                scheduler.tick()
                clock.advance(1)
                seconds.advance(1)

        first, second = [message for message in caplog.messages if "leads" not in message]
        assert first.startswith("scheduler ann: ticks 61, fired 12, promoted 3, lost 1, expired 1")
        assert second.startswith("scheduler ann: ticks ")

    def test_where_nothing_was_done_nothing_is_said(
        self, backend: Backend, seconds: ManualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        scheduler = Scheduler(backend, name="ann")

        with caplog.at_level(logging.INFO):
            for _ in range(2 * int(diary.LINE_SECONDS)):
                scheduler.tick()
                seconds.advance(1)

        assert caplog.messages == ["scheduler ann leads"]


class TestBehindThoseRefused:
    def test_what_is_due_fires_though_more_than_are_listed_are_refused(
        self, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(upkeep, "AT_ONCE", 5)
        model = ModelBackend(clock=clock)
        space = model.namespace("shop")
        for number in range(12):
            space.recur(Recurrence("Bad", queue="fetch", id=f"bad-{number}", interval=10))
        for number in range(3):
            space.recur(Recurrence("Good", queue="fetch", id=f"good-{number}", interval=11))
        clock.advance(11)
        fire = type(space).fire

        def refuse(self: object, id: str, expected: float) -> object:
            if id.startswith("bad"):
                raise Invalid.of({"klass": ["is not allowed"]})
            return fire(self, id, expected)  # type: ignore[arg-type]

        monkeypatch.setattr(type(space), "fire", refuse)
        Scheduler(model, clock=clock).tick()

        assert {each.rule.id: each.fired for each in space.recurrences() if each.fired} == {
            "good-0": 1,
            "good-1": 1,
            "good-2": 1,
        }

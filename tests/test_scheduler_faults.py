"""Whatever call to the store a scheduler is killed at, or fails at: no recurrence fires twice, or is missed."""

from __future__ import annotations

import os
import signal
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from servers import run_valkey

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.redis.inspect import inspect as inspect_redis
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.backends.sqlite.inspect import inspect as inspect_sqlite
from qless_flask.delivery import Deliverer
from qless_flask.hookspecs import hookimpl
from qless_flask.models import Complete, Event, Keep, NewJob, Recurrence, Retention, jid_at
from qless_flask.plugins import Plugins
from qless_flask.scheduler import LEAD_SECONDS, Scheduler, upkeep
from qless_flask.testing import ManualClock
from qless_flask.testing.flaky import Fault, Flaky, Point, fail_at, kill_at
from qless_flask.testing.invariants import check

pytestmark = pytest.mark.timeout(600)

BEGIN = 1_800_000_000.0
"""On the full minute, and a multiple of all intervals below."""
LATE = 125
"""Seconds for which nobody has looked after the store, when a scheduler begins and is killed."""
FIRED: dict[str, Iterable[int]] = {
    "every-10": range(10, 151, 10),
    "every-25": range(25, 151, 25),
    "minutely": range(60, 151, 60),
    "three": range(100, 121, 10),
    "latest": (120, 150),
    "skipping": (120,),
}
"""For what times each recurrence of the north must have put a job in the end, in seconds from the beginning."""
IN_THE_SOUTH = ("every-25", "skipping")
SPACES = ("north", "south")
AFTER = (LATE + LEAD_SECONDS + 1, 151)
"""When others look after the store, after that."""


class Observer:
    """A plugin that writes down what it hears, each in a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @hookimpl
    def on_event(self, namespace: str, event: Event) -> None:
        with self._path.open("a") as file:
            print(namespace, event.cursor, file=file)

    def begin(self) -> None:
        self._path.write_text("")

    def heard(self, namespace: str) -> list[str]:
        """The cursors of events of a namespace in the order in which they were first heard of."""
        words = (line.split() for line in self._path.read_text().splitlines())
        return list(dict.fromkeys(cursor for name, cursor in words if name == namespace))


class PatientDeliverer(Deliverer):
    """Tells what there is to tell before it returns, in the same thread."""

    def __init__(self, backend: Backend, plugins: Plugins) -> None:
        super().__init__(backend, plugins, threads=0)

    def deliver(self, name: str) -> None:
        super().deliver(name)
        self.run_until_idle()


@pytest.fixture(params=["sqlite", "valkey"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with stores(request.param, tmp_path) as store:
        yield store


class Store:
    """A store that can be emptied, opened by any process, and looked into."""

    def __init__(self, url: Callable[[], str], observer: Observer) -> None:
        self._url = url
        self._observer = observer
        self._plugins = Plugins({"observer": observer}, installed=False)
        self._spaces: tuple[str, ...] = ()
        self.url = ""

    def begin(self, spaces: tuple[str, ...] = SPACES) -> None:
        """Put into an empty store what a scheduler finds when it has been away."""
        self._spaces = spaces
        self.url = self._url()
        self._observer.begin()
        clock = ManualClock(BEGIN)
        with self.open(clock) as backend:
            for name in spaces:
                _furnish(backend.namespace(name))
            frozen = backend.namespace("frozen")
            frozen.recur(Recurrence("Crawl", queue="fetch", id="every-10", interval=10))
            frozen.freeze()

    def open(self, clock: Callable[[], float]) -> Backend:
        url = f"{self.url}?synchronous=off" if self.url.startswith("sqlite") else self.url
        return open_backend(url, clock=clock)

    def look(self, backend: Backend, *, before: Fault | None = None, after: Fault | None = None) -> None:
        """Have a scheduler look after the store, and stop."""
        assert isinstance(backend, Hooked)
        flaky = Flaky(backend.inner, before=before, after=after)
        scheduler = Scheduler(Hooked(flaky, plugins=self._plugins), deliverers=PatientDeliverer)
        scheduler.tick()
        # What has happened by now is told.
        scheduler.tick()
        scheduler.stop()

    def finish(self) -> None:
        """Have two more schedulers look after the store, later, and hold what came of it against what should."""
        clock = ManualClock(BEGIN)
        with self.open(clock) as backend:
            for late in AFTER:
                clock.advance(BEGIN + late - clock())
                self.look(backend)
            for name in self._spaces:
                _check_all(backend.namespace(name))
                page = backend.namespace(name).events(limit=1000)
                assert self._observer.heard(name) == [event.cursor for event in page.events]
            assert backend.namespace("frozen").recurrences()[0].fired == 0
            for name in (*self._spaces, "frozen"):
                check(self._view(backend, name))

    def _view(self, backend: Backend, name: str) -> Any:
        assert isinstance(backend, Hooked)
        namespace: Any = backend.inner.namespace(name)
        return inspect_sqlite(namespace) if self.url.startswith("sqlite") else inspect_redis(namespace)


@contextmanager
def stores(kind: str, folder: Path) -> Iterator[Store]:
    observer = Observer(folder / "heard")
    if kind == "sqlite":
        numbers = iter(range(1_000_000))
        yield Store(lambda: f"sqlite:///{folder}/{next(numbers)}.db", observer)
        return
    with run_valkey(folder) as url, redis.Redis.from_url(url) as client:

        def emptied() -> str:
            client.flushdb()
            return url

        yield Store(emptied, observer)


def _furnish(namespace: Namespace) -> None:
    """Put into a namespace some of each thing that is a scheduler's to do."""
    rule = Recurrence("Crawl", queue="fetch", id="every-10", interval=10, catchup=100)
    rules = [
        rule,
        rule.changed(id="every-25", interval=25),
        rule.changed(id="minutely", cron="* * * * *"),
        rule.changed(id="three", count=3),
        rule.changed(id="latest", catchup="one"),
        rule.changed(id="skipping", overlap="skip"),
    ]
    for rule in rules:
        if namespace.name == "north" or rule.id in IN_THE_SOUTH:
            namespace.recur(rule)
    namespace.configure("old", {"retention": Retention(complete=Keep(60, 100))})
    namespace.put([NewJob("Crawl", queue="late", jid=f"late-{each}", delay=60) for each in range(5)])
    namespace.put([NewJob("Crawl", queue="lose", jid="lost"), NewJob("Crawl", queue="old", jid="old")])
    namespace.put([NewJob("Crawl", queue="stale", jid="stale", expires_in=30)])
    namespace.pop(["lose"], "ann")
    namespace.settle([Complete(namespace.pop(["old"], "ann")[0])])


def _fired_in(namespace: Namespace) -> dict[str, Iterable[int]]:
    return {id: times for id, times in FIRED.items() if namespace.name == "north" or id in IN_THE_SOUTH}


def _check_all(namespace: Namespace) -> None:
    """Hold what is in a namespace in the end against what must be."""
    events = Counter((event.event, event.jid) for event in namespace.events(limit=1000).events if event.jid)
    fired = {id: [jid_at(id, BEGIN + late) for late in times] for id, times in _fired_in(namespace).items()}
    put = [jid for event, jid in events if event == "put" and jid and "@" in jid]
    assert sorted(put) == sorted(jid for jids in fired.values() for jid in jids)
    assert {each.rule.id: each.fired for each in namespace.recurrences()} == {
        id: len(jids) for id, jids in fired.items()
    }
    assert {job.state for job in namespace.get(put) if job} == {"waiting"}
    late = [f"late-{each}" for each in range(5)]
    assert [job and job.state for job in namespace.get([*late, "lost", "stale", "old"])] == [
        *(["waiting"] * 6),
        "failed",
        None,
    ]
    once = [("promoted", jid) for jid in late] + [("lost", "lost"), ("expired", "stale")]
    assert {event: events[event] for event in once} == dict.fromkeys(once, 1)
    assert set(events.values()) == {1}


def in_a_child(work: Callable[[], object]) -> int:
    """Do something in a process of its own; answer its exit code, or the signal it died of, negative."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:  # noqa: BLE001  the parent fails where the code is not 0
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def work(store: Store, **faults: Fault) -> None:
    """Look after a store at the time when much has been missed."""
    with store.open(ManualClock(BEGIN + LATE)) as backend:
        store.look(backend, **faults)


def list_points(store: Store) -> list[Point]:
    """List all the calls of one round of the scheduler, by doing it."""
    store.begin()
    points: list[Point] = []
    work(store, before=points.append)
    store.finish()
    return points


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scheduler come back to each namespace again and again."""
    monkeypatch.setattr(upkeep, "AT_ONCE", 4)


def test_a_round_has_these_calls(store: Store) -> None:
    points = list_points(store)

    assert {point.operation for point in points if point.namespace in SPACES} == {
        *("promote", "recurrences", "fire", "prune"),
        *("settings", "events", "recall", "remember", "queues"),
    }
    assert {point.operation for point in points if point.namespace == "_"} == {"lead", "recall", "remember"}
    assert Counter(point.operation for point in points)["fire"] >= len(FIRED) + len(IN_THE_SOUTH)


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_call_it_leaves_nothing_undone_or_done_twice(store: Store, when: str) -> None:
    for point in list_points(store):
        store.begin()

        code = in_a_child(lambda point=point: work(store, **{when: kill_at(point.number)}))  # type: ignore[misc]

        assert code == -signal.SIGKILL, point
        store.finish()


@pytest.mark.parametrize("when", ["before", "after"])
def test_where_any_call_fails_the_next_tick_makes_up_for_it(store: Store, when: str) -> None:
    for point in list_points(store):
        store.begin()

        work(store, **{when: fail_at(point.number)})

        store.finish()


def test_killed_at_any_command_or_transaction_it_leaves_nothing_undone_or_done_twice(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An operation may take several; nothing that they have read counts for more than what is written."""
    trips, told = Trips(), tmp_path / "trips"
    for of, name in ((redis.Redis, "execute_command"), (SQLiteBackend, "write"), (SQLiteBackend, "read")):
        monkeypatch.setattr(of, name, trips.counted(getattr(of, name)))
    store.begin(("south",))

    def count() -> None:
        trips.made = 0
        work(store)
        told.write_text(str(trips.made))

    assert in_a_child(count) == 0
    # Once more: the server may have had to be given the scripts.
    store.begin(("south",))
    assert in_a_child(count) == 0
    store.finish()

    def killed(number: int) -> None:
        trips.made, trips.last = 0, number
        work(store)

    for number in range(1, int(told.read_text()) + 1):
        store.begin(("south",))

        assert in_a_child(lambda number=number: killed(number)) == -signal.SIGKILL  # type: ignore[misc]

        store.finish()


class Trips:
    """Counts the ways to the store; at the last one the process is killed."""

    def __init__(self) -> None:
        self.made = 0
        self.last: int | None = None

    def counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **options: Any) -> Any:
            self.made += 1
            if self.made == self.last:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **options)

        return counted

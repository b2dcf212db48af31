"""What happens is told to observers and trackers: each event at least once, in order, whoever raises, hangs or dies."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from servers import run_valkey
from workers import until

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.passing import Passing
from qless_flask.backends.readers import place_of, register_reader, tracker_reader
from qless_flask.delivery import QUEUE, Deliverer
from qless_flask.errors import BackendUnavailable
from qless_flask.hookspecs import GiveUp, TagTracker, Tracking, hookimpl
from qless_flask.models import MAX_KEPT_BYTES, Complete, Event, Filter, Kept, NewJob, Rate
from qless_flask.plugins import Plugins
from qless_flask.scheduler import Scheduler
from qless_flask.testing import Flaky, ManualClock, ModelBackend, Point

Told = tuple[str, str, str | None]
"""Namespace, event and jid."""


class Ear:
    """A plugin that hears of all events, and does with each what it was told to."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.do: Callable[[Event], object] = lambda event: None

    @hookimpl
    def on_event(self, namespace: str, event: Event) -> None:
        self.do(event)
        self.told.append((namespace, event.event, event.jid))

    def of(self, name: str) -> list[tuple[str, str | None]]:
        return [(event, jid) for namespace, event, jid in self.told if namespace == name]


class Notes:
    """A plugin whose tracker `note` notes what it is told, and does with it what it was told to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str | None]] = []
        self.performed: list[Mapping[str, Any]] = []
        self.do: Callable[[Tracking, Sequence[Event]], object] = lambda tracking, events: None
        self.do_later: Callable[[Mapping[str, Any]], object] = lambda data: None
        self.built = 0

    @hookimpl
    def tag_trackers(self) -> dict[str, type[TagTracker]]:
        notes = self

        @dataclass(frozen=True)
        class Note(TagTracker):
            tags: Sequence[str]
            colour: str = "red"

            def __post_init__(self) -> None:
                notes.built += 1

            def told(self, tracking: Tracking, events: Sequence[Event]) -> None:
                notes.do(tracking, events)
                notes.told += [(tracking.id, event.event, event.jid) for event in events]

            def perform(self, tracking: Tracking, data: Mapping[str, Any]) -> None:
                notes.do_later(data)
                notes.performed.append({"id": tracking.id, **data})

        return {"note": Note}

    def of(self, id: str) -> list[tuple[str, str | None]]:
        return [(event, jid) for told, event, jid in self.told if told == id]


class Patient(Deliverer):
    """Tells what there is to tell before it returns."""

    def deliver(self, name: str) -> None:
        super().deliver(name)
        self.run_until_idle()


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["model", "sqlite", "valkey"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Backend]:
    """Each kind of store, empty and bare."""
    if request.param == "model":
        yield ModelBackend(clock=clock)
        return
    if request.param == "sqlite":
        hooked = open_backend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off", clock=clock)
    else:
        hooked = open_backend(request.getfixturevalue("flushed_url"), clock=clock)
    assert isinstance(hooked, Hooked)
    with hooked:
        yield hooked.inner


@pytest.fixture
def flushed_url(tmp_path: Path) -> Iterator[str]:
    with run_valkey(tmp_path) as url:
        yield url


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def plugins(ear: Ear, notes: Notes) -> Plugins:
    return Plugins({"ear": ear, "notes": notes}, installed=False)


@pytest.fixture
def backend(store: Backend, plugins: Plugins, clock: ManualClock) -> Hooked:
    return Hooked(store, plugins=plugins, clock=clock)


@pytest.fixture
def namespace(backend: Hooked) -> Namespace:
    return backend.namespace("shop")


@pytest.fixture
def deliverer(backend: Hooked, plugins: Plugins, clock: ManualClock) -> Deliverer:
    """Has no threads, so that a test says when it tells."""
    return Deliverer(backend, plugins, threads=0, clock=clock)


def lead(store: Backend) -> None:
    """Have a scheduler without plugins look after the store, and stop."""
    scheduler = Scheduler(store)
    scheduler.tick()
    scheduler.stop()


def tell(deliverer: Deliverer, *names: str) -> None:
    for name in names or ("shop",):
        deliverer.deliver(name)
    deliverer.run_until_idle()


def put(namespace: Namespace, *jids: str, tags: tuple[str, ...] = ("a",)) -> None:
    namespace.put([NewJob("Crawl", queue="fetch", jid=jid, tags=tags) for jid in jids])


def watch(namespace: Namespace, *trackers: Mapping[str, Any]) -> None:
    chosen: Any = [{"name": "note", "tags": ["a"], **each} for each in trackers or ({},)]
    namespace.configure_namespace({"trackers": chosen})


def work(namespace: Namespace) -> None:
    while popped := namespace.pop(["fetch"], "ann", 100):
        namespace.settle([Complete(lease) for lease in popped])


def counted(namespace: Namespace) -> dict[str, list[int]]:
    """What the tracker `counts`, a `prometheus`, has counted by tag."""
    found: dict[str, list[int]] = json.loads(Kept.of_text(namespace.recall("tracker:counts") or "").text)["by_tag"]
    return found


def later_of(
    data: Callable[[Event], Mapping[str, Any]], key: Callable[[Event], str] = lambda event: event.cursor
) -> Callable[[Tracking, Sequence[Event]], object]:
    """Have something done later about each event."""

    def do(tracking: Tracking, events: Sequence[Event]) -> None:
        for event in events:
            tracking.later(data(event), key=key(event))

    return do


class TestObservers:
    def test_hear_of_everything_in_order(self, namespace: Namespace, deliverer: Deliverer, ear: Ear) -> None:
        namespace.pause("fetch")
        put(namespace, "one", "two", tags=())
        namespace.resume("fetch")
        work(namespace)

        tell(deliverer)

        assert ear.of("shop") == [
            ("paused", None),
            ("put", "one"),
            ("put", "two"),
            ("resumed", None),
            ("popped", "one"),
            ("popped", "two"),
            ("completed", "one"),
            ("completed", "two"),
        ]

    def test_hear_all_of_a_store_in_which_nobody_ever_led(
        self, namespace: Namespace, deliverer: Deliverer, ear: Ear
    ) -> None:
        put(namespace, "before")
        tell(deliverer)

        put(namespace, "after")
        tell(deliverer)

        assert ear.of("shop") == [("put", "before"), ("put", "after")]

    def test_begin_with_what_happens_once_they_are_there_where_a_scheduler_led_before(
        self, store: Backend, backend: Hooked, namespace: Namespace, plugins: Plugins, ear: Ear
    ) -> None:
        lead(store)
        put(namespace, "before")
        deliverer = Deliverer(backend, plugins, threads=0)
        tell(deliverer)

        put(namespace, "after")
        tell(deliverer)

        assert ear.of("shop") == [("put", "after")]

    def test_hear_all_of_a_namespace_that_comes_later(
        self, store: Backend, backend: Hooked, namespace: Namespace, plugins: Plugins, ear: Ear
    ) -> None:
        lead(store)
        put(namespace, "before")
        deliverer = Deliverer(backend, plugins, threads=0)

        put(backend.namespace("later"), "first")
        tell(deliverer, "later", "shop")

        assert ear.told == [("later", "put", "first")]

    def test_hear_all_though_their_scheduler_has_led_before_there_was_any_namespace(
        self, store: Backend, namespace: Namespace, plugins: Plugins, ear: Ear
    ) -> None:
        lead(store)
        scheduler = Scheduler(store, plugins=plugins, deliverers=partial(Patient, threads=0))
        scheduler.tick()

        put(namespace, "first")
        scheduler.tick()

        assert ear.of("shop") == [("put", "first")]

    def test_hear_all_of_a_fresh_store_though_the_first_that_led_was_killed(
        self, store: Backend, namespace: Namespace, plugins: Plugins, ear: Ear
    ) -> None:
        put(namespace, "before")
        Scheduler(store, plugins=plugins, deliverers=partial(Deliverer, threads=0)).tick()
        assert ear.told == []

        tell(Deliverer(store, plugins, threads=0))

        assert ear.of("shop") == [("put", "before")]

    def test_hear_of_nothing_twice(self, namespace: Namespace, deliverer: Deliverer, ear: Ear) -> None:
        put(namespace, "one")

        tell(deliverer)
        tell(deliverer)

        assert ear.of("shop") == [("put", "one")]

    def test_hear_of_more_than_one_page_at_once(self, namespace: Namespace, deliverer: Deliverer, ear: Ear) -> None:
        put(namespace, *map(str, range(350)))

        tell(deliverer)

        assert ear.of("shop") == [("put", str(number)) for number in range(350)]

    def test_an_event_that_raises_is_counted_and_passed_over(
        self, namespace: Namespace, deliverer: Deliverer, ear: Ear, plugins: Plugins, caplog: pytest.LogCaptureFixture
    ) -> None:
        put(namespace, "one", "two", "three")

        def refuse_two(event: Event) -> None:
            if event.jid == "two":
                raise ValueError("not two")

        ear.do = refuse_two
        tell(deliverer)

        assert ear.of("shop") == [("put", "one"), ("put", "three")]
        told = plugins.record("ear").told()
        assert (told.errors, told.off) == (1, ())
        assert told.last_error is not None
        assert (told.last_error.hook, told.last_error.message) == ("on_event", "ValueError: not two")
        assert "plugin ear failed in on_event" in caplog.text

    def test_ten_errors_in_a_row_switch_it_off_where_it_is(
        self, namespace: Namespace, deliverer: Deliverer, ear: Ear, plugins: Plugins, backend: Hooked
    ) -> None:
        put(namespace, *map(str, range(15)))

        def refuse(event: Event) -> None:
            raise ValueError

        ear.do = refuse
        tell(deliverer)
        tell(deliverer)

        told = plugins.record("ear").told()
        assert (told.errors, told.off) == (10, ("on_event",))
        anew = Ear()
        plugins = Plugins({"ear": anew}, installed=False)
        tell(Deliverer(backend, plugins, threads=0))
        assert anew.of("shop") == [("put", str(number)) for number in range(10, 15)]

    def test_one_that_works_now_and_then_stays(
        self, namespace: Namespace, deliverer: Deliverer, ear: Ear, plugins: Plugins
    ) -> None:
        put(namespace, *map(str, range(40)))

        def refuse_most(event: Event) -> None:
            if int(event.jid or "") % 10:
                raise ValueError

        ear.do = refuse_most
        tell(deliverer)

        assert len(ear.told) == 4
        assert plugins.record("ear").told().off == ()

    def test_one_that_raises_keeps_nothing_from_another(self, backend: Hooked, namespace: Namespace, ear: Ear) -> None:
        other = Ear()
        plugins = Plugins({"ear": ear, "other": other}, installed=False)
        deliverer = Deliverer(backend, plugins, threads=0)
        put(namespace, *map(str, range(20)))

        def refuse(event: Event) -> None:
            raise ValueError

        ear.do = refuse
        tell(deliverer)

        assert (len(ear.told), len(other.told)) == (0, 20)

    def test_are_told_once_a_frozen_namespace_is_thawed(
        self, namespace: Namespace, deliverer: Deliverer, ear: Ear
    ) -> None:
        put(namespace, "one")
        namespace.freeze()

        tell(deliverer)
        assert ear.of("shop") == []
        namespace.freeze(False)
        tell(deliverer)

        assert ear.of("shop") == [("put", "one"), ("frozen", None), ("thawed", None)]

    def test_do_not_bring_an_erased_namespace_back(
        self, backend: Hooked, namespace: Namespace, deliverer: Deliverer, ear: Ear
    ) -> None:
        backend.namespace("other").pause("fetch")
        tell(deliverer, "other")
        put(namespace, "one")
        cursor: str | None = None
        while cursor := namespace.erase("shop", cursor).next:
            pass

        tell(deliverer)

        assert backend.namespaces() == ["other"]


class TestTrackers:
    def test_are_told_of_jobs_with_their_tags_alone(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes
    ) -> None:
        watch(namespace)
        put(namespace, "one", tags=("a", "b"))
        put(namespace, "two", tags=("b",))
        put(namespace, "three", tags=())
        namespace.track("a")
        work(namespace)

        tell(deliverer)

        assert notes.of("note") == [("put", "one"), ("popped", "one"), ("completed", "one")]

    @pytest.mark.parametrize(
        ("patterns", "told"),
        [
            (["a"], ["a"]),
            (["a*"], ["a", "ab"]),
            (["*"], ["a", "ab", "b"]),
            (["ab", "b"], ["ab", "b"]),
            (["*b"], []),
        ],
    )
    def test_watch_tags_or_what_begins_like_them(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes, patterns: list[str], told: list[str]
    ) -> None:
        watch(namespace, {"tags": patterns})
        for tag in ("a", "ab", "b"):
            put(namespace, tag, tags=(tag,))
        put(namespace, "none", tags=())

        tell(deliverer)

        assert notes.of("note") == [("put", tag) for tag in told]

    def test_miss_nothing_from_the_moment_they_are_set(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes
    ) -> None:
        put(namespace, "before")
        watch(namespace)
        put(namespace, "after")

        tell(deliverer)

        assert notes.of("note") == [("put", "after")]

    def test_two_of_one_name_are_told_by_themselves(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes
    ) -> None:
        watch(namespace, {"id": "x"}, {"id": "y", "tags": ["b"]})
        put(namespace, "one")
        put(namespace, "two", tags=("b",))

        tell(deliverer)

        assert (notes.of("x"), notes.of("y")) == ([("put", "one")], [("put", "two")])

    def test_one_that_is_removed_is_told_no_more_and_keeps_nothing(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes
    ) -> None:
        watch(namespace)
        tell(deliverer)
        namespace.configure_namespace({}, inherit=["trackers"])

        put(namespace, "one")
        tell(deliverer)

        assert notes.told == []
        assert place_of(namespace, tracker_reader("note")) is None

    def test_an_id_of_any_length_has_its_place(self, namespace: Namespace, deliverer: Deliverer, notes: Notes) -> None:
        long = "ü" * 100
        watch(namespace, {"id": long})
        put(namespace, "one")
        notes.do = lambda tracking, events: tracking.later({}, key="k" * 300)

        tell(deliverer)
        tell(deliverer)

        assert notes.of(long) == [("put", "one")]
        assert notes.performed == [{"id": long}]

    def test_one_that_raises_is_told_again_after_a_while(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes, plugins: Plugins, clock: ManualClock
    ) -> None:
        watch(namespace)
        put(namespace, "one")
        tries: list[float] = []

        def refuse(tracking: Tracking, events: Sequence[Event]) -> None:
            tries.append(clock())
            if len(tries) < 5:
                raise ValueError("not now")

        notes.do = refuse
        for _ in range(40):
            tell(deliverer)
            clock.advance(0.5)

        assert [later - earlier for earlier, later in pairwise(tries)] == [1, 2, 4, 8]
        assert notes.of("note") == [("put", "one")]
        told = plugins.record("notes").told()
        assert told.errors == 4
        assert told.last_error is not None
        assert told.last_error.hook == "tracker note of shop"

    def test_after_ten_errors_it_is_off_until_its_settings_change(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes, plugins: Plugins, clock: ManualClock
    ) -> None:
        watch(namespace)
        put(namespace, "one")
        tries = []

        def refuse(tracking: Tracking, events: Sequence[Event]) -> None:
            tries.append(1)
            raise ValueError("never")

        notes.do = refuse
        for _ in range(20):
            tell(deliverer)
            clock.advance(60)
        assert (len(tries), plugins.record("notes").told().off) == (10, ("tracker note of shop",))
        notes.do = lambda tracking, events: None
        tell(deliverer)
        assert notes.told == []

        watch(namespace, {"colour": "blue"})
        tell(deliverer)

        assert notes.of("note") == [("put", "one")]
        assert plugins.record("notes").told().off == ()

    def test_a_new_process_goes_on_with_one_that_was_switched_off(
        self, backend: Hooked, namespace: Namespace, deliverer: Deliverer, notes: Notes, clock: ManualClock
    ) -> None:
        watch(namespace)
        put(namespace, "one")

        def refuse(tracking: Tracking, events: Sequence[Event]) -> None:
            raise ValueError

        notes.do = refuse
        for _ in range(20):
            tell(deliverer)
            clock.advance(60)
        anew = Notes()

        tell(Deliverer(backend, Plugins({"notes": anew}, installed=False), threads=0))

        assert anew.of("note") == [("put", "one")]

    def test_one_that_raises_keeps_nothing_from_another(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes
    ) -> None:
        watch(namespace, {"id": "x"}, {"id": "y"})
        put(namespace, "one")

        def refuse(tracking: Tracking, events: Sequence[Event]) -> None:
            if tracking.id == "x":
                raise ValueError

        notes.do = refuse
        tell(deliverer)

        assert (notes.of("x"), notes.of("y")) == ([], [("put", "one")])

    def test_one_that_no_plugin_offers_waits_for_a_process_that_has_it(
        self, store: Backend, namespace: Namespace, backend: Hooked, notes: Notes, caplog: pytest.LogCaptureFixture
    ) -> None:
        watch(namespace)
        put(namespace, "one")
        without = Deliverer(store, Plugins(installed=False), threads=0)
        tell(without)
        tell(without)
        assert caplog.text.count("tracker note of shop cannot be told of anything") == 1

        tell(Deliverer(backend, backend.plugins, threads=0))

        assert notes.of("note") == [("put", "one")]

    def test_one_that_came_with_a_copy_begins_at_the_end(
        self, store: Backend, deliverer: Deliverer, notes: Notes
    ) -> None:
        bare = store.namespace("shop")
        put(bare, "before")
        watch(bare)
        tell(deliverer)

        put(bare, "after")
        tell(deliverer)

        assert notes.of("note") == [("put", "after")]

    def test_is_built_once_for_all_that_it_is_told(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes
    ) -> None:
        watch(namespace)
        notes.built = 0

        for jid in ("one", "two", "three"):
            put(namespace, jid)
            tell(deliverer)

        assert notes.built == 1

    def test_are_told_of_a_gap(
        self, store: Backend, namespace: Namespace, deliverer: Deliverer, notes: Notes, clock: ManualClock
    ) -> None:
        put(namespace, "zero")
        watch(namespace)
        put(namespace, "one")
        clock.advance(25 * 3600)
        while store.namespace("shop").prune().more:
            pass
        put(namespace, "two")

        tell(deliverer)

        assert notes.of("note") == [("gap", None), ("put", "two")]

    def test_the_order_of_each_job_is_kept(self, namespace: Namespace, deliverer: Deliverer, notes: Notes) -> None:
        watch(namespace)
        for turn in range(5):
            put(namespace, *(f"{turn}-{number}" for number in range(20)))
            work(namespace)

        tell(deliverer)

        for jid in {jid for _, jid in notes.of("note")}:
            assert [event for event, each in notes.of("note") if each == jid] == ["put", "popped", "completed"]


class TestKept:
    """What a tracker keeps is remembered together with how far it was told."""

    def count(self, notes: Notes) -> None:
        def do(tracking: Tracking, events: Sequence[Event]) -> None:
            tracking.kept = ",".join([*filter(None, [tracking.kept]), *(str(event.jid) for event in events)])

        notes.do = do

    def kept(self, namespace: Namespace) -> str:
        return Kept.of_text(namespace.recall("tracker:note") or "").text

    def test_goes_on_from_turn_to_turn(self, namespace: Namespace, deliverer: Deliverer, notes: Notes) -> None:
        watch(namespace)
        self.count(notes)
        for jid in ("one", "two", "three"):
            put(namespace, jid)
            tell(deliverer)

        assert self.kept(namespace) == "one,two,three"

    def test_one_that_raises_has_kept_nothing(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes, clock: ManualClock
    ) -> None:
        watch(namespace)
        put(namespace, "one")

        def fail(tracking: Tracking, events: Sequence[Event]) -> None:
            tracking.kept = "half"
            raise ValueError

        notes.do = fail
        tell(deliverer)
        assert namespace.recall("tracker:note") is None
        clock.advance(1)
        self.count(notes)
        tell(deliverer)

        assert self.kept(namespace) == "one"

    def test_two_that_read_different_pages_count_each_event_once(
        self, store: Backend, namespace: Namespace, plugins: Plugins, notes: Notes
    ) -> None:
        watch(namespace)
        put(namespace, "one")
        slow, quick = Deliverer(store, plugins, threads=0), Deliverer(store, plugins, threads=0)

        def let_the_other_pass(tracking: Tracking, events: Sequence[Event]) -> None:
            self.count(notes)
            put(namespace, "two")
            tell(quick)
            notes.do(tracking, events)

        notes.do = let_the_other_pass
        tell(slow)
        # What the quick one kept is not taken back.
        assert self.kept(namespace) == "one,two"
        put(namespace, "three")
        tell(slow)
        tell(quick)

        assert self.kept(namespace) == "one,two,three"

    def test_a_copy_goes_on_with_it_from_its_own_end(
        self, store: Backend, namespace: Namespace, backend: Hooked, deliverer: Deliverer, notes: Notes
    ) -> None:
        watch(namespace)
        self.count(notes)
        put(namespace, "one")
        tell(deliverer)
        copied = store.namespace("copy")
        put(copied, *(f"before-{number}" for number in range(10)))
        copied.freeze()
        namespace.freeze()
        copied.load(namespace.dump().records)
        copied.freeze(False)

        tell(deliverer, "copy")
        put(copied, "after")
        tell(deliverer, "copy")

        assert self.kept(copied) == "one,after"

    def test_goes_with_its_tracker(self, namespace: Namespace, deliverer: Deliverer, notes: Notes) -> None:
        watch(namespace)
        self.count(notes)
        put(namespace, "one")
        tell(deliverer)
        namespace.configure_namespace({}, inherit=["trackers"])

        assert namespace.recall("tracker:note") is None

    @pytest.mark.parametrize("kept", ["x" * 65_400, 1])
    def test_what_cannot_be_kept_is_an_error_of_the_tracker(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes, plugins: Plugins, kept: Any
    ) -> None:
        watch(namespace)
        put(namespace, "one")

        def do(tracking: Tracking, events: Sequence[Event]) -> None:
            tracking.kept = kept

        notes.do = do
        tell(deliverer)

        error = plugins.record("notes").told().last_error
        assert error is not None
        assert "what a tracker keeps must be at most" in error.message

    def test_the_longest_can_be_kept(self, namespace: Namespace, deliverer: Deliverer, notes: Notes) -> None:
        watch(namespace)
        put(namespace, "one")

        def do(tracking: Tracking, events: Sequence[Event]) -> None:
            tracking.kept = "x" * MAX_KEPT_BYTES

        notes.do = do
        tell(deliverer)

        assert len(self.kept(namespace)) == MAX_KEPT_BYTES


class TestLater:
    def watched(self, namespace: Namespace, notes: Notes) -> None:
        """Have each event that the tracker is told done later."""
        watch(namespace)
        notes.do = later_of(lambda event: {"jid": event.jid}, lambda event: str(event.jid))
        put(namespace, "one", "two")

    def test_is_done_by_jobs_of_a_queue_of_its_own(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes
    ) -> None:
        self.watched(namespace, notes)

        tell(deliverer)

        assert sorted(each["jid"] for each in notes.performed) == ["one", "two"]
        [queue] = namespace.queues([QUEUE])
        assert (queue.waiting, queue.complete) == (0, 2)

    def test_the_same_key_is_done_once(self, namespace: Namespace, deliverer: Deliverer, notes: Notes) -> None:
        watch(namespace)
        notes.do = later_of(lambda event: {}, lambda event: "once")
        put(namespace, "one", "two")
        for _ in range(3):
            tell(deliverer)
        put(namespace, "three")
        for _ in range(3):
            tell(deliverer)

        assert notes.performed == [{"id": "note"}]

    def test_its_jobs_have_no_tags_and_are_told_to_no_tracker(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes
    ) -> None:
        watch(namespace, {"tags": ["*"]})
        notes.do = later_of(lambda event: {})
        put(namespace, "one")

        for _ in range(5):
            tell(deliverer)

        assert notes.of("note") == [("put", "one")]
        [queue] = namespace.queues([QUEUE])
        assert queue.complete == 1
        [lease] = [event for event in namespace.events(limit=1000).events if event.queue == QUEUE and event.jid][:1]
        [job] = namespace.get([str(lease.jid)])
        assert job is not None
        assert (job.tags, job.klass) == ((), "qless:note")

    def test_what_raises_is_retried_as_the_queue_says(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes, clock: ManualClock, plugins: Plugins
    ) -> None:
        self.watched(namespace, notes)
        failing = [True]

        def refuse(data: Mapping[str, Any]) -> None:
            if failing[0]:
                raise ValueError("no answer")

        notes.do_later = refuse
        tell(deliverer)
        tell(deliverer)

        [queue] = namespace.queues([QUEUE])
        assert (queue.scheduled, notes.performed) == (2, [])
        jids = [each.jid for each in namespace.events(limit=1000).events if each.event == "retried"]
        for job in namespace.get([str(jid) for jid in jids]):
            assert job is not None
            assert job.failure is not None
            assert job.failure.group == "tracker:note"
            assert "ValueError: no answer" in job.failure.message
            assert job.available_at - clock() == 5
        failing[0] = False
        clock.advance(5)
        namespace.promote()
        tell(deliverer)
        assert len(notes.performed) == 2
        assert plugins.record("notes").told().errors == 2

    def test_limits_that_a_namespace_has_for_its_jobs_are_not_theirs(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes, plugins: Plugins
    ) -> None:
        limits: Any = {"max_size": 2, "max_concurrency": 1, "rate": Rate(1, 60), "max_run": 1, "heartbeat": None}
        namespace.configure_namespace(limits)
        self.watched(namespace, notes)
        namespace.put([NewJob("Crawl", queue="parse", tags=("a",))])

        tell(deliverer)

        assert len(notes.performed) == 3
        assert plugins.record("notes").told().errors == 0
        [queue] = namespace.queues([QUEUE])
        assert (queue.settings.max_run, queue.settings.heartbeat) == (None, 60)

    def test_a_queue_that_was_paused_before_has_its_settings_all_the_same(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes
    ) -> None:
        namespace.pause(QUEUE)
        self.watched(namespace, notes)

        tell(deliverer)

        [queue] = namespace.queues([QUEUE])
        assert (queue.waiting, queue.paused, queue.settings.retries) == (2, True, 9)

    def test_the_queue_is_told_how_to_retry_by_whoever_likes(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes, clock: ManualClock
    ) -> None:
        delays: Any = {"strategy": "fixed", "delay": 7}
        namespace.configure(QUEUE, {"backoff": delays, "retries": 1})
        self.watched(namespace, notes)

        def refuse(data: Mapping[str, Any]) -> None:
            raise ValueError

        notes.do_later = refuse
        for _ in range(3):
            tell(deliverer)
            clock.advance(7)
            namespace.promote()

        [queue] = namespace.queues([QUEUE])
        assert (queue.failed, queue.scheduled) == (2, 0)

    def test_who_gives_up_fails_at_once(self, namespace: Namespace, deliverer: Deliverer, notes: Notes) -> None:
        self.watched(namespace, notes)

        def refuse(data: Mapping[str, Any]) -> None:
            raise GiveUp("no-use", "they moved")

        notes.do_later = refuse
        tell(deliverer)
        tell(deliverer)

        [group] = namespace.failures()
        assert (group.group, group.count) == ("no-use", 2)

    def test_of_a_tracker_that_is_gone_it_fails(self, namespace: Namespace, deliverer: Deliverer, notes: Notes) -> None:
        self.watched(namespace, notes)
        namespace.pause(QUEUE)
        tell(deliverer)
        namespace.configure_namespace({}, inherit=["trackers"])
        namespace.resume(QUEUE)

        for _ in range(15):
            tell(deliverer)

        [group] = namespace.failures()
        assert (group.group, group.count, notes.performed) == ("tracker-gone", 2, [])

    @pytest.mark.parametrize("data", ["{}", "[]", "1", '{"tracker": 1}', '{"tracker": "note", "data": [1]}'])
    def test_what_came_into_its_queue_past_us_harms_nobody(
        self, namespace: Namespace, deliverer: Deliverer, notes: Notes, data: str
    ) -> None:
        self.watched(namespace, notes)
        assert isinstance(namespace, Passing)
        namespace.inner.put([NewJob("Odd", data, queue=QUEUE, priority=1)])

        tell(deliverer)
        tell(deliverer)

        assert sorted(each["jid"] for each in notes.performed if "jid" in each) == ["one", "two"]

    def test_a_paused_queue_does_nothing(self, namespace: Namespace, deliverer: Deliverer, notes: Notes) -> None:
        self.watched(namespace, notes)
        namespace.pause(QUEUE)
        tell(deliverer)
        tell(deliverer)

        assert notes.performed == []

    def test_no_policy_looks_at_it(self, namespace: Namespace, deliverer: Deliverer, notes: Notes) -> None:
        policies: Any = [{"name": "allow_list", "queues": ["fetch"]}]
        namespace.configure_namespace({"policies": policies})
        self.watched(namespace, notes)

        tell(deliverer)
        tell(deliverer)

        assert len(notes.performed) == 2


class TestKilled:
    """A deliverer that ends at any point is followed by one that goes on."""

    def scene(self, backend: Backend) -> None:
        namespace = backend.namespace("shop")
        watch(namespace, {}, {"name": "prometheus", "id": "counts"})
        put(namespace, "one", "two")
        work(namespace)
        put(namespace, "three")

    def wire(self, notes: Notes) -> None:
        notes.do = later_of(lambda event: {"key": f"{event.event} {event.jid}"})

    def test_at_any_point_everything_is_told_in_order_and_counted_once(self, clock: ManualClock) -> None:
        points: list[Point] = []
        self.run_through(clock, points.append)
        assert len(points) > 50

        for number in range(1, len(points) + 1):

            def kill(point: Point, number: int = number) -> None:
                if point.number == number:
                    raise Killed

            self.run_through(clock, kill)

    def run_through(self, clock: ManualClock, before: Callable[[Point], object]) -> None:
        store = ModelBackend(clock=clock)
        ear, notes = Ear(), Notes()
        self.wire(notes)
        plugins = Plugins({"ear": ear, "notes": notes}, installed=False)
        self.scene(Hooked(store, plugins=plugins))
        flaky = Hooked(Flaky(store, before=before), plugins=plugins)
        try:
            first = Deliverer(flaky, plugins, threads=0)
            for _ in range(3):
                tell(first)
        except Killed:
            pass

        second = Deliverer(Hooked(store, plugins=plugins), plugins, threads=0)
        for _ in range(3):
            tell(second)
            clock.advance(61)
            store.namespace("shop").promote()
        tell(second)

        log = [each for each in store.namespace("shop").events(limit=1000).events if each.queue == "fetch"]
        happened = [(each.event, each.jid) for each in log]
        assert _firsts(ear.of("shop"), happened) == happened
        assert _firsts(notes.of("note"), happened) == happened
        assert {each["key"] for each in notes.performed} == {f"{event} {jid}" for event, jid in happened}
        counts = counted(store.namespace("shop"))["a"]
        assert counts[4:7] == [3, 2, 2]
        assert counts[0] == counts[2] == 2

    def test_one_that_could_not_remember_tells_again(
        self, store: Backend, namespace: Namespace, backend: Hooked, plugins: Plugins, notes: Notes
    ) -> None:
        watch(namespace)
        put(namespace, "one")

        def kill(point: Point) -> None:
            if point.operation == "remember":
                raise Killed

        with pytest.raises(Killed):
            tell(Deliverer(Flaky(store, before=kill), Plugins({"notes": notes}, installed=False), threads=0))

        tell(Deliverer(store, plugins, threads=0))

        assert notes.of("note") == [("put", "one"), ("put", "one")]


def _firsts(told: list[tuple[str, str | None]], happened: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """What was told of what happened, each when it was told first."""
    return list(dict.fromkeys(each for each in told if each in happened))


class TestTwoAtOnce:
    def test_the_second_does_not_go_back_behind_the_first(
        self, store: Backend, namespace: Namespace, plugins: Plugins, notes: Notes
    ) -> None:
        watch(namespace)
        put(namespace, "one")
        slow, quick = Deliverer(store, plugins, threads=0), Deliverer(store, plugins, threads=0)

        def let_the_other_pass(tracking: Tracking, events: Sequence[Event]) -> None:
            notes.do = lambda tracking, events: None
            tell(quick)
            put(namespace, "two")
            tell(quick)

        notes.do = let_the_other_pass
        tell(slow)

        place = place_of(namespace, tracker_reader("note"))
        assert namespace.events(place).events == ()
        assert sorted(notes.of("note")) == [("put", "one"), ("put", "one"), ("put", "two")]
        tell(slow)
        assert len(notes.told) == 3

    def test_with_threads_nothing_is_missed_and_each_is_counted_once(
        self, store: Backend, namespace: Namespace, plugins: Plugins, notes: Notes
    ) -> None:
        watch(namespace, {}, {"name": "prometheus", "id": "counts", "tags": ["a"]})
        deliverers = [Deliverer(store, plugins) for _ in range(2)]

        def deliver() -> bool:
            for each in deliverers:
                each.deliver("shop")
            return False

        for turn in range(30):
            put(namespace, *(f"{turn}-{number}" for number in range(10)))
            deliver()
        until(lambda: deliver() or len({jid for _, jid in notes.of("note")}) == 300)
        for each in deliverers:
            each.deliver("shop")
            each.run_until_idle()
            each.close()

        counts = counted(namespace)
        assert counts["a"][4] == 300


class TestThreads:
    @pytest.fixture
    def store(self, clock: ManualClock) -> Backend:
        return ModelBackend(clock=clock)

    def test_deliver_returns_at_once(self, namespace: Namespace, backend: Hooked, plugins: Plugins, ear: Ear) -> None:
        deliverer = Deliverer(backend, plugins)
        put(namespace, "one")
        held, freed = threading.Event(), threading.Event()

        def hold(event: Event) -> None:
            held.set()
            freed.wait(20)

        ear.do = hold
        deliverer.deliver("shop")
        deliverer.deliver("shop")
        assert held.wait(20)
        freed.set()
        deliverer.run_until_idle()

        assert ear.of("shop") == [("put", "one")]
        deliverer.close()

    def test_those_that_quit_are_switched_off_and_take_no_thread_along(
        self, backend: Hooked, namespace: Namespace, plugins: Plugins, ear: Ear, notes: Notes, clock: ManualClock
    ) -> None:
        watch(namespace)
        put(namespace, *map(str, range(12)))
        deliverer = Deliverer(backend, plugins, threads=1, clock=clock)

        def leave(*told: object) -> None:
            raise SystemExit

        ear.do = notes.do = leave
        for _ in range(12):
            deliverer.deliver("shop")
            deliverer.run_until_idle()
            clock.advance(61)
        deliverer.close()

        assert plugins.record("ear").told().off == ("on_event",)
        assert plugins.record("notes").told().off == ("tracker note of shop",)

    def test_what_quits_later_is_a_failure_of_its_job(
        self, backend: Hooked, namespace: Namespace, plugins: Plugins, notes: Notes
    ) -> None:
        watch(namespace)
        put(namespace, "one")
        notes.do = later_of(lambda event: {})

        def leave(data: object) -> None:
            raise SystemExit("no more")

        notes.do_later = leave
        deliverer = Deliverer(backend, plugins, threads=1)
        deliverer.deliver("shop")
        deliverer.run_until_idle()
        deliverer.close()

        [job] = namespace.select(Filter(queue=QUEUE)).jobs
        assert (job.state, job.failure and job.failure.group) == ("scheduled", "tracker:note")

    def test_one_that_hangs_holds_nobody_else_up(
        self, backend: Hooked, namespace: Namespace, plugins: Plugins, ear: Ear, notes: Notes
    ) -> None:
        watch(namespace)
        deliverer = Deliverer(backend, plugins)
        deliverer.deliver("shop")
        deliverer.run_until_idle()
        freed = threading.Event()
        ear.do = lambda event: freed.wait(20)

        def has_told(jid: str) -> bool:
            deliverer.deliver("shop")
            return ("note", "put", jid) in notes.told

        for number in range(5):
            put(namespace, str(number))
            until(partial(has_told, str(number)))

        assert ear.of("shop") == [("configured", None)]
        freed.set()
        deliverer.run_until_idle()
        deliverer.close()

    def test_close_does_not_wait_for_one_that_hangs(
        self, backend: Hooked, namespace: Namespace, plugins: Plugins, ear: Ear
    ) -> None:
        deliverer = Deliverer(backend, plugins)
        put(namespace, "one", "two")
        held, freed = threading.Event(), threading.Event()

        def hold(event: Event) -> None:
            held.set()
            freed.wait(60)

        ear.do = hold
        deliverer.deliver("shop")
        assert held.wait(20)

        deliverer.close()

        freed.set()
        assert threading.active_count() < 20

    def test_a_store_that_is_gone_is_tried_again_without_a_word(
        self, store: Backend, plugins: Plugins, ear: Ear, caplog: pytest.LogCaptureFixture
    ) -> None:
        gone = [False]

        def fail(point: Point) -> None:
            if gone[0]:
                raise BackendUnavailable

        caplog.set_level(logging.INFO)
        deliverer = Deliverer(Flaky(store, before=fail), plugins, threads=0)
        tell(deliverer)
        put(store.namespace("shop"), "one")
        gone[0] = True
        tell(deliverer)
        gone[0] = False

        tell(deliverer)

        assert ear.of("shop") == [("put", "one")]
        assert caplog.text == ""


class TestReaders:
    def test_one_that_is_there_stays_where_it_is(self, store: Backend) -> None:
        namespace = store.namespace("shop")
        put(namespace, "one")
        place = register_reader(namespace, "mail")
        put(namespace, "two")

        assert register_reader(namespace, "mail") == place
        assert [event.jid for event in namespace.events(place).events] == ["two"]

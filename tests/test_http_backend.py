"""The HTTP backend when the wire is bad: lost answers, servers that are down, and those that are none of ours."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.http import HTTPBackend
from qless_flask.backends.http import live as http_live
from qless_flask.backends.http import polls as http_polls
from qless_flask.backends.http import transport as http_transport
from qless_flask.errors import BackendUnavailable, Frozen, Internal, Invalid, JobExists, QlessError
from qless_flask.models import (
    Complete,
    Event,
    EventFilter,
    Filter,
    Finish,
    MemoRecord,
    Move,
    NewJob,
    Pop,
    Put,
    Recurrence,
    Retry,
    Settled,
    Unique,
)
from qless_flask.web import create_app

Answerer = Callable[[httpx.Request], httpx.Response]


class BadWire(httpx.BaseTransport):
    """A wire to an app that does to each request in turn what its plan says, and after that works."""

    def __init__(self, app_transport: httpx.BaseTransport, *plan: str) -> None:
        self._transport = app_transport
        self._plan = iter(plan)
        self.paths: list[str] = []
        self.bodies: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path.rpartition("/")[2])
        self.bodies.append(request.read())
        match next(self._plan, "works"):
            case "refused":
                raise httpx.ConnectError("connection refused", request=request)
            case "lost":
                self._transport.handle_request(request).read()
                raise httpx.ReadError("the answer was lost", request=request)
            case "bad gateway":
                self._transport.handle_request(request).read()
                return httpx.Response(502, text="<h1>Bad Gateway</h1>")
            case _:
                return self._transport.handle_request(request)


Wired = Callable[..., tuple[Namespace, BadWire]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(http_transport, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(http_transport, "LONGEST_PAUSE_SECONDS", 0.005)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Backend]:
    """The SQLite store behind the server."""
    with open_backend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off") as store:
        yield store


@pytest.fixture
def wired(store: Backend) -> Iterator[Wired]:
    """Open a namespace by a wire that goes by a plan."""
    opened: list[HTTPBackend] = []

    def wired(*plan: str) -> tuple[Namespace, BadWire]:
        wire = BadWire(httpx.WSGITransport(create_app(backend=store)), *plan)
        backend = HTTPBackend("http://localhost", transport=wire)
        opened.append(backend)
        return backend.namespace("crawl"), wire

    yield wired
    for backend in opened:
        backend.close()


def events(store: Backend) -> list[Event]:
    return list(store.namespace("crawl").events(limit=1000).events)


def names(found: Sequence[Event]) -> list[str]:
    return [event.event for event in found]


FAULTS = ["lost", "bad gateway"]


@pytest.mark.parametrize("fault", FAULTS)
class TestLostAnswers:
    def test_a_put_of_jids_made_here_is_not_doubled(self, wired: Wired, store: Backend, fault: str) -> None:
        namespace, wire = wired(fault, fault)

        puts = namespace.put([NewJob("Crawl", queue="fetch"), NewJob("Crawl", queue="fetch", if_exists="replace")])

        assert [(put.state, put.created) for put in puts] == [("waiting", True)] * 2
        assert wire.paths == ["put"] * 3
        assert names(events(store)) == ["put", "put"]

    def test_a_put_with_keep_is_not_doubled(self, wired: Wired, store: Backend, fault: str) -> None:
        namespace, _ = wired(fault)

        [put] = namespace.put([NewJob("Crawl", queue="fetch", jid="one", if_exists="keep")])

        assert (put.jid, put.state) == ("one", "waiting")
        assert names(events(store)) == ["put"]

    @pytest.mark.parametrize("if_exists", ["reject", "replace"])
    def test_a_put_that_could_hide_another_job_is_not_sent_again(
        self, wired: Wired, store: Backend, fault: str, if_exists: str
    ) -> None:
        namespace, wire = wired(fault)
        job = NewJob("Crawl", queue="fetch", jid="one", if_exists=if_exists)  # type: ignore[arg-type]

        with pytest.raises(BackendUnavailable, match="look before"):
            namespace.put([NewJob("Crawl", queue="fetch"), job])

        assert wire.paths == ["put"]

    def test_a_pop_is_given_the_same_leases(self, wired: Wired, store: Backend, fault: str) -> None:
        store.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid=jid) for jid in ("one", "two", "three")])
        namespace, _ = wired(fault)

        popped = namespace.pop(["fetch"], "ann", 2)

        assert [lease.jid for lease in popped] == ["one", "two"]
        assert names(events(store)).count("popped") == 2
        assert [job.state for job in namespace.get(["one", "two", "three"]) if job] == ["running", "running", "waiting"]

    def test_a_settle_is_not_doubled(self, wired: Wired, store: Backend, fault: str) -> None:
        store.namespace("crawl").put([NewJob("Crawl", queue="fetch", pipeline=("parse", "index"))])
        [lease] = store.namespace("crawl").pop(["fetch"], "ann")
        namespace, _ = wired(fault)

        results = namespace.settle([Complete(lease)])

        assert results == [Settled(lease.jid, "waiting")]
        [job] = namespace.get([lease.jid])
        assert job is not None
        assert (job.queue, job.pipeline) == ("parse", ("index",))
        assert names(events(store)) == ["put", "popped", "advanced"]

    def test_follow_up_jobs_are_not_doubled(self, wired: Wired, store: Backend, fault: str) -> None:
        store.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid="one")])
        [lease] = store.namespace("crawl").pop(["fetch"], "ann")
        namespace, wire = wired(fault)

        results = namespace.settle([Complete(lease, puts=(NewJob("Parse", queue="parse"),))])

        assert results == [Settled("one", "complete")]
        assert wire.paths == ["settle", "settle"]
        assert wire.bodies[0] == wire.bodies[1]
        assert store.namespace("crawl").queues(["parse"])[0].waiting == 1

    def test_a_unique_key_is_answered_with_its_holder(self, wired: Wired, store: Backend, fault: str) -> None:
        store.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid="one", unique=Unique("home"))])
        namespace, _ = wired(fault)

        held, free = (
            namespace.put([NewJob("Crawl", queue="fetch", unique=Unique(key))])[0] for key in ("home", "away")
        )

        assert held == Put("one", "waiting", False)
        assert free.created

    def test_a_finish_is_asked_for_again(self, wired: Wired, store: Backend, fault: str) -> None:
        store.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid="one")])
        namespace, wire = wired(fault)

        [job] = namespace.finish(["one"], Finish("complete"))

        assert not isinstance(job, QlessError)
        assert job.state == "complete"
        assert (wire.paths, names(events(store))) == (["finish"] * 2, ["put", "finished"])

    def test_a_tag_is_tracked_once(self, wired: Wired, store: Backend, fault: str) -> None:
        namespace, wire = wired(fault)

        assert namespace.track("docs").tracked
        assert (wire.paths, names(events(store))) == (["track"] * 2, ["tracked"])

    @pytest.mark.parametrize(
        "call",
        [
            lambda namespace: namespace.change(Filter(state="waiting"), Move("parse")),
            lambda namespace: namespace.depend("one", off=["two"]),
            lambda namespace: namespace.recur(Recurrence("Crawl", queue="fetch", interval=60)),
            lambda namespace: namespace.configure_namespace({"retries": 1}),
            lambda namespace: namespace.freeze(False),
            lambda namespace: namespace.erase("crawl"),
        ],
    )
    def test_what_could_undo_anothers_change_is_not_sent_again(
        self, wired: Wired, store: Backend, fault: str, call: Callable[[Namespace], object]
    ) -> None:
        store.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid="one")])
        namespace, wire = wired(fault)

        with pytest.raises(BackendUnavailable, match="look before"):
            call(namespace)

        assert len(wire.paths) == 1

    def test_records_are_loaded_again(self, wired: Wired, store: Backend, fault: str) -> None:
        store.namespace("crawl").freeze()
        namespace, wire = wired(fault)

        assert namespace.load([MemoRecord(name="x", value="y")]) == 1

        assert wire.paths == ["load"] * 2
        assert store.namespace("crawl").recall("x") == "y"

    def test_an_exchange_is_not_doubled(self, wired: Wired, store: Backend, fault: str) -> None:
        store.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid=jid) for jid in ("one", "two", "three")])
        [lease] = store.namespace("crawl").pop(["fetch"], "ann")
        namespace, _ = wired(fault)

        exchanged = namespace.exchange([Retry(lease, delay=0)], Pop(("fetch",), "ann"))

        assert exchanged.results == (Settled("one", "waiting"),)
        assert [lease.jid for lease in exchanged.popped] == ["two"]
        assert names(events(store)).count("popped") == 2
        assert names(events(store)).count("retried") == 1

    def test_a_look_up_is_asked_for_again(self, wired: Wired, store: Backend, fault: str) -> None:
        store.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid="one")])
        namespace, wire = wired(fault, fault)

        [job] = namespace.get(["one"])

        assert job is not None
        assert len(wire.paths) == 3

    def test_what_would_be_done_twice_is_not_sent_again(self, wired: Wired, store: Backend, fault: str) -> None:
        store.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid="one")])
        namespace, wire = wired(fault)

        with pytest.raises(BackendUnavailable):
            namespace.move(["one"], "parse")

        assert wire.paths == ["move"]
        assert names(events(store)) == ["put", "moved"]


class TestServersThatAreDown:
    def test_a_request_that_was_never_sent_is_always_tried_again(self, wired: Wired, store: Backend) -> None:
        namespace, wire = wired("refused", "refused")

        puts = namespace.put([NewJob("Crawl", queue="fetch", jid="one")])

        assert puts == [Put("one", "waiting", True)]
        assert len(wire.paths) == 3

    def test_a_conflict_after_a_refused_connection_is_a_conflict(self, wired: Wired, store: Backend) -> None:
        store.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid="one")])
        namespace, _ = wired("refused")

        with pytest.raises(JobExists):
            namespace.put([NewJob("Crawl", queue="fetch", jid="one")])

    def test_after_some_tries_it_is_unavailable(self, wired: Wired) -> None:
        namespace, wire = wired(*["refused"] * 10)

        with pytest.raises(BackendUnavailable, match="connection refused"):
            namespace.get(["one"])

        assert len(wire.paths) == http_transport.TRIES

    def test_nobody_listening_is_unavailable(self) -> None:
        with HTTPBackend("http://127.0.0.1:1") as backend, pytest.raises(BackendUnavailable, match=r"127\.0\.0\.1:1"):
            backend.ping()

    def test_a_store_behind_it_that_is_down_is_unavailable(self) -> None:
        app = create_app("redis://127.0.0.1:1/0")
        with HTTPBackend("http://localhost", transport=httpx.WSGITransport(app)) as backend:
            with pytest.raises(BackendUnavailable):
                backend.ping()
            with pytest.raises(BackendUnavailable):
                backend.namespace("crawl").queues()

    def test_it_comes_back_no_sooner_than_it_was_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http_transport, "LONGEST_PAUSE_SECONDS", 5.0)
        times: list[float] = []

        def answer(request: httpx.Request) -> httpx.Response:
            times.append(time.monotonic())
            if len(times) == 1:
                return httpx.Response(503, headers={"Retry-After": "0.3"})
            return httpx.Response(200, json={"queues": []})

        assert served(answer).queues() == []
        assert times[1] - times[0] >= 0.3

    def test_a_server_that_is_away_for_long_is_unavailable_at_once(self) -> None:
        calls: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            calls.append(request)
            return httpx.Response(503, headers={"Retry-After": "3600"})

        with pytest.raises(BackendUnavailable, match="503"):
            served(answer).queues()
        assert len(calls) == 1

    def test_a_namespace_that_is_frozen_is_told_at_once(self, wired: Wired, store: Backend) -> None:
        namespace, wire = wired()
        namespace.freeze()

        with pytest.raises(Frozen) as caught:
            namespace.put([NewJob("Crawl", queue="fetch", jid="one")])

        assert (caught.value.subject, wire.paths) == ("crawl", ["freeze", "put"])
        assert "it may have been done" not in caught.value.message

    def test_a_pop_that_waits_ends_when_its_namespace_is_frozen(self, wired: Wired) -> None:
        namespace, wire = wired()
        namespace.freeze()

        with pytest.raises(Frozen):
            namespace.pop(["fetch"], "ann", wait=30)

        assert wire.paths == ["freeze", "pop"]


class TestServersThatAreNotOurs:
    @pytest.mark.parametrize(
        ("response", "hint"),
        [
            (httpx.Response(404, text="<h1>Not Found</h1>"), "mounted"),
            (httpx.Response(301, headers={"Location": "https://localhost/"}), "mounted"),
            (httpx.Response(500, text="oops"), "mounted"),
            (httpx.Response(200, text="<h1>Welcome</h1>"), "cannot be read"),
            (httpx.Response(200, json={"welcome": 1}), "cannot be understood"),
        ],
    )
    def test_it_says_what_may_be_wrong(self, response: httpx.Response, hint: str) -> None:
        with pytest.raises(Internal, match=hint):
            served(lambda request: response).queues()
        with pytest.raises(Internal, match=hint):
            HTTPBackend("http://localhost", transport=httpx.MockTransport(lambda request: response)).ping()

    @pytest.mark.parametrize(
        "url", ["http://", "http:///x", "ftp://localhost", "http://localhost?x=1", "http://[::1", "http://localhost:x"]
    )
    def test_a_url_that_is_none_is_refused(self, url: str) -> None:
        with pytest.raises(Invalid) as caught:
            HTTPBackend(url)

        assert set(caught.value.fields) == {"url"}

    def test_what_a_newer_server_says_more_does_not_matter(self) -> None:
        answer = {
            "workers": [
                {"name": "ann", "running": 0, "seen_at": 1, "quiet": False, "stop": True, "capabilities": [], "of": 1}
            ],
            "more": 1,
        }

        [worker] = served(lambda request: httpx.Response(200, json=answer)).workers()

        assert worker.name == "ann"

    def test_an_error_that_is_not_known_here_is_internal(self) -> None:
        problem = {"status": 422, "code": "UNHEARD_OF", "detail": "a policy said no"}

        with pytest.raises(Internal, match="a policy said no"):
            served(lambda request: httpx.Response(422, json=problem)).queues()


class TestWhatGoesOut:
    def test_names_of_dots_are_no_steps_up_the_path(self, store: Backend, wired: Wired) -> None:
        app = create_app(backend=store)
        with HTTPBackend("http://localhost", transport=httpx.WSGITransport(app)) as backend:
            backend.namespace("..").put([NewJob("Crawl", queue="fetch", jid="one")])

        assert store.namespaces() == [".."]

    @pytest.mark.parametrize(
        ("call", "field"),
        [
            (lambda namespace: namespace.pop(["fetch"], "\ud800"), "worker"),
            (lambda namespace: namespace.get(["one", "\ud800"]), "jids.1"),
            (lambda namespace: namespace.recall("\ud800"), "name"),
        ],
    )
    def test_half_a_surrogate_pair_is_named(
        self, wired: Wired, call: Callable[[Namespace], object], field: str
    ) -> None:
        namespace, _ = wired()

        with pytest.raises(Invalid) as caught:
            call(namespace)

        assert set(caught.value.fields) == {field}

    def test_a_log_line_cannot_break_out_of_its_field(self, wired: Wired, store: Backend) -> None:
        store.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid="one")])
        [lease] = store.namespace("crawl").pop(["fetch"], "ann")
        namespace, wire = wired()

        with pytest.raises(Invalid) as caught:
            namespace.log(lease, "hello", '1, "message": "forged"')

        assert set(caught.value.fields) == {"data"}
        assert wire.paths == []

    def test_records_are_loaded_in_parts_that_a_server_takes(
        self, wired: Wired, store: Backend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http_live, "PART_BYTES", 1000)
        namespace, wire = wired()
        namespace.freeze()
        records = [MemoRecord(name=f"memo-{number}", value="x" * 400) for number in range(5)]
        records[2] = MemoRecord(name="memo-2", value="x" * 5000)

        assert namespace.load(records) == 5

        assert wire.paths == ["freeze", *["load"] * 3]
        assert store.namespace("crawl").recall("memo-4") == "x" * 400

    def test_none_of_the_records_is_loaded_where_one_cannot_be(self, wired: Wired) -> None:
        namespace, wire = wired()
        records = [MemoRecord(name="x", value="y"), MemoRecord(name="", value="y")]

        with pytest.raises(Invalid) as caught:
            namespace.load(records)

        assert wire.paths == []
        assert set(caught.value.fields) == {"records.1.name"}

    @pytest.mark.parametrize("at", [float("nan"), float("inf"), -1.0])
    def test_a_time_that_json_does_not_have_is_refused_here(self, wired: Wired, at: float) -> None:
        namespace, _ = wired()

        with pytest.raises(Invalid) as caught:
            namespace.throughput(since=at)

        assert set(caught.value.fields) == {"since"}

    def test_errors_are_the_same_as_from_the_store_itself(self, wired: Wired, store: Backend) -> None:
        namespace, _ = wired()
        direct = store.namespace("crawl")

        for calls in (
            lambda each: each.heartbeat([]),
            lambda each: each.cancel(["none"]),
            lambda each: each.resume("fetch"),
            lambda each: each.pop([], ""),
            lambda each: each.lines("none"),
            lambda each: each.events("nonsense"),
            lambda each: each.workers(["none"]),
            lambda each: each.quiet("none"),
            lambda each: each.recurrences(["none"]),
            lambda each: each.unrecur("none"),
            lambda each: each.depend("none", on=["one"]),
            lambda each: each.put([NewJob("Crawl", queue="fetch", depends=("none",))]),
            lambda each: each.put([NewJob("Crawl", queue="fetch", jid="one", depends=("one",))]),
            lambda each: each.tags(["none"]),
            lambda each: each.change(Filter(), Move(), 0),
            lambda each: each.get([], wait=-1),
            lambda each: each.stats("today"),
            lambda each: each.stats(queue="fetch", tag="x"),
            lambda each: each.throughput(step=61),
            lambda each: each.configure("fetch", {"retries": -1}),
            lambda each: each.configure("fetch", {}, inherit=["colour"]),
            lambda each: each.configure_namespace({"colour": 3}),
            lambda each: each.dump("nonsense"),
            lambda each: each.load([MemoRecord(name="x", value="y")]),
            lambda each: each.erase("another"),
            lambda each: each.freeze(on=3),
        ):
            assert outcome(calls, namespace) == outcome(calls, direct)


class TestWaits:
    def test_a_wait_is_cut_into_polls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http_polls, "POLL_SECONDS", 0.2)
        waits: list[float] = []

        def answer(request: httpx.Request) -> httpx.Response:
            wait = httpx.Response(200, content=request.content).json()["wait"]
            waits.append(wait)
            time.sleep(wait)
            return httpx.Response(200, json={"jobs": [], "retry_at": None})

        assert len(served(answer).pop(["fetch"], "ann", wait=0.5)) == 0
        assert waits == pytest.approx([0.2, 0.2, 0.1], abs=0.05)

    def test_it_pauses_where_there_is_no_place_to_wait_and_goes_on_to_the_end(self) -> None:
        polls = itertools.count()
        began = time.monotonic()

        def answer(request: httpx.Request) -> httpx.Response:
            next(polls)
            return httpx.Response(200, json={"events": [], "next": "0"})

        assert served(answer).events(wait=0.5).events == ()
        assert time.monotonic() - began >= 0.5
        assert next(polls) < 20

    def test_all_polls_of_one_pop_are_one_request(self) -> None:
        requests: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            requests.append(httpx.Response(200, content=request.content).json()["request"])
            return httpx.Response(200, json={"jobs": [], "retry_at": None})

        served(answer).pop(["fetch"], "ann", wait=0.2)
        served(answer).pop(["fetch"], "ann")

        assert len(requests) > 2
        assert len(set(requests)) == 2

    def test_a_wait_for_an_end_lasts_until_then(self, wired: Wired, store: Backend) -> None:
        direct = store.namespace("crawl")
        direct.put([NewJob("Crawl", queue="fetch", jid="one")])
        namespace, _ = wired()
        timer = threading.Timer(0.2, direct.finish, [["one"], Finish("complete", result="[1.10]")])
        timer.start()

        [job] = namespace.get(["one"], wait=20)

        assert job is not None
        assert (job.state, job.result) == ("complete", "[1.10]")
        timer.join()

    def test_a_wait_that_nothing_ends_answers_with_the_job_as_it_is(self, wired: Wired, store: Backend) -> None:
        store.namespace("crawl").put([NewJob("Crawl", queue="fetch", jid="one")])
        namespace, _ = wired()

        [job] = namespace.get(["one"], wait=0.1)

        assert job is not None
        assert job.state == "waiting"

    def test_filtered_events_are_read_on_where_nothing_matched(self) -> None:
        asked: list[object] = []

        def answer(request: httpx.Request) -> httpx.Response:
            message = httpx.Response(200, content=request.content).json()
            asked.append((message.get("after"), message["filter"]))
            events = [{"cursor": "3", "at": 1, "event": "put", "jid": "one"}] if len(asked) == 3 else []
            return httpx.Response(200, json={"events": events, "next": str(len(asked))})

        page = served(answer).events(wait=20, filter=EventFilter(tag="x"))

        assert [event.jid for event in page.events] == ["one"]
        assert asked == [(None, {"tag": "x"}), ("1", {"tag": "x"}), ("2", {"tag": "x"})]

    def test_a_worker_that_is_to_stop_waits_no_longer(self) -> None:
        began = time.monotonic()

        popped = served(lambda request: httpx.Response(200, json={"jobs": [], "retry_at": None, "stop": True})).pop(
            ["fetch"], "ann", wait=30
        )

        assert (len(popped), popped.stop, popped.quiet) == (0, True, False)
        assert time.monotonic() - began < 5

    def test_a_wait_out_of_bounds_is_refused(self, wired: Wired) -> None:
        namespace, _ = wired()

        for wait in (-1, 3601, float("nan")):
            with pytest.raises(Invalid) as caught:
                namespace.pop(["fetch"], "ann", wait=wait)
            assert set(caught.value.fields) == {"wait"}

    def test_closing_ends_a_pause(self) -> None:
        backend = HTTPBackend("http://localhost", transport=httpx.MockTransport(nothing_yet))
        popped: list[int] = []
        thread = threading.Thread(
            target=lambda: popped.append(len(backend.namespace("crawl").pop(["fetch"], "ann", wait=60)))
        )
        thread.start()

        backend.close()
        thread.join(5)

        assert popped == [0]

    def test_after_closing_it_is_unavailable(self) -> None:
        backend = HTTPBackend("http://localhost", transport=httpx.MockTransport(nothing_yet))
        backend.close()

        with pytest.raises(BackendUnavailable, match="closed"):
            backend.namespace("crawl").pop(["fetch"], "ann")


def nothing_yet(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"jobs": [], "retry_at": None})


def served(answer: Answerer) -> Namespace:
    """Open a namespace on a server that answers as told."""
    return HTTPBackend("http://localhost", transport=httpx.MockTransport(answer)).namespace("crawl")


def outcome(call: Callable[[Namespace], object], namespace: Namespace) -> object:
    try:
        return call(namespace)
    except QlessError as error:
        return type(error), error, dict(error.fields)

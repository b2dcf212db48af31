"""The trackers that are built in: a webhook to a real server, the log, counts for Prometheus."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.backends.hooked import Hooked
from qless_flask.delivery import QUEUE, Deliverer
from qless_flask.errors import Invalid
from qless_flask.hookspecs import TagTracker
from qless_flask.models import JOB_EVENTS, Chosen, Complete, Fail, Kept, NewJob, Retry
from qless_flask.plugins import Plugins
from qless_flask.plugins.trackers.log import Log
from qless_flask.plugins.trackers.prometheus import Prometheus
from qless_flask.plugins.trackers.webhook import Webhook, signature
from qless_flask.testing import ManualClock, ModelBackend
from qless_flask.testing.contracts.trackers import KINDS, TagTrackerContract

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


class TestWebhookKeepsTheContract(TagTrackerContract):
    tracker = Webhook
    options = {"url": "http://localhost/"}
    wrong_options = ({"url": "ftp://localhost/"}, {"secret": "whsec_no"}, {"when": "never"})


class TestWebhookOfEveryEventKeepsTheContract(TagTrackerContract):
    tracker = Webhook
    options = {"url": "http://localhost/", "when": "every"}


class TestLogKeepsTheContract(TagTrackerContract):
    tracker = Log
    wrong_options = ({"level": "loud"}, {"tags": []})


class TestPrometheusKeepsTheContract(TagTrackerContract):
    tracker = Prometheus
    wrong_options = ({"tags": "a"},)


def test_the_events_of_jobs_are_those_of_the_contract() -> None:
    assert set(KINDS) == set(JOB_EVENTS)


@dataclass
class Got:
    """A message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> Any:
        return json.loads(self.body)

    @property
    def told(self) -> tuple[str, Any, Any]:
        message = self.message
        return message["type"], message["data"].get("jid"), message["data"].get("tag")


@dataclass
class Listener:
    """A server that keeps what is posted to it, and answers as it was told to."""

    got: list[Got] = field(default_factory=list)
    status: int = 200
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def take(self) -> list[tuple[str, Any, Any]]:
        told = [each.told for each in self.got]
        self.got.clear()
        return told


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            listening.got.append(Got(self.path, headers, body))
            self.send_response(listening.status)
            for name, value in listening.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        listening.url = f"http://127.0.0.1:{server.server_port}/hook"
        yield listening
        server.shutdown()
        thread.join(10)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def backend(clock: ManualClock) -> Hooked:
    return Hooked(ModelBackend(clock=clock), plugins=Plugins(installed=False), clock=clock)


@pytest.fixture
def namespace(backend: Hooked) -> Namespace:
    return backend.namespace("shop")


@pytest.fixture
def deliverer(backend: Hooked, clock: ManualClock) -> Deliverer:
    return Deliverer(backend, backend.plugins, threads=0, clock=clock)


def watch(namespace: Namespace, name: str, *, tags: Sequence[str] = ("order-*",), **options: Any) -> None:
    chosen: Any = [{"name": name, "tags": tags, **options}]
    namespace.configure_namespace({"trackers": chosen})


def tell(deliverer: Deliverer, times: int = 2) -> None:
    """Deliver, and then do what that has put."""
    for _ in range(times):
        deliverer.deliver("shop")
        deliverer.run_until_idle()


def put(namespace: Namespace, *jids: str, tags: tuple[str, ...] = ("order-1",)) -> None:
    namespace.put([NewJob("Pack", queue="fetch", jid=jid, tags=tags) for jid in jids])


def work(namespace: Namespace, limit: int = 100) -> None:
    namespace.settle([Complete(lease) for lease in namespace.pop(["fetch"], "ann", limit)])


class TestTheEndOfATag:
    @pytest.fixture(autouse=True)
    def watched(self, namespace: Namespace, listener: Listener) -> None:
        watch(namespace, "webhook", url=listener.url)

    def test_is_told_when_its_last_job_ends_and_not_before(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener
    ) -> None:
        put(namespace, "one", "two")
        work(namespace, 1)
        tell(deliverer)
        assert listener.take() == []

        work(namespace)
        tell(deliverer)

        assert listener.take() == [("tag.ended", None, "order-1")]

    def test_tells_how_its_jobs_ended(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener, clock: ManualClock
    ) -> None:
        put(namespace, "one", "two", "three", "four")
        work(namespace, 1)
        [lease] = namespace.pop(["fetch"], "ann")
        namespace.settle([Fail(lease, group="broken")])
        namespace.cancel(["three", "four"])

        tell(deliverer)

        [got] = listener.got
        assert got.message["data"] == {
            "namespace": "shop",
            "tracker": "webhook",
            "tag": "order-1",
            "complete": 1,
            "failed": 1,
            "canceled": 2,
        }
        assert got.message["timestamp"] == "2027-01-15T08:00:00.250Z"

    def test_is_told_once_though_its_ends_are_told_one_by_one(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("qless_flask.delivery.listeners.Watch.at_once", 1)
        put(namespace, "one", "two", "three")
        work(namespace)

        tell(deliverer, 10)

        assert listener.take() == [("tag.ended", None, "order-1")]

    def test_is_told_again_where_new_jobs_have_ended(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener
    ) -> None:
        put(namespace, "one")
        work(namespace)
        tell(deliverer)
        put(namespace, "two")
        work(namespace)
        tell(deliverer)

        assert len(listener.take()) == 2

    def test_is_told_again_where_the_same_job_ends_the_same_way_once_more(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener
    ) -> None:
        put(namespace, "one")
        work(namespace)
        tell(deliverer)
        namespace.move(["one"], "fetch")
        work(namespace)
        tell(deliverer)

        assert len(listener.take()) == 2

    def test_of_jobs_that_end_otherwise_than_by_their_worker_is_told(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener, clock: ManualClock
    ) -> None:
        namespace.put([NewJob("Pack", queue="fetch", tags=("order-1",), expires_in=5)])
        put(namespace, "two", tags=("order-2",))
        clock.advance(6)
        namespace.promote()
        namespace.cancel(["two"])

        tell(deliverer)

        assert {tag for _, _, tag in listener.take()} == {"order-1", "order-2"}

    def test_a_job_that_goes_on_or_is_retried_has_not_ended(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener
    ) -> None:
        namespace.put([NewJob("Pack", queue="fetch", jid="one", tags=("order-1",), pipeline=("ship",))])
        work(namespace)
        tell(deliverer)
        [lease] = namespace.pop(["ship"], "ann")
        namespace.settle([Retry(lease, delay=10)])
        tell(deliverer)

        assert listener.take() == []

    def test_what_waits_for_others_or_its_time_counts(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener
    ) -> None:
        put(namespace, "one")
        namespace.put([NewJob("Pack", queue="fetch", tags=("order-1",), delay=60)])
        work(namespace)
        tell(deliverer)

        assert listener.take() == []

    def test_each_tag_is_told_by_itself(self, namespace: Namespace, deliverer: Deliverer, listener: Listener) -> None:
        put(namespace, "one", tags=("order-1", "order-2", "other"))
        put(namespace, "two", tags=("order-2",))
        work(namespace, 1)
        tell(deliverer)
        assert listener.take() == [("tag.ended", None, "order-1")]

        work(namespace)
        tell(deliverer)

        assert listener.take() == [("tag.ended", None, "order-2")]

    def test_after_a_gap_the_tags_that_are_named_are_looked_at(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener, clock: ManualClock
    ) -> None:
        watch(namespace, "webhook", url=listener.url, tags=("order-1", "order-2", "order-3*"))
        put(namespace, "zero", tags=("order-4",))
        work(namespace)
        tell(deliverer)
        put(namespace, "one")
        put(namespace, "two", tags=("order-2",))
        work(namespace, 1)
        clock.advance(25 * 3600)
        while namespace.prune().more:
            pass

        tell(deliverer)

        assert listener.take() == [("tag.ended", None, "order-1")]

    def test_what_is_kept_of_a_hundred_thousand_tags_has_bounds(self, namespace: Namespace) -> None:
        from qless_flask.delivery.tracking import StoreTracking
        from qless_flask.plugins.trackers.ended import EndedTags

        tracking = StoreTracking(namespace, Chosen("webhook"))
        ended = EndedTags(tracking, lambda tag: True)
        ended._found = {f"order-{number}": [1, 0, 0] for number in range(100_000)}

        ended.keep()

        kept = json.loads(tracking.kept or "")
        assert len((tracking.kept or "").encode()) <= 60_000
        assert "order-99999" in kept
        assert "order-0" not in kept


class TestEvents:
    def test_every_one_is_told_with_all_that_is_known(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener
    ) -> None:
        watch(namespace, "webhook", url=listener.url, when="every")
        put(namespace, "one")
        work(namespace)

        tell(deliverer)

        assert sorted(each.told[0] for each in listener.got) == ["job.completed", "job.popped", "job.put"]
        [completed] = [each.message for each in listener.got if each.told[0] == "job.completed"]
        assert completed["data"].pop("cursor")
        assert completed == {
            "type": "job.completed",
            "timestamp": "2027-01-15T08:00:00.250Z",
            "data": {
                "namespace": "shop",
                "tracker": "webhook",
                "at": 1_800_000_000.25,
                "event": "completed",
                "jid": "one",
                "queue": "fetch",
                "state": "complete",
                "worker": "ann",
                "tags": ["order-1"],
                "klass": "Pack",
                "ran": 0.0,
            },
        }

    def test_those_named_alone_are_told(self, namespace: Namespace, deliverer: Deliverer, listener: Listener) -> None:
        watch(namespace, "webhook", url=listener.url, when=["failed", "canceled"])
        put(namespace, "one", "two")
        work(namespace, 1)
        namespace.cancel(["two"])

        tell(deliverer)

        assert listener.take() == [("job.canceled", "two", None)]

    def test_a_gap_is_told_too(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener, clock: ManualClock
    ) -> None:
        put(namespace, "zero")
        watch(namespace, "webhook", url=listener.url, when="every")
        clock.advance(25 * 3600)
        namespace.pause("other")
        namespace.prune()

        tell(deliverer)

        assert listener.take() == [("events.gap", None, None)]


class TestMessages:
    @pytest.fixture(autouse=True)
    def watched(self, namespace: Namespace, listener: Listener) -> None:
        watch(namespace, "webhook", url=listener.url, secret=SECRET)
        put(namespace, "one")
        work(namespace)

    def test_are_signed_as_standard_webhooks_says(self, deliverer: Deliverer, listener: Listener) -> None:
        tell(deliverer)

        [got] = listener.got
        verify(got)

    def test_that_were_changed_or_signed_by_another_are_found_out(
        self, deliverer: Deliverer, listener: Listener
    ) -> None:
        tell(deliverer)
        [got] = listener.got

        for name, value in (
            ("webhook-id", "msg_other"),
            ("webhook-timestamp", str(int(got.headers["webhook-timestamp"]) - 1)),
        ):
            with pytest.raises(ValueError, match="signature"):
                verify(Got(got.path, {**got.headers, name: value}, got.body))
        with pytest.raises(ValueError, match="signature"):
            verify(Got(got.path, got.headers, got.body + b" "))
        with pytest.raises(ValueError, match="signature"):
            verify(got, key=bytes(32))

    def test_the_signature_is_that_of_the_specification(self) -> None:
        # The example of github.com/standard-webhooks/standard-webhooks, libraries/*/test.
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

        signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

        assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_without_a_secret_are_not_signed(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener
    ) -> None:
        watch(namespace, "webhook", url=listener.url)

        tell(deliverer)

        [got] = listener.got
        assert "webhook-signature" not in got.headers
        assert got.headers["content-type"] == "application/json"

    @pytest.mark.parametrize("status", [500, 429, 404, 300, 302, 307])
    def test_that_are_refused_come_again_with_the_same_id_and_a_new_time(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener, clock: ManualClock, status: int
    ) -> None:
        listener.status = status
        listener.headers = {"location": listener.url}
        tell(deliverer)
        listener.status = 204
        listener.headers = {}
        clock.advance(5)
        namespace.promote()
        tell(deliverer)

        first, second = listener.got
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body
        verify(second)
        [queue] = namespace.queues([QUEUE])
        assert (queue.complete, queue.scheduled) == (1, 0)

    def test_say_why_they_are_tried_again(self, namespace: Namespace, deliverer: Deliverer, listener: Listener) -> None:
        listener.status = 503
        tell(deliverer)

        [retried] = [each for each in namespace.events(limit=1000).events if each.event == "retried"]
        [job] = namespace.get([str(retried.jid)])
        assert job is not None
        assert job.failure is not None
        assert job.failure.group == "tracker:webhook"
        assert "127.0.0.1 answered 503" in job.failure.message
        assert SECRET not in job.failure.message

    def test_to_nobody_are_tried_again(self, namespace: Namespace, deliverer: Deliverer, listener: Listener) -> None:
        watch(namespace, "webhook", url="http://127.0.0.1:9/")
        tell(deliverer)

        [queue] = namespace.queues([QUEUE])
        assert queue.scheduled == 1

    def test_410_gives_up(self, namespace: Namespace, deliverer: Deliverer, listener: Listener) -> None:
        listener.status = 410

        tell(deliverer)

        [group] = namespace.failures()
        assert (group.group, group.count) == ("webhook-gone", 1)

    def test_go_to_where_the_tracker_is_now(
        self, namespace: Namespace, deliverer: Deliverer, listener: Listener, clock: ManualClock
    ) -> None:
        watch(namespace, "webhook", url="http://127.0.0.1:9/")
        tell(deliverer)
        watch(namespace, "webhook", url=f"{listener.url}/new")
        clock.advance(5)
        namespace.promote()

        tell(deliverer)

        assert [got.path for got in listener.got] == ["/hook/new"]


def verify(got: Got, key: bytes = KEY) -> None:
    """Check a message as github.com/standard-webhooks/standard-webhooks says; raise ValueError."""
    id, at, signatures = (got.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    if abs(time.time() - int(at)) > 300:
        raise ValueError("the timestamp is too old or too new")
    expected = base64.b64encode(hmac.new(key, f"{id}.{at}.".encode() + got.body, hashlib.sha256).digest()).decode()
    for each in signatures.split(" "):
        version, _, given = each.partition(",")
        if version == "v1" and hmac.compare_digest(given, expected):
            return
    raise ValueError("no signature matches")


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "at_fault"),
        [
            ({"url": "ftp://example.com"}, "url"),
            ({"url": "http://"}, "url"),
            ({"url": "http://example.com:99999/"}, "url"),
            ({"url": 1}, "url"),
            ({"url": "http://example.com", "secret": "abc"}, "secret"),
            ({"url": "http://example.com", "secret": "whsec_YWJj"}, "secret"),
            ({"url": "http://example.com", "secret": "whsec_*"}, "secret"),
            ({"url": "http://example.com", "when": "now"}, "when"),
            ({"url": "http://example.com", "when": 1}, "when"),
            ({"url": "http://example.com", "when": ["put", "eaten"]}, "when.1"),
            ({"url": "http://example.com", "tags": "order"}, "tags"),
            ({"url": "http://example.com", "tags": [""]}, "tags.0"),
            ({}, "url"),
        ],
    )
    def test_that_mean_nothing_are_refused(self, namespace: Namespace, options: dict[str, Any], at_fault: str) -> None:
        with pytest.raises(Invalid) as caught:
            watch(namespace, "webhook", **{"tags": ["order"], **options})

        assert f"trackers.0.{at_fault}" in caught.value.fields

    def test_a_secret_is_not_shown(self) -> None:
        assert SECRET not in repr(Webhook(["a"], "http://example.com", SECRET))

    @pytest.mark.parametrize("kind", [Webhook, Log, Prometheus])
    def test_all_of_them_take_tags(self, kind: type[TagTracker]) -> None:
        options = {"url": "http://example.com"} if kind is Webhook else {}

        assert kind(tags=["a", "b*"], **options).tags == ("a", "b*")  # type: ignore[call-arg]


class TestLog:
    def test_a_line_is_written_for_each_event(
        self, namespace: Namespace, deliverer: Deliverer, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "qless_flask.tracker")
        watch(namespace, "log")
        put(namespace, "one")
        work(namespace)

        tell(deliverer)

        assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
            (
                "qless_flask.tracker",
                "INFO",
                f"namespace shop: {told} tags order-1",
            )
            for told in (
                "put job one in fetch now waiting",
                "popped job one of Pack in fetch now running by ann waited 0.000 s",
                "completed job one of Pack in fetch now complete by ann ran 0.000 s",
            )
        ]

    def test_the_level_can_be_chosen(
        self, namespace: Namespace, deliverer: Deliverer, caplog: pytest.LogCaptureFixture
    ) -> None:
        watch(namespace, "log", level="error")
        put(namespace, "one")

        tell(deliverer)

        assert [record.levelname for record in caplog.records] == ["ERROR"]


class TestPrometheus:
    def counts(self, namespace: Namespace) -> dict[str, list[int]]:
        found: dict[str, list[int]] = json.loads(Kept.of_text(namespace.recall("tracker:prometheus") or "").text)[
            "by_tag"
        ]
        return found

    def test_counts_by_tag_and_event_with_times(
        self, namespace: Namespace, deliverer: Deliverer, clock: ManualClock
    ) -> None:
        watch(namespace, "prometheus")
        put(namespace, "one", "two", tags=("order-1", "other"))
        put(namespace, "three", tags=("order-2",))
        clock.advance(1.5)
        leases = namespace.pop(["fetch"], "ann", 2)
        clock.advance(0.25)
        namespace.settle([Complete(lease) for lease in leases])

        tell(deliverer)

        numbers = dict.fromkeys(JOB_EVENTS, 0)
        assert self.counts(namespace) == {
            "order-1": [2, 3000, 2, 500, *{**numbers, "put": 2, "popped": 2, "completed": 2}.values()],
            "order-2": [0, 0, 0, 0, *{**numbers, "put": 1}.values()],
        }

    def test_tags_beyond_a_hundred_are_counted_together(self, namespace: Namespace, deliverer: Deliverer) -> None:
        watch(namespace, "prometheus")
        for number in range(150):
            put(namespace, str(number), tags=(f"order-{number}",))

        tell(deliverer)

        counts = self.counts(namespace)
        assert (len(counts), counts[""][4], counts["order-99"][4]) == (101, 50, 1)

    def test_the_longest_names_and_largest_numbers_have_room(self, namespace: Namespace, deliverer: Deliverer) -> None:
        watch(namespace, "prometheus", tags=["*"])
        for number in range(150):
            put(namespace, str(number), tags=('"' * 197 + f"{number:03}",))
        tell(deliverer)
        name = "tracker:prometheus"
        text = namespace.recall(name) or ""
        kept = Kept.of_text(text)
        counts = json.loads(kept.text)["by_tag"]
        largest = {tag: [10**12] * len(numbers) for tag, numbers in counts.items()}
        assert len(counts) > 50

        assert namespace.remember(name, Kept(kept.cursor, json.dumps({"by_tag": largest})).as_text(), text)

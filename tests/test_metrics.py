"""`/metrics` shows what all plugins have to show, in the words of Prometheus, whatever one of them does."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from httpx import WSGITransport
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from qless_flask.backends.base import Backend
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.http import HTTPBackend
from qless_flask.delivery import Deliverer
from qless_flask.errors import BackendUnavailable
from qless_flask.hookspecs import Space, hookimpl
from qless_flask.models import Complete, Fail, NewJob
from qless_flask.plugins import Plugins
from qless_flask.scheduler import Scheduler
from qless_flask.testing import Flaky, ManualClock, ModelBackend, Point
from qless_flask.web import QlessFlask

Labels = dict[str, str]


class Shown:
    """A plugin that shows what it was told to."""

    def __init__(self, *families: Any) -> None:
        self.families: tuple[Any, ...] = families
        self.seen: list[str] = []
        self.raises: Exception | None = None

    @hookimpl
    def metrics(self, namespaces: Iterable[Space]) -> Iterator[Metric]:
        self.seen = [space.name for space in namespaces]
        yield from self.families
        if self.raises:
            raise self.raises


class Page:
    """`/metrics`, read as Prometheus reads it."""

    def __init__(self, client: FlaskClient) -> None:
        response = client.get("/qless/metrics")
        assert response.status_code == 200
        assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
        self.families = list(text_string_to_metric_families(response.get_data(as_text=True)))

    def of(self, sample: str, **labels: str) -> dict[str, float] | float:
        """The value of the sample with these labels, or of each that has them, by its other labels."""
        found = {
            ",".join(value for name, value in each.labels.items() if name not in labels): each.value
            for family in self.families
            for each in family.samples
            if each.name == sample and labels.items() <= each.labels.items()
        }
        return found[""] if found.keys() == {""} else found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def plugins(shown: Shown) -> Plugins:
    return Plugins({"shown": shown}, installed=False)


@pytest.fixture
def backend(plugins: Plugins, clock: ManualClock) -> Hooked:
    return Hooked(ModelBackend(clock=clock), plugins=plugins, clock=clock)


@pytest.fixture
def client(backend: Hooked) -> FlaskClient:
    return mounted(backend).test_client()


def mounted(backend: Backend) -> Flask:
    app = Flask("metrics")
    QlessFlask(app, backend=backend)
    return app


def put(backend: Hooked, count: int, name: str = "shop", queue: str = "fetch", **options: Any) -> None:
    backend.namespace(name).put([NewJob("Crawl", queue=queue, **options)] * count)


class TestNamespaces:
    def test_jobs_are_counted_by_queue_and_state(self, backend: Hooked, client: FlaskClient) -> None:
        put(backend, 3)
        put(backend, 2, delay=60)
        put(backend, 1, queue="pack")
        namespace = backend.namespace("shop")
        [one, _] = namespace.pop(["fetch"], "ann", 2)
        namespace.settle([Complete(one)])

        page = Page(client)

        assert page.of("qless_jobs", namespace="shop", queue="fetch") == {
            "scheduled": 2,
            "depends": 0,
            "waiting": 1,
            "running": 1,
            "complete": 1,
            "failed": 0,
            "canceled": 0,
        }
        assert page.of("qless_jobs", namespace="shop", state="waiting") == {"fetch": 1, "pack": 1}

    def test_waits_stalls_pauses_and_workers_are_shown(
        self, backend: Hooked, client: FlaskClient, clock: ManualClock
    ) -> None:
        put(backend, 2)
        backend.namespace("shop").pop(["fetch"], "ann")
        backend.namespace("shop").pause("pack")
        clock.advance(61)

        page = Page(client)

        assert page.of("qless_oldest_wait_seconds", namespace="shop") == {"fetch": 61}
        assert page.of("qless_jobs_stalled", namespace="shop") == {"fetch": 1, "pack": 0}
        assert page.of("qless_queue_paused", namespace="shop") == {"fetch": 0, "pack": 1}
        assert page.of("qless_workers", namespace="shop") == 1

    def test_failures_are_counted_by_group_up_to_a_hundred(self, backend: Hooked, client: FlaskClient) -> None:
        put(backend, 120)
        namespace = backend.namespace("shop")
        leases = namespace.pop(["fetch"], "ann", 120)
        namespace.settle([Fail(lease, group=f"group-{number:03}") for number, lease in enumerate(leases)])

        found = Page(client).of("qless_failures", namespace="shop")

        assert found == {f"group-{number:03}": 1 for number in range(100)}

    def test_odd_names_come_whole(self, backend: Hooked, client: FlaskClient) -> None:
        put(backend, 1)
        namespace = backend.namespace("shop")
        [lease] = namespace.pop(["fetch"], "ann")
        group = 'a "group" with \\ and ü'
        namespace.settle([Fail(lease, group=group)])

        assert Page(client).of("qless_failures", namespace="shop") == {group: 1}

    def test_an_empty_store_has_figures_too(self, client: FlaskClient) -> None:
        assert Page(client).of("qless_jobs") == {}

    def test_at_most_a_thousand_namespaces_are_shown(
        self, backend: Hooked, client: FlaskClient, shown: Shown, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("qless_flask.web.api.metrics.MOST_NAMESPACES", 2)
        for name in ("c", "a", "b"):
            put(backend, 1, name)

        Page(client)

        assert shown.seen == ["a", "b"]


class TestTrackers:
    def test_what_they_have_counted_is_shown(self, backend: Hooked, client: FlaskClient, clock: ManualClock) -> None:
        trackers: Any = [{"name": "prometheus", "id": "orders", "tags": ["order-*"]}]
        namespace = backend.namespace("shop")
        namespace.configure_namespace({"trackers": trackers})
        put(backend, 2, tags=("order-1", "other"))
        clock.advance(2)
        [lease] = namespace.pop(["fetch"], "ann")
        clock.advance(0.5)
        namespace.settle([Complete(lease)])
        deliverer = Deliverer(backend, backend.plugins, threads=0)
        deliverer.deliver("shop")
        deliverer.run_until_idle()

        page = Page(client)

        labels = {"namespace": "shop", "tracker": "orders", "tag": "order-1"}
        assert page.of("qless_tag_events_total", **labels) == {"put": 2, "popped": 1, "completed": 1}
        assert page.of("qless_tag_wait_seconds_sum", **labels) == 2
        assert page.of("qless_tag_wait_seconds_count", **labels) == 1
        assert page.of("qless_tag_run_seconds_sum", **labels) == 0.5
        assert page.of("qless_tag_events_total", tag="other") == {}


class TestPlugins:
    def test_their_metrics_stand_beside_ours(self, backend: Hooked, client: FlaskClient, shown: Shown) -> None:
        put(backend, 1)
        shown.families = (GaugeMetricFamily("shop_orders", "Orders.", 7),)

        page = Page(client)

        assert page.of("shop_orders") == 7
        assert shown.seen == ["shop"]

    @pytest.mark.parametrize(
        "families",
        [
            ("no metric",),
            (GaugeMetricFamily("qless_jobs", "Ours.", 7),),
            (GaugeMetricFamily("twice", "One.", 7), GaugeMetricFamily("twice", "Two.", 7)),
            (GaugeMetricFamily("odd", "Odd.", "no number"),),  # type: ignore[arg-type]
        ],
    )
    def test_one_that_shows_what_it_must_not_is_left_out_and_counted(
        self, backend: Hooked, client: FlaskClient, shown: Shown, families: tuple[Any, ...]
    ) -> None:
        put(backend, 1)
        shown.families = (GaugeMetricFamily("fine", "Fine.", 7), *families)

        page = Page(client)

        assert page.of("fine") == page.of("twice") == page.of("odd") == {}
        assert page.of("qless_jobs", namespace="shop", state="waiting") == {"fetch": 1}
        assert page.of("qless_plugin_errors_total", plugin="shown") == {str(os.getpid()): 1}

    def test_one_that_raises_is_left_out_and_counted(
        self, backend: Hooked, client: FlaskClient, shown: Shown, plugins: Plugins
    ) -> None:
        put(backend, 1)
        shown.families = (GaugeMetricFamily("fine", "Fine.", 7),)
        shown.raises = ValueError("not now")

        page = Page(client)

        assert page.of("fine") == {}
        assert page.of("qless_jobs", namespace="shop", state="waiting") == {"fetch": 1}
        last = plugins.record("shown").told().last_error
        assert last is not None
        assert (last.hook, last.message) == ("metrics", "ValueError: not now")

    def test_how_plugins_do_is_shown_for_each_process(self, client: FlaskClient) -> None:
        Page(client)

        page = Page(client)

        assert page.of("qless_plugin_loaded", plugin="shown") == {str(os.getpid()): 1}
        calls = page.of("qless_plugin_calls_total", plugin="shown")
        assert isinstance(calls, dict)
        assert calls[str(os.getpid())] >= 2
        assert page.of("qless_plugin_off", plugin="shown") == {str(os.getpid()): 0}


class TestSchedulers:
    def test_what_they_have_done_is_shown(self, backend: Hooked, client: FlaskClient, clock: ManualClock) -> None:
        put(backend, 3, delay=10)
        clock.advance(11)
        scheduler = Scheduler(backend)
        scheduler.tick()
        scheduler.stop()

        page = Page(client)

        assert page.of("qless_scheduler_promoted_total") == 3
        assert page.of("qless_scheduler_ticks_total") == 1


class TestAServerElsewhere:
    def test_its_jobs_are_shown_though_what_is_its_own_is_not(self, backend: Hooked) -> None:
        put(backend, 3)
        Scheduler(backend).tick()
        far = HTTPBackend("http://far/qless", transport=WSGITransport(mounted(backend)))

        page = Page(mounted(far).test_client())

        assert page.of("qless_jobs", namespace="shop", queue="fetch", state="waiting") == 3
        assert page.of("qless_scheduler_ticks_total") == {}


class TestAStoreThatIsGone:
    def test_is_no_figure_but_a_503(self, plugins: Plugins, clock: ManualClock) -> None:
        def fail(point: Point) -> None:
            if point.operation == "queues":
                raise BackendUnavailable

        store = ModelBackend(clock=clock)
        store.namespace("shop").pause("fetch")
        app = Flask("metrics")
        QlessFlask(app, backend=Hooked(Flaky(store, before=fail), plugins=plugins))

        assert app.test_client().get("/qless/metrics").status_code == 503

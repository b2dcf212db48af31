"""Settings through plugins: what is chosen must be there, secrets stay secret, and what was told holds at once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from plugs import plugin

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.hooked.plans import KEPT_SECONDS
from qless_flask.backends.http import HTTPBackend
from qless_flask.backends.readers import place_of, tracker_reader
from qless_flask.errors import Frozen, Invalid, PluginError, Rejected
from qless_flask.hidden import HIDDEN
from qless_flask.hookspecs import Policy, Space, TagTracker, Tracking
from qless_flask.models import Backoff, Chosen, NamespaceRecord, NewJob, Retry, kept_name
from qless_flask.plugins import Plugins
from qless_flask.testing import ManualClock, ModelBackend

CRAWL = NewJob("Crawl", queue="fetch", jid="a")


@dataclass(frozen=True)
class Locked(Policy):
    password: str = field(metadata={"secret": True})
    note: str = ""

    def check_put(self, namespace: Space, job: NewJob) -> NewJob:
        if json.loads(job.data).get("password") != self.password:
            raise Rejected.of({"data.password": ["is another"]})
        return job


@dataclass(frozen=True)
class Calling(TagTracker):
    tags: tuple[str, ...] = ()
    key: str | None = field(default=None, metadata={"secret": True})

    def told(self, tracking: Tracking, events: Any) -> None:
        pass


class Broken(Policy):
    def __init__(self) -> None:
        raise KeyError("secret")

    def check_put(self, namespace: Space, job: NewJob) -> NewJob:
        return job


LOADED = plugin(
    namespace_policies=lambda: {"locked": Locked, "broken": Broken},
    tag_trackers=lambda: {"calling": Calling},
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["model", "sqlite", "valkey"])
def inner(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Backend]:
    """A bare store."""
    if request.param == "model":
        yield ModelBackend(clock=clock)
        return
    url = f"sqlite:///{tmp_path}/jobs.db?synchronous=off"
    if request.param == "valkey":
        url = request.getfixturevalue("valkey_url")
    with open_backend(url, clock=clock) as backend:
        assert isinstance(backend, Hooked)
        yield backend.inner


@pytest.fixture
def backend(inner: Backend, clock: ManualClock) -> Backend:
    return Hooked(inner, plugins=Plugins({"mine": LOADED}, installed=False), clock=clock)


@pytest.fixture
def namespace(backend: Backend, fresh_name: str) -> Namespace:
    return backend.namespace(f"hooked-{fresh_name}")


def configure(namespace: Namespace, **settings: Any) -> Any:
    return namespace.configure_namespace(settings)


def options(chosen: Chosen) -> Any:
    return json.loads(chosen.options)


class TestChoices:
    @pytest.mark.parametrize(
        ("settings", "named"),
        [
            ({"policies": [{"name": "alow_list"}]}, "policies.0.name"),
            ({"policies": [{"name": "allow_list", "klass": "Crawl"}]}, "policies.0.klass"),
            ({"policies": [{"name": "allow_list"}, {"name": "locked"}]}, "policies.1.password"),
            ({"trackers": [{"name": "nobody"}]}, "trackers.0.name"),
            ({"trackers": [{"name": "calling"}, {"name": "calling", "id": "b", "url": ""}]}, "trackers.1.url"),
            ({"klass_backoff": {"Crawl": {"strategy": "nobody"}}}, "klass_backoff.Crawl.strategy"),
            ({"backoff": {"strategy": "nobody"}}, "backoff.strategy"),
        ],
    )
    def test_what_is_not_there_is_refused_with_its_place(
        self, namespace: Namespace, settings: dict[str, Any], named: str
    ) -> None:
        with pytest.raises(Invalid) as raised:
            configure(namespace, retries=1, **settings)

        assert list(raised.value.fields) == [named]
        assert namespace.settings().own == ()

    def test_all_faults_are_told_at_once(self, namespace: Namespace) -> None:
        with pytest.raises(Invalid) as raised:
            configure(namespace, policies=[{"name": "nobody"}], trackers=[{"name": "nobody"}])

        assert sorted(raised.value.fields) == ["policies.0.name", "trackers.0.name"]

    def test_a_slip_is_told_with_what_was_meant(self, namespace: Namespace) -> None:
        with pytest.raises(Invalid, match="did you mean allow_list"):
            configure(namespace, policies=[{"name": "alow_list"}])

    def test_one_that_breaks_when_it_is_built_is_named(self, namespace: Namespace) -> None:
        with pytest.raises(PluginError) as raised:
            configure(namespace, policies=[{"name": "broken"}])

        assert raised.value.subject == "mine"
        assert namespace.settings().own == ()


class TestSecrets:
    POLICY = {"name": "locked", "password": "abc", "note": "open"}
    TRACKER = {"name": "calling", "key": "def", "tags": ["*"]}

    @pytest.fixture(autouse=True)
    def _told(self, namespace: Namespace) -> None:
        self.answer = configure(namespace, policies=[self.POLICY], trackers=[self.TRACKER])

    def test_no_answer_shows_them(self, namespace: Namespace) -> None:
        for answer in (self.answer, namespace.settings(), namespace.freeze(), namespace.freeze(False)):
            assert options(answer.policies[0]) == {"password": HIDDEN, "note": "open"}
            assert options(answer.trackers[0]) == {"key": HIDDEN, "tags": ["*"]}

    def test_they_are_gone_by(self, namespace: Namespace) -> None:
        namespace.put([NewJob("Crawl", '{"password":"abc"}', queue="fetch")])

        with pytest.raises(Rejected):
            namespace.put([NewJob("Crawl", json.dumps({"password": HIDDEN}), queue="fetch")])

    def test_stars_given_back_leave_them_as_they_are(self, inner: Backend, namespace: Namespace) -> None:
        shown = namespace.settings()

        configure(namespace, policies=shown.policies, trackers=[{**self.TRACKER, "key": HIDDEN, "tags": ["a"]}])

        kept = inner.namespace(namespace.name).settings()
        assert options(kept.policies[0]) == {"password": "abc", "note": "open"}
        assert options(kept.trackers[0]) == {"key": "def", "tags": ["a"]}

    @pytest.mark.parametrize(
        "tracker",
        [{"name": "calling", "id": "new", "key": HIDDEN}, {"name": "calling", "key": HIDDEN}],
        ids=["of another id", "where there was none"],
    )
    def test_stars_for_nothing_are_refused(self, namespace: Namespace, tracker: dict[str, Any]) -> None:
        configure(namespace, trackers=[{"name": "calling"}])

        with pytest.raises(Invalid) as raised:
            configure(namespace, trackers=[tracker])

        assert (
            raised.value.message == f"trackers.0.key: must be given: there is none here for which {HIDDEN} could stand"
        )

    def test_another_policy_of_the_same_id_has_not_its_secret(self, namespace: Namespace) -> None:
        configure(namespace, policies=[{**self.POLICY, "id": "calling"}])

        with pytest.raises(Invalid):
            configure(namespace, policies=[{"name": "locked", "password": HIDDEN}])

    def test_where_the_plugin_is_missing_all_that_may_be_one_is_hidden(
        self, inner: Backend, namespace: Namespace
    ) -> None:
        without = Hooked(inner).namespace(namespace.name)

        assert options(without.settings().policies[0]) == {"password": HIDDEN, "note": HIDDEN}

    def test_a_dump_has_them_for_it_is_all_that_there_is(self, namespace: Namespace) -> None:
        [record] = [each for each in namespace.dump().records if isinstance(each, NamespaceRecord)]

        assert record.settings["policies"] == [self.POLICY]

    WEBHOOK = {"name": "webhook", "tags": ["*"], "url": "https://example.com:8443/hook/abc?key=def"}
    SHOWN_URL = f"https://example.com:8443/{HIDDEN}"

    def test_of_the_address_of_a_webhook_the_host_is_shown_alone(self, namespace: Namespace) -> None:
        answer = configure(namespace, trackers=[self.WEBHOOK])

        for settings in (answer, namespace.settings()):
            assert options(settings.trackers[0]) == {"tags": ["*"], "url": self.SHOWN_URL}

    def test_an_address_without_a_path_is_no_secret(self, namespace: Namespace) -> None:
        configure(namespace, trackers=[{**self.WEBHOOK, "url": "https://example.com/"}])

        assert options(namespace.settings().trackers[0])["url"] == "https://example.com/"

    @pytest.mark.parametrize("given", [SHOWN_URL, HIDDEN])
    def test_what_is_shown_of_an_address_leaves_it_as_it_is(
        self, inner: Backend, namespace: Namespace, given: str
    ) -> None:
        configure(namespace, trackers=[self.WEBHOOK])

        configure(namespace, trackers=[{**self.WEBHOOK, "url": given, "tags": ["a"]}])

        [kept] = inner.namespace(namespace.name).settings().trackers
        assert options(kept) == {"tags": ["a"], "url": self.WEBHOOK["url"]}

    @pytest.mark.parametrize("host", ["evil.example.com:8443", "example.com", "ann@example.com:8443"])
    def test_a_hidden_address_goes_to_no_other_host(self, namespace: Namespace, host: str) -> None:
        configure(namespace, trackers=[self.WEBHOOK])

        with pytest.raises(Invalid) as raised:
            configure(namespace, trackers=[{**self.WEBHOOK, "url": f"https://{host}/{HIDDEN}"}])
        assert list(raised.value.fields) == ["trackers.0.url"]

    def test_none_at_all_is_no_secret(self, namespace: Namespace) -> None:
        configure(namespace, trackers=[{"name": "calling", "key": None}])

        assert options(namespace.settings().trackers[0]) == {"key": None}


class TestReaders:
    """The reader of a tracker is there before anybody hears that the tracker is, and goes with it."""

    def place(self, inner: Backend, namespace: Namespace, id: str = "calling") -> str | None:
        return place_of(inner.namespace(namespace.name), tracker_reader(id))

    def test_a_new_tracker_begins_at_the_end_of_the_log(self, inner: Backend, namespace: Namespace) -> None:
        namespace.put([CRAWL])
        end = namespace.events("end").next

        configure(namespace, trackers=[{"name": "calling"}])

        assert self.place(inner, namespace) == end

    def test_one_whose_options_change_goes_on_from_where_it_was(self, inner: Backend, namespace: Namespace) -> None:
        configure(namespace, trackers=[{"name": "calling"}])
        place = self.place(inner, namespace)
        namespace.put([CRAWL])

        configure(namespace, trackers=[{"name": "calling", "tags": ["a"]}], retries=2)
        configure(namespace, retries=3)

        assert self.place(inner, namespace) == place is not None

    @pytest.mark.parametrize("inherit", [[], ["trackers"]])
    def test_one_that_is_gone_has_none(self, inner: Backend, namespace: Namespace, inherit: list[str]) -> None:
        configure(namespace, trackers=[{"name": "calling"}])

        namespace.configure_namespace({} if inherit else {"trackers": ()}, inherit=inherit)

        assert self.place(inner, namespace) is None

    def test_another_tracker_of_the_same_id_begins_anew(self, inner: Backend, namespace: Namespace) -> None:
        configure(namespace, trackers=[{"name": "calling", "id": "log"}])
        namespace.put([CRAWL])
        end = namespace.events("end").next

        configure(namespace, trackers=[{"name": "log", "tags": ["*"]}])

        assert self.place(inner, namespace, "log") == end

    def test_where_the_settings_are_refused_there_is_none(self, inner: Backend, namespace: Namespace) -> None:
        namespace.freeze()

        with pytest.raises(Frozen):
            configure(namespace, trackers=[{"name": "calling"}])

        assert self.place(inner, namespace) is None

    @pytest.mark.parametrize(("frozen", "inherit"), [(True, []), (False, ["nonsense"])])
    def test_where_another_of_its_id_is_refused_it_is_left_where_it_was(
        self, inner: Backend, namespace: Namespace, frozen: bool, inherit: list[str]
    ) -> None:
        configure(namespace, trackers=[{"name": "calling", "id": "log"}])
        place = self.place(inner, namespace, "log")
        namespace.remember(kept_name("log"), "counted", None)
        namespace.put([CRAWL])
        namespace.freeze(frozen)
        trackers: Any = [{"name": "log", "tags": ["*"]}]

        with pytest.raises(Frozen if frozen else Invalid):
            namespace.configure_namespace({"trackers": trackers}, inherit=inherit)

        assert self.place(inner, namespace, "log") == place
        assert place is not None
        assert namespace.recall(kept_name("log")) == "counted"


class TestWhenItHolds:
    POLICY = {"name": "allow_list", "klasses": []}

    def test_at_once_where_it_was_told(self, backend: Backend, namespace: Namespace) -> None:
        namespace.put([CRAWL])
        other = backend.namespace(namespace.name)

        configure(namespace, policies=[self.POLICY])

        with pytest.raises(Rejected):
            other.put([NewJob("Crawl", queue="fetch")])
        configure(other, policies=[])
        assert namespace.put([NewJob("Crawl", queue="fetch")])

    def test_within_a_second_elsewhere(self, inner: Backend, namespace: Namespace) -> None:
        elsewhere = Hooked(inner).namespace(namespace.name)
        elsewhere.put([CRAWL])

        configure(namespace, policies=[self.POLICY])

        time.sleep(KEPT_SECONDS)
        with pytest.raises(Rejected):
            elsewhere.put([NewJob("Crawl", queue="fetch")])

    def test_at_once_after_a_load(self, namespace: Namespace) -> None:
        namespace.put([CRAWL])
        namespace.freeze()

        namespace.load([NamespaceRecord(settings={"policies": [self.POLICY]})])

        namespace.freeze(False)
        with pytest.raises(Rejected):
            namespace.put([NewJob("Crawl", queue="fetch")])

    def test_no_longer_once_the_namespace_is_erased(self, namespace: Namespace) -> None:
        configure(namespace, policies=[self.POLICY])
        with pytest.raises(Rejected):
            namespace.put([CRAWL])

        step = namespace.erase(namespace.name)
        while step.next is not None:
            step = namespace.erase(namespace.name, step.next)

        assert namespace.put([CRAWL])

    def test_each_namespace_has_its_own(self, backend: Backend, namespace: Namespace) -> None:
        configure(namespace, policies=[self.POLICY])

        assert backend.namespace(f"{namespace.name}-other").put([CRAWL])


class TestOverHTTP:
    """The server does it, for clients in any language."""

    @pytest.fixture
    def client(self, backend: Backend) -> Any:
        from flask import Flask

        from qless_flask.web import QlessFlask

        app = Flask("shop")
        QlessFlask(app, backend=backend, url_prefix="")
        return app.test_client()

    @pytest.fixture
    def path(self, namespace: Namespace) -> str:
        return f"/api/v1/namespaces/{namespace.name}"

    def test_a_refusal_says_who_and_where(self, client: Any, path: str) -> None:
        schema = {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]}
        told = {"policies": [{"name": "json_schema", "klass": "Crawl", "schema": schema}]}
        assert client.patch(f"{path}/settings", json=told).status_code == 200

        answer = client.post(f"{path}/queues/fetch/jobs", json=[{"klass": "Crawl", "data": {"url": 5}}])

        assert answer.status_code == 422
        assert answer.json["code"] == "REJECTED"
        assert answer.json["subject"] == "json_schema"
        assert list(answer.json["errors"]) == ["jobs.0.data.url"]

    def test_a_quota_that_is_used_up_is_429(self, client: Any, path: str) -> None:
        client.patch(f"{path}/settings", json={"policies": [{"name": "quota", "jobs": 0}]})

        answer = client.post(f"{path}/queues/fetch/jobs", json={"klass": "Crawl"})

        assert (answer.status_code, answer.json["code"]) == (429, "QUOTA_EXCEEDED")
        assert answer.json["subject"] == "quota"

    def test_a_worker_in_any_language_has_the_strategies(
        self, client: Any, path: str, namespace: Namespace, clock: ManualClock
    ) -> None:
        backoff = {"strategy": "by_group", "groups": {"http-429": {"strategy": "fixed", "delay": 90}}}
        client.post(f"{path}/queues/fetch/jobs", json={"klass": "Crawl", "jid": "a", "backoff": backoff})
        popped = client.post(f"{path}/queues/fetch/pop", json={"worker": "ann"}).json["jobs"][0]

        client.post(f"{path}/jobs/a/retry", json={"token": popped["lease"]["token"], "group": "http-429"})

        [job] = namespace.get(["a"])
        assert job is not None
        assert round(job.available_at - clock(), 3) == 90

    def test_no_secret_goes_out(self, client: Any, path: str) -> None:
        told = {"policies": [{"name": "locked", "password": "abc"}]}
        answers = [client.patch(f"{path}/settings", json=told), client.get(f"{path}/settings")]

        for answer in answers:
            assert answer.json["policies"] == [{"name": "locked", "password": HIDDEN}]
            assert "abc" not in answer.text

    def test_the_client_raises_what_the_policy_said(self, backend: Backend, namespace: Namespace) -> None:
        import httpx
        from flask import Flask

        from qless_flask.web import QlessFlask

        app = Flask("shop")
        QlessFlask(app, backend=backend, url_prefix="")
        configure(namespace, policies=[{"name": "allow_list", "klasses": []}])
        transport = httpx.WSGITransport(app)
        with HTTPBackend("http://localhost", transport=transport) as remote, pytest.raises(Rejected) as raised:
            remote.namespace(namespace.name).put([CRAWL])

        assert (raised.value.subject, list(raised.value.fields)) == ("allow_list", ["jobs.0.klass"])

    def test_a_klass_back_off_holds_over_http(
        self, client: Any, path: str, namespace: Namespace, clock: ManualClock
    ) -> None:
        client.patch(f"{path}/settings", json={"klass_backoff": {"Crawl": {"strategy": "table", "delays": [4]}}})
        namespace.put([CRAWL])
        [lease] = namespace.pop(["fetch"], "ann")

        namespace.settle([Retry(lease)])

        [job] = namespace.get(["a"])
        assert job is not None
        assert namespace.settings().klass_backoff == {"Crawl": Backoff("table", delays=(4,))}
        assert round(job.available_at - clock(), 3) == 4

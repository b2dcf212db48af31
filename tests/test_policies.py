"""Namespace policies: those that are built in, and what is done with what any of them answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from plugs import offering

from qless_flask.backends import open_backend
from qless_flask.backends.base import Namespace
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.passing import Passing
from qless_flask.errors import Frozen, Invalid, PluginError, QuotaExceeded, Rejected
from qless_flask.hookspecs import Policy, Space
from qless_flask.models import Backoff, Chosen, Complete, Filter, Job, NewJob, Queue, Recurrence
from qless_flask.plugins import Plugins
from qless_flask.plugins.policies import namespace_policies
from qless_flask.plugins.policies.quota import Quota
from qless_flask.testing import ManualClock, ModelBackend
from qless_flask.testing.contracts import PolicyContract
from qless_flask.web import create_app

CRAWL = NewJob("Crawl", queue="fetch", jid="a")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


Open = Callable[..., Namespace]


@pytest.fixture
def open_with(clock: ManualClock) -> Open:
    """Opens a store with policies, as they are in JSON."""

    def open_with(*policies: dict[str, Any], plugins: Plugins | None = None) -> Namespace:
        namespace = Hooked(ModelBackend(clock=clock), plugins=plugins, clock=clock).namespace("shop")
        namespace.configure_namespace({"policies": policies})  # type: ignore[dict-item]
        return namespace

    return open_with


def get(namespace: Namespace, jid: str = "a") -> Job:
    [job] = namespace.get([jid])
    assert job is not None
    return job


def jobs_of(namespace: Namespace) -> int:
    return len(namespace.select(Filter(), limit=1000).jobs)


def refusal(namespace: Namespace, *jobs: NewJob) -> Rejected:
    """Put jobs, and answer why not; nothing must have been put."""
    before = jobs_of(namespace)
    with pytest.raises(Rejected) as raised:
        namespace.put(jobs)
    assert jobs_of(namespace) == before
    return raised.value


# The built-in ones


def test_four_are_built_in() -> None:
    assert sorted(namespace_policies()) == ["allow_list", "defaults", "json_schema", "quota"]


class TestAllowList:
    POLICY = {"name": "allow_list", "queues": ["fetch", "crawl-*"], "klasses": ["Crawl"]}

    @pytest.mark.parametrize(
        ("job", "field"),
        [
            (NewJob("Delete", queue="fetch"), "klass"),
            (NewJob("Crawler", queue="fetch"), "klass"),
            (NewJob("Crawl", queue="fetch2"), "queue"),
            (NewJob("Crawl", queue="fetch", pipeline=("crawl-1", "parse")), "pipeline.1"),
        ],
    )
    def test_what_is_not_listed_is_refused(self, open_with: Open, job: NewJob, field: str) -> None:
        refused = refusal(open_with(self.POLICY), CRAWL, job)

        assert refused.code == "REJECTED"
        assert refused.subject == "allow_list"
        assert refused.message.startswith("policy allow_list: ")
        assert list(refused.fields) == [f"jobs.1.{field}"]

    def test_what_is_listed_is_put(self, open_with: Open) -> None:
        namespace = open_with(self.POLICY)

        namespace.put([CRAWL, NewJob("Crawl", queue="crawl-2", pipeline=("fetch",))])

        assert jobs_of(namespace) == 2

    def test_what_is_not_said_is_not_looked_at(self, open_with: Open) -> None:
        namespace = open_with({"name": "allow_list", "klasses": ["Crawl"]})

        namespace.put([NewJob("Crawl", queue="anywhere")])

        assert jobs_of(namespace) == 1

    def test_nothing_may_be_all_that_is_allowed(self, open_with: Open) -> None:
        assert refusal(open_with({"name": "allow_list", "queues": []}), CRAWL)


class TestJSONSchema:
    SCHEMA = {
        "type": "object",
        "required": ["url", "depth"],
        "properties": {
            "url": {"type": "string", "minLength": 3},
            "depth": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
    }
    POLICY = {"name": "json_schema", "klass": "Crawl", "schema": SCHEMA}

    @pytest.mark.parametrize(
        ("data", "fields"),
        [
            ("{}", ["data.url", "data.depth"]),
            ('{"url": 5, "depth": 1}', ["data.url"]),
            ('{"url": "", "depth": 1.5}', ["data.depth", "data.url"]),
            ('{"url": "http:", "depth": 1, "tags": ["a", null]}', ["data.tags.1"]),
            ("[]", ["data"]),
            ("null", ["data"]),
        ],
    )
    def test_data_that_is_not_as_it_says_is_refused_and_the_place_told(
        self, open_with: Open, data: str, fields: list[str]
    ) -> None:
        refused = refusal(open_with(self.POLICY), replace(CRAWL, data=data))

        assert sorted(refused.fields) == sorted(f"jobs.0.{field}" for field in fields)

    def test_data_that_is_as_it_says_is_put_as_it_is(self, open_with: Open) -> None:
        data = '{"url":"http:","depth":12345678901234567890,"price":1.10,"none":[]}'
        namespace = open_with(self.POLICY)

        namespace.put([replace(CRAWL, data=data)])

        assert get(namespace).data == data

    def test_other_klasses_are_not_looked_at(self, open_with: Open) -> None:
        namespace = open_with(self.POLICY)

        namespace.put([replace(CRAWL, klass="Parse")])

        assert jobs_of(namespace) == 1

    def test_one_policy_a_klass_may_stand_there(self, open_with: Open) -> None:
        namespace = open_with(self.POLICY, {"name": "json_schema", "id": "parse", "klass": "Parse", "schema": False})

        refused = refusal(namespace, replace(CRAWL, klass="Parse"))

        assert (refused.subject, list(refused.fields)) == ("parse", ["jobs.0.data"])

    @pytest.mark.parametrize(
        "data",
        ["[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900, "1" * 5000, "1e400", '"' + "x" * 9000 + '"'],
    )
    def test_no_data_breaks_it(self, open_with: Open, data: str) -> None:
        nested = {"$defs": {"a": {"items": {"$ref": "#/$defs/a"}, "properties": {"a": {"$ref": "#/$defs/a"}}}}}
        schema = {**nested, "$ref": "#/$defs/a", "not": {"type": ["number", "string"]}}
        namespace = open_with({"name": "json_schema", "klass": "*", "schema": schema})

        refused = refusal(namespace, replace(CRAWL, data=data))

        assert list(refused.fields) == ["jobs.0.data"]
        assert len(refused.message) < 500

    @pytest.mark.parametrize(
        "schema",
        [
            {"$ref": "http://127.0.0.1:1/schema"},
            {"items": [{"$ref": "file:///etc/passwd"}]},
            {"properties": {"a": {"$ref": "other.json#/a"}}},
            {"properties": {"default": {"$ref": "http://127.0.0.1:1/schema"}}},
            {"allOf": [{"$dynamicRef": "http://127.0.0.1:1/#a"}]},
            {"$ref": "#/$defs/nobody"},
        ],
    )
    def test_a_reference_leads_nowhere_else(self, open_with: Open, schema: dict[str, Any]) -> None:
        with pytest.raises(Invalid) as raised:
            open_with({"name": "json_schema", "klass": "Crawl", "schema": schema})

        assert all(field.startswith("policies.0.schema") for field in raised.value.fields)

    def test_what_is_no_schema_is_refused_with_its_place(self, open_with: Open) -> None:
        with pytest.raises(Invalid) as raised:
            open_with({"name": "json_schema", "klass": "Crawl", "schema": {"properties": {"a": {"type": "strin"}}}})

        assert list(raised.value.fields) == ["policies.0.schema.properties.a.type"]


class TestDefaults:
    def test_what_a_job_does_not_say_is_said(self, open_with: Open) -> None:
        values = {
            "priority": 5,
            "retries": 1,
            "tags": ["news"],
            "pipeline": ["parse"],
            "backoff": {"strategy": "fixed", "delay": 3},
            "key": "shop",
            "max_run": 60,
            "expires_in": 3600,
            "requires": ["gpu"],
        }
        namespace = open_with({"name": "defaults", "set": values})

        namespace.put([CRAWL])

        job = get(namespace)
        assert {name: getattr(job, name) for name in values} == {
            **values,
            "tags": ("news",),
            "pipeline": ("parse",),
            "requires": ("gpu",),
            "backoff": Backoff("fixed", 3),
        }

    def test_what_it_says_stays(self, open_with: Open) -> None:
        namespace = open_with({"name": "defaults", "set": {"priority": 5, "key": "shop", "retries": 3}})

        namespace.put([replace(CRAWL, priority=1, key="own", retries=0)])

        job = get(namespace)
        assert (job.priority, job.key, job.retries) == (1, "own", 0)

    def test_only_jobs_of_its_klass_and_queue_are_told(self, open_with: Open) -> None:
        namespace = open_with({"name": "defaults", "klass": "Cr*", "queue": "fetch", "set": {"priority": 5}})

        namespace.put([CRAWL, replace(CRAWL, jid="b", queue="parse"), replace(CRAWL, jid="c", klass="Parse")])

        assert [get(namespace, jid).priority for jid in "abc"] == [5, 0, 0]

    def test_a_recurrence_keeps_them_in_its_rule(self, open_with: Open) -> None:
        namespace = open_with({"name": "defaults", "set": {"priority": 5, "tags": ["news"], "on_parent_end": "run"}})

        made = namespace.recur(Recurrence("Crawl", queue="fetch", interval=60))

        assert (made.rule.priority, made.rule.tags) == (5, ("news",))

    @pytest.mark.parametrize(
        ("options", "field"),
        [
            ({}, "set"),
            ({"set": 5}, "set"),
            ({"set": {"jid": "a"}}, "set.jid"),
            ({"set": {"priority": 1000}}, "set.priority"),
            ({"set": {"tags": "news"}}, "set.tags"),
            ({"set": {"backoff": {"strategy": "fixed", "delay": -1}}}, "set.backoff.delay"),
            ({"set": {"backoff": {"strategy": "fixd"}}}, "set.backoff.strategy"),
            ({"set": {}, "klass": ""}, "klass"),
        ],
    )
    def test_what_cannot_be_is_refused(self, open_with: Open, options: dict[str, Any], field: str) -> None:
        with pytest.raises(Invalid) as raised:
            open_with({"name": "defaults", **options})

        assert list(raised.value.fields) == [f"policies.0.{field}"]


class TestQuotaOfJobs:
    def test_beyond_it_nothing_is_put(self, open_with: Open) -> None:
        namespace = open_with({"name": "quota", "jobs": 3})
        namespace.put([NewJob("Crawl", queue="fetch"), NewJob("Crawl", queue="parse", delay=60)])

        refused = refusal(namespace, CRAWL, NewJob("Crawl", queue="fetch"))

        assert isinstance(refused, QuotaExceeded)
        assert refused.subject == "quota"
        assert list(refused.fields) == ["jobs.1.queue"]

    def test_what_has_ended_makes_room(self, open_with: Open) -> None:
        namespace = open_with({"name": "quota", "jobs": 1})
        namespace.put([CRAWL])
        [lease] = namespace.pop(["fetch"], "ann")
        assert refusal(namespace, NewJob("Crawl", queue="fetch"))
        namespace.settle([Complete(lease)])

        namespace.put([NewJob("Crawl", queue="fetch", jid="b")])
        namespace.cancel(["b"])

        assert namespace.put([NewJob("Crawl", queue="fetch")])

    def test_one_of_a_queue_counts_only_its_jobs(self, open_with: Open) -> None:
        namespace = open_with({"name": "quota", "jobs": 1, "queue": "fetch"})
        namespace.put([NewJob("Crawl", queue="parse"), CRAWL])

        namespace.put([NewJob("Crawl", queue="parse")])

        assert refusal(namespace, NewJob("Crawl", queue="fetch"))

    def test_one_of_a_queue_sums_up_no_other(self, open_with: Open) -> None:
        asked: list[Any] = []

        class Asked(Passing):
            def queues(self, names: Any = None) -> list[Queue]:
                asked.append(names)
                return super().queues(names)

        namespace = Asked(open_with())
        quota = Quota(queue="fetch", jobs=1)
        quota.check_all(namespace, [CRAWL])
        namespace.put([CRAWL, NewJob("Crawl", queue="parse")])

        with pytest.raises(QuotaExceeded):
            quota.check_all(namespace, [CRAWL])

        assert asked == [["fetch"], ["fetch"]]

    def test_one_of_queues_that_begin_alike_counts_them_together(self, open_with: Open) -> None:
        namespace = open_with({"name": "quota", "jobs": 1, "queue": "crawl-*"})
        namespace.put([NewJob("Crawl", queue="crawl-1")])

        assert refusal(namespace, NewJob("Crawl", queue="crawl-2"))

    def test_what_trackers_have_to_do_is_not_counted(self, open_with: Open) -> None:
        namespace = open_with({"name": "quota", "jobs": 2})
        assert isinstance(namespace, Passing)
        namespace.inner.put([NewJob("qless:webhook", queue="qless:trackers")] * 2)

        assert namespace.put([NewJob("Crawl", queue="fetch")] * 2)

    def test_none_at_all_may_be_what_is_allowed(self, open_with: Open) -> None:
        assert refusal(open_with({"name": "quota", "jobs": 0}), CRAWL)


class TestQuotaOfPuts:
    POLICY = {"name": "quota", "rate": {"limit": 4, "per": 2}}

    def test_as_many_as_it_says_are_put_at_once(self, open_with: Open) -> None:
        namespace = open_with(self.POLICY)
        for _ in range(4):
            namespace.put([NewJob("Crawl", queue="fetch")])

        refused = refusal(namespace, CRAWL)

        assert isinstance(refused, QuotaExceeded)
        assert "put again in 0.5" in refused.message

    def test_then_one_each_part_of_its_time(self, open_with: Open, clock: ManualClock) -> None:
        namespace = open_with(self.POLICY)
        namespace.put([NewJob("Crawl", queue="fetch")] * 4)

        for _ in range(20):
            clock.advance(0.5)
            namespace.put([NewJob("Crawl", queue="fetch")])
            assert refusal(namespace, NewJob("Crawl", queue="fetch"))

    def test_a_put_counts_by_its_jobs_and_goes_whole_or_not_at_all(self, open_with: Open, clock: ManualClock) -> None:
        namespace = open_with(self.POLICY)
        namespace.put([NewJob("Crawl", queue="fetch")] * 3)
        assert refusal(namespace, *[NewJob("Crawl", queue="fetch")] * 2)

        namespace.put([NewJob("Crawl", queue="fetch")])

        assert jobs_of(namespace) == 4

    def test_more_than_it_ever_allows_is_told_so(self, open_with: Open) -> None:
        refused = refusal(open_with(self.POLICY), *[NewJob("Crawl", queue="fetch")] * 5)

        assert "at most 4 jobs can be put together" in refused.message
        assert list(refused.fields) == ["jobs.4.queue"]

    def test_a_clock_that_is_set_back_keeps_nobody_out_for_long(self, open_with: Open, clock: ManualClock) -> None:
        namespace = open_with(self.POLICY)
        namespace.put([NewJob("Crawl", queue="fetch")] * 4)
        clock.advance(-3600)
        assert refusal(namespace, NewJob("Crawl", queue="fetch"))

        clock.advance(2)

        assert namespace.put([NewJob("Crawl", queue="fetch")])

    def test_two_of_one_namespace_count_apart(self, open_with: Open) -> None:
        namespace = open_with(
            {"name": "quota", "id": "fetch", "queue": "fetch", "rate": {"limit": 1, "per": 60}},
            {"name": "quota", "id": "all", "rate": {"limit": 2, "per": 60}},
        )
        namespace.put([CRAWL])

        assert refusal(namespace, NewJob("Crawl", queue="fetch")).subject == "fetch"
        namespace.put([NewJob("Crawl", queue="parse")])
        assert refusal(namespace, NewJob("Crawl", queue="parse")).subject == "all"

    def test_making_a_rule_puts_nothing_and_counts_nothing_but_its_jobs_do(
        self, open_with: Open, clock: ManualClock
    ) -> None:
        namespace = open_with({"name": "quota", "rate": {"limit": 1, "per": 3600}})
        made = namespace.recur(Recurrence("Crawl", queue="fetch", interval=60, id="often"))
        clock.advance(61)
        assert made.next_at is not None

        assert len(namespace.fire("often", made.next_at)) == 1

        with pytest.raises(QuotaExceeded) as raised:
            namespace.run_recurrence("often")
        assert list(raised.value.fields) == ["rule.queue"]

    def test_what_it_remembers_goes_with_it(self, open_with: Open) -> None:
        namespace = open_with(self.POLICY)
        namespace.put([CRAWL])
        assert namespace.recall("policy:quota")

        namespace.configure_namespace({"policies": []})  # type: ignore[dict-item]

        assert namespace.recall("policy:quota") is None

    def test_of_many_that_put_at_once_no_more_get_in(self, tmp_path: Path) -> None:
        clock = ManualClock()
        url = f"sqlite:///{tmp_path}/jobs.db?synchronous=off"
        with open_backend(url, clock=clock) as store:
            store.namespace("shop").configure_namespace(
                {"policies": [{"name": "quota", "rate": {"limit": 25, "per": 60}}]}  # type: ignore[dict-item]
            )
        let_in: list[int] = []

        def put_twenty() -> None:
            # Each opens the store for itself, as a process would.
            with open_backend(url, clock=clock) as store:
                namespace = Hooked(getattr(store, "inner"), clock=clock).namespace("shop")  # noqa: B009
                for _ in range(20):
                    try:
                        namespace.put([NewJob("Crawl", queue="fetch")])
                    except QuotaExceeded:
                        continue
                    let_in.append(1)

        threads = [threading.Thread(target=put_twenty) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(let_in) == 25

    @pytest.mark.parametrize(
        ("options", "field"),
        [
            ({}, "jobs"),
            ({"jobs": -1}, "jobs"),
            ({"jobs": True}, "jobs"),
            ({"rate": 5}, "rate"),
            ({"rate": {"limit": 1}}, "rate"),
            ({"rate": {"limit": 0, "per": 1}}, "rate.limit"),
            ({"rate": {"limit": 1, "per": 0}}, "rate.per"),
            ({"jobs": 1, "queue": 5}, "queue"),
        ],
    )
    def test_what_cannot_be_is_refused(self, open_with: Open, options: dict[str, Any], field: str) -> None:
        with pytest.raises(Invalid) as raised:
            open_with({"name": "quota", **options})

        assert list(raised.value.fields) == [f"policies.0.{field}"]


class TestContractOfAllowList(PolicyContract):
    policy = namespace_policies()["allow_list"]
    options = {"klasses": ["Crawl"]}
    allowed = (NewJob("Crawl", queue="fetch"),)
    refused = (NewJob("Delete", queue="fetch"),)
    wrong_options = ({"klasses": "Crawl"}, {"queues": [5]})


class TestContractOfJSONSchema(PolicyContract):
    policy = namespace_policies()["json_schema"]
    options = {"klass": "Crawl", "schema": {"required": ["url"], "type": "object"}}
    allowed = (NewJob("Crawl", '{"url":""}', queue="fetch"), NewJob("Parse", queue="parse"))
    refused = (NewJob("Crawl", queue="fetch"), NewJob("Crawl", "[]", queue="fetch"))
    wrong_options = ({}, {"klass": "Crawl"}, {"klass": "Crawl", "schema": 5})


class TestContractOfDefaults(PolicyContract):
    policy = namespace_policies()["defaults"]
    options = {"klass": "Crawl", "set": {"tags": ["news"], "priority": 3}}
    allowed = (NewJob("Crawl", queue="fetch"), NewJob("Parse", queue="parse"))
    wrong_options = ({}, {"set": 5})


class TestContractOfQuota(PolicyContract):
    policy = namespace_policies()["quota"]
    options = {"jobs": 5, "rate": {"limit": 100, "per": 1}}
    allowed = (NewJob("Crawl", queue="fetch"), NewJob("Parse", queue="parse"))
    wrong_options = ({}, {"jobs": "many"})


# What a plugin's policy may do


class Refusing(Policy):
    """Refuses klasses, of each job or of all together; the other jobs it gives a tag."""

    def __init__(self, klass: str = "Bad", together: bool = False) -> None:
        self._klass, self._together = klass, together

    def check_put(self, namespace: Space, job: NewJob) -> NewJob:
        if not self._together and job.klass == self._klass:
            raise Rejected.of({"klass": ["bad"]})
        return replace(job, tags=(*job.tags, self.id))

    def check_all(self, namespace: Space, jobs: Any) -> None:
        for index, job in enumerate(jobs):
            if self._together and job.klass == self._klass:
                raise Rejected.of({f"{index}.klass": ["bad company"], "all": ["is too much"]})


class TestPluginPolicy:
    PLUGINS = staticmethod(lambda: offering("namespace_policies", refuse=Refusing))

    def test_each_sees_what_the_one_before_has_made(self, open_with: Open) -> None:
        policies = [{"name": "refuse", "id": id} for id in ("second", "first")]
        namespace = open_with(*policies, plugins=self.PLUGINS())

        namespace.put([CRAWL])

        assert get(namespace).tags == ("second", "first")

    def test_it_knows_what_it_is_called(self, open_with: Open) -> None:
        namespace = open_with({"name": "refuse"}, plugins=self.PLUGINS())

        namespace.put([CRAWL])

        assert get(namespace).tags == ("refuse",)

    def test_one_that_looks_at_all_together_is_named_with_the_places(self, open_with: Open) -> None:
        policy = {"name": "refuse", "id": "company", "together": True}
        namespace = open_with(policy, plugins=self.PLUGINS())

        refused = refusal(namespace, CRAWL, NewJob("Bad", queue="fetch"))

        assert refused.subject == "company"
        assert refused.fields == {"jobs.1.klass": ["bad company"], "all": ["is too much"]}

    def test_all_together_are_shown_once_a_put_as_they_will_be(self, open_with: Open) -> None:
        seen: list[list[tuple[str, ...]]] = []

        class Seeing(Policy):
            def check_put(self, namespace: Space, job: NewJob) -> NewJob:
                return replace(job, tags=("seen",))

            def check_all(self, namespace: Space, jobs: Any) -> None:
                seen.append([job.tags for job in jobs])

        namespace = open_with({"name": "see"}, plugins=offering("namespace_policies", see=Seeing))
        namespace.put([CRAWL, NewJob("Crawl", queue="fetch")])

        assert seen == [[("seen",), ("seen",)]]

    def test_a_follow_up_is_looked_at_with_its_place(self, open_with: Open) -> None:
        namespace = open_with({"name": "refuse"}, plugins=self.PLUGINS())
        namespace.put([CRAWL])
        [lease] = namespace.pop(["fetch"], "ann")

        [answer] = namespace.settle([Complete(lease, puts=(NewJob("Bad", queue="fetch"),))])

        assert isinstance(answer, Rejected)
        assert (answer.subject, answer.fields) == ("refuse", {"puts.0.klass": ["bad"]})
        assert get(namespace).state == "running"

    @pytest.mark.parametrize("answer", [None, "Crawl", KeyError("secret"), ZeroDivisionError()], ids=repr)
    @pytest.mark.parametrize("method", ["check_put", "check_all"])
    def test_one_that_fails_lets_nothing_in_and_is_named(self, open_with: Open, answer: object, method: str) -> None:
        class Broken(Policy):
            def check_put(self, namespace: Space, job: NewJob) -> Any:
                return self._fail() if method == "check_put" else job

            def check_all(self, namespace: Space, jobs: Any) -> None:
                if method == "check_all":
                    self._fail()
                    raise TypeError

            def _fail(self) -> object:
                if isinstance(answer, Exception):
                    raise answer
                return answer

        plugins = offering("namespace_policies", broken=Broken)
        namespace = open_with({"name": "broken", "id": "third"}, plugins=plugins)

        with pytest.raises(PluginError) as raised:
            namespace.put([CRAWL])

        assert raised.value.subject == "mine (policy third)"
        assert "policy third" in raised.value.message
        assert "secret" not in raised.value.message
        assert plugins.record("mine").told().errors == 1
        assert jobs_of(namespace) == 0

    def test_an_error_of_ours_that_is_no_refusal_is_a_fault_of_it_too(self, open_with: Open) -> None:
        class Asking(Refusing):
            def check_put(self, namespace: Space, job: NewJob) -> NewJob:
                namespace.queues(["nowhere"])
                return job

        namespace = open_with({"name": "ask"}, plugins=offering("namespace_policies", ask=Asking))

        with pytest.raises(PluginError, match="plugin mine failed in policy ask: QueueNotFound"):
            namespace.put([CRAWL])

    def test_over_http_it_is_named_and_no_more_is_told(self, clock: ManualClock) -> None:
        class Broken(Refusing):
            def check_put(self, namespace: Space, job: NewJob) -> NewJob:
                raise KeyError("secret")

        store = Hooked(ModelBackend(clock=clock), plugins=offering("namespace_policies", broken=Broken))
        policies: Any = [{"name": "broken", "id": "third"}]
        store.namespace("shop").configure_namespace({"policies": policies})

        answer = (
            create_app(backend=store)
            .test_client()
            .post("/api/v1/namespaces/shop/queues/fetch/jobs", json={"klass": "Crawl"})
        )

        assert answer.get_json()["code"] == "PLUGIN_ERROR"
        assert "plugin mine (policy third) failed" in answer.get_json()["detail"]
        assert "KeyError" not in answer.text

    def test_one_that_cannot_name_its_back_offs_is_not_taken_and_is_named(self, open_with: Open) -> None:
        class Broken(Refusing):
            def backoffs(self) -> Any:
                raise KeyError("secret")

        with pytest.raises(PluginError, match="plugin mine failed in policy third: KeyError") as raised:
            open_with({"name": "broken", "id": "third"}, plugins=offering("namespace_policies", broken=Broken))

        assert raised.value.subject == "mine (policy third)"

    def test_one_that_is_not_here_lets_nothing_in_and_is_named(self, clock: ManualClock) -> None:
        inner = ModelBackend(clock=clock)
        inner.namespace("shop").configure_namespace({"policies": (Chosen("gone"),)})
        namespace = Hooked(inner).namespace("shop")

        with pytest.raises(PluginError) as raised:
            namespace.put([CRAWL])

        assert raised.value.subject == "gone"
        assert jobs_of(namespace) == 0

    def test_it_may_look_at_its_namespace_and_remember(self, open_with: Open) -> None:
        class Counting(Policy):
            def check_put(self, namespace: Space, job: NewJob) -> NewJob:
                seen = namespace.recall(f"policy:{self.id}")
                namespace.remember(f"policy:{self.id}", str(int(seen or 0) + 1), seen)
                return replace(job, priority=int(seen or 0), tags=(namespace.name,))

        namespace = open_with({"name": "count"}, plugins=offering("namespace_policies", count=Counting))

        namespace.put([CRAWL, replace(CRAWL, jid="b")])

        assert [(get(namespace, jid).priority, get(namespace, jid).tags) for jid in "ab"] == [
            (0, ("shop",)),
            (1, ("shop",)),
        ]

    def test_a_frozen_namespace_says_so_and_that_is_no_fault_of_the_plugin(self, open_with: Open) -> None:
        plugins = Plugins(installed=False)
        namespace = open_with({"name": "quota", "rate": {"limit": 1, "per": 1}}, plugins=plugins)
        namespace.freeze()

        with pytest.raises(Frozen):
            namespace.put([CRAWL])

        assert plugins.record("qless.policies").told().errors == 0

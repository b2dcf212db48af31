"""What a namespace alone is told: its policies and trackers, and the back-off of klasses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import Frozen, Invalid
from qless_flask.models import (
    Backoff,
    Chosen,
    Complete,
    JobRecord,
    NamespaceRecord,
    NamespaceSettings,
    NewJob,
    QueueRecord,
    QueueSettings,
    Recurrence,
    RecurrenceRecord,
    Setting,
    encode_record,
)
from qless_flask.models.queues import MAX_CHOSEN, MAX_KLASSES
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.furniture import dump
from qless_flask.testing.conformance.scenes import ALICE, Check, get, put, queue, run, seen_events, settle, unchanged

SCHEMA: dict[str, Any] = {
    "description": 'é \U0001f577 " \\ / \u2028',
    "default": [1, 1.5, -0.25, 1e300, True, False, None, {}, [], {"b": {"a": "2"}, "a": [[]]}, "", "1.0"],
    "type": "object",
}
POLICIES = (
    Chosen.of({"name": "allow_list", "klasses": ["Crawl", "Nobody"]}),
    Chosen.of({"name": "json_schema", "klass": "Crawl", "schema": SCHEMA}),
    Chosen.of({"name": "json_schema", "id": "second", "klass": "Nobody", "schema": {}}),
)
TRACKERS = (
    Chosen.of({"name": "log", "tags": ["customer:*"]}),
    Chosen.of({"name": "webhook", "id": "é 2", "url": "https://example.org", "tags": ["*"], "when": "every"}),
)
BACKOFFS = {
    "fixed": Backoff("fixed", 1.5),
    "linear": Backoff("linear", 2.0, max=8.0),
    "exponential": Backoff("exponential", 2.0, factor=1.5, max=100.0, jitter="none"),
    "table": Backoff("table", delays=(1.0, 2.5, 2.5, 86_400.0)),
    "by group": Backoff.of(
        {
            "strategy": "by_group",
            "groups": {"no such page": None, "é": {"strategy": "fixed", "delay": 0.125}},
            "otherwise": {"strategy": "table", "delays": [1, 2.25]},
        }
    ),
}
PLANS: dict[str, Setting] = {"policies": POLICIES, "trackers": TRACKERS, "klass_backoff": BACKOFFS}

each_plan = pytest.mark.parametrize(("name", "value"), list(PLANS.items()), ids=list(PLANS))
each_backoff = pytest.mark.parametrize("backoff", list(BACKOFFS.values()), ids=list(BACKOFFS))

MANY = 64 << 10
LOG = {"name": "log", "tags": ["*"]}
BAD_PLANS: list[tuple[str, object, str]] = [
    ("policies", None, "policies"),
    ("policies", "allow_list", "policies"),
    ("policies", {"name": "allow_list"}, "policies"),
    ("policies", ["allow_list"], "policies.0"),
    ("policies", [{}], "policies.0.name"),
    ("policies", [{"name": ""}], "policies.0.name"),
    ("policies", [{"name": 5}], "policies.0.name"),
    ("policies", [{"name": "allow_list"}, {"name": "allow_list"}], "policies.1.id"),
    ("policies", [{"name": "allow_list", "id": "a"}, {"name": "defaults", "id": "a"}], "policies.1.id"),
    ("policies", [{"name": "allow_list", "id": "a\nb"}], "policies.0.id"),
    ("policies", [{"name": "defaults", "id": f"{each}", "set": {}} for each in range(MAX_CHOSEN + 1)], "policies"),
    ("policies", [{"name": "json_schema", "klass": "C", "schema": {"default": 1 << 53}}], "policies.0.options"),
    (
        "policies",
        [{"name": "json_schema", "klass": "C", "schema": {"default": "a" * MANY}}],
        "policies.0.options",
    ),
    (
        "policies",
        [
            {"name": "json_schema", "id": f"{each}", "klass": "C", "schema": {"default": "a" * (MANY - 4000)}}
            for each in range(5)
        ],
        "policies",
    ),
    ("trackers", None, "trackers"),
    ("trackers", [5], "trackers.0"),
    ("trackers", [LOG, LOG], "trackers.1.id"),
    ("trackers", [{**LOG, "id": f"{each}"} for each in range(MAX_CHOSEN + 1)], "trackers"),
    ("klass_backoff", None, "klass_backoff"),
    ("klass_backoff", [], "klass_backoff"),
    ("klass_backoff", {"Crawl": 5}, "klass_backoff.Crawl"),
    ("klass_backoff", {"Crawl": {"strategy": "fixed", "delay": -1}}, "klass_backoff.Crawl.delay"),
    ("klass_backoff", {"Crawl": {"strategy": "linear", "factor": 2}}, "klass_backoff.Crawl.factor"),
    ("klass_backoff", {"": {"strategy": "fixed"}}, "klass_backoff"),
    ("klass_backoff", {f"K{each}": {"strategy": "fixed"} for each in range(MAX_KLASSES + 1)}, "klass_backoff"),
]
each_bad_plan = pytest.mark.parametrize(("name", "value", "field"), BAD_PLANS, ids=lambda each: repr(each)[:40])


def settings_record(namespace: Namespace) -> NamespaceRecord:
    """The record that says what the namespace says itself."""
    [found] = [record for record in dump(namespace) if isinstance(record, NamespaceRecord)]
    return found


class TestPlans:
    """Policies, trackers and the back-off of klasses stand in the settings of the namespace."""

    @each_plan
    def test_each_is_kept_as_it_was_given(self, namespace: Namespace, name: str, value: Setting) -> None:
        answer = namespace.configure_namespace({name: value})

        assert answer == namespace.settings() == NamespaceSettings(QueueSettings(), (name,), **{name: value})  # type: ignore[arg-type]

    def test_a_namespace_has_none_by_itself(self, namespace: Namespace) -> None:
        found = namespace.settings()

        assert (found.policies, found.trackers, found.klass_backoff) == ((), (), {})

    def test_they_stand_beside_the_settings_of_queues(self, namespace: Namespace) -> None:
        namespace.configure("work", {"retries": 1})

        namespace.configure_namespace({"max_losses": 1, **PLANS}, actor=ALICE)

        found = namespace.settings()
        assert found.own == ("klass_backoff", "max_losses", "policies", "trackers")
        assert found.settings == QueueSettings(max_losses=1)
        assert (queue(namespace).settings, queue(namespace).own) == (
            QueueSettings(retries=1, max_losses=1),
            ("retries",),
        )
        event = seen_events(namespace)[-1]
        assert (event.event, event.queue, event.actor) == ("configured", None, "alice")

    def test_they_let_a_namespace_begin(self, backend: Backend, namespace: Namespace) -> None:
        namespace.configure_namespace({"policies": POLICIES})

        assert namespace.name in backend.namespaces()

    def test_they_may_come_as_they_are_in_json(self, namespace: Namespace) -> None:
        told: dict[str, Any] = {
            "policies": [each.as_message() for each in POLICIES],
            "trackers": [each.as_message() for each in TRACKERS],
            "klass_backoff": {klass: backoff.as_message() for klass, backoff in BACKOFFS.items()},
        }

        answer = namespace.configure_namespace(told)

        assert (answer.policies, answer.trackers, answer.klass_backoff) == (POLICIES, TRACKERS, BACKOFFS)

    def test_they_stay_in_the_order_they_were_given_in(self, namespace: Namespace) -> None:
        namespace.configure_namespace({"policies": POLICIES[::-1]})

        assert namespace.settings().policies == POLICIES[::-1]

    def test_one_takes_the_place_of_the_other_whole(self, namespace: Namespace) -> None:
        namespace.configure_namespace(PLANS)

        namespace.configure_namespace({"policies": POLICIES[:1], "klass_backoff": {"Crawl": Backoff("fixed", 1.0)}})

        found = namespace.settings()
        assert (found.policies, found.trackers) == (POLICIES[:1], TRACKERS)
        assert found.klass_backoff == {"Crawl": Backoff("fixed", 1.0)}

    def test_one_may_be_empty(self, namespace: Namespace) -> None:
        namespace.configure_namespace(PLANS)

        found = namespace.configure_namespace({"policies": (), "trackers": (), "klass_backoff": {}})

        assert (found.policies, found.trackers, found.klass_backoff) == ((), (), {})
        assert found.own == ("klass_backoff", "policies", "trackers")

    @each_plan
    def test_one_that_is_given_up_is_there_no_longer(self, namespace: Namespace, name: str, value: Setting) -> None:
        namespace.configure_namespace({**PLANS, "retries": 2})

        found = namespace.configure_namespace({}, inherit=[name])

        assert getattr(found, name) == getattr(NamespaceSettings(QueueSettings()), name)
        assert found.own == tuple(sorted({*PLANS, "retries"} - {name}))

    def test_all_may_be_given_up(self, namespace: Namespace) -> None:
        namespace.configure_namespace(PLANS)

        found = namespace.configure_namespace({}, inherit=list(PLANS))

        assert found == namespace.settings() == NamespaceSettings(QueueSettings())

    def test_other_namespaces_are_as_they_were(self, backend: Backend, namespace: Namespace) -> None:
        namespace.configure_namespace(PLANS)

        assert backend.namespace(f"{namespace.name}-other").settings() == NamespaceSettings(QueueSettings())

    def test_those_of_other_namespaces_stay_where_they_are_given_up(
        self, backend: Backend, namespace: Namespace
    ) -> None:
        other = backend.namespace(f"{namespace.name}-other")
        other.configure_namespace(PLANS)
        namespace.configure_namespace(PLANS)

        namespace.configure_namespace({}, inherit=list(PLANS))

        assert other.settings().policies == POLICIES

    def test_freezing_tells_them_and_keeps_them(self, namespace: Namespace) -> None:
        namespace.configure_namespace(PLANS)

        assert namespace.freeze().policies == namespace.settings().policies == POLICIES
        with pytest.raises(Frozen):
            namespace.configure_namespace({"policies": ()})
        assert namespace.freeze(False).policies == POLICIES

    def test_they_are_gone_with_their_namespace(self, namespace: Namespace) -> None:
        namespace.configure_namespace(PLANS)
        step = namespace.erase(namespace.name)
        while step.next is not None:
            step = namespace.erase(namespace.name, step.next)

        assert namespace.settings() == NamespaceSettings(QueueSettings())
        assert namespace.configure_namespace({"retries": 1}).own == ("retries",)

    def test_a_process_sees_what_another_was_told(self, namespace: Namespace, another: Callable[[], Backend]) -> None:
        other = another()
        namespace.configure_namespace(PLANS)

        assert other.namespace(namespace.name).settings() == namespace.settings()
        other.close()

    def test_as_many_as_there_may_be_are_kept(self, namespace: Namespace) -> None:
        trackers = tuple(Chosen.of({**LOG, "id": f"{number}"}) for number in range(MAX_CHOSEN))
        backoffs = {f"Klass{number}": Backoff("fixed", float(number)) for number in range(MAX_KLASSES)}

        found = namespace.configure_namespace({"trackers": trackers, "klass_backoff": backoffs})

        assert (found.trackers, found.klass_backoff) == (trackers, backoffs)

    @each_bad_plan
    def test_what_none_can_be_is_refused(
        self, namespace: Namespace, check: Check, name: str, value: Any, field: str
    ) -> None:
        namespace.configure_namespace({**PLANS, "retries": 2})

        with unchanged(namespace, check), pytest.raises(Invalid) as caught:
            namespace.configure_namespace({"retries": 3, name: value})

        assert field in caught.value.fields
        assert namespace.settings().own == ("klass_backoff", "policies", "retries", "trackers")

    @each_plan
    def test_a_queue_has_none(self, namespace: Namespace, check: Check, name: str, value: Setting) -> None:
        namespace.pause("work")

        with unchanged(namespace, check):
            with pytest.raises(Invalid) as told:
                namespace.configure("work", {name: value})
            with pytest.raises(Invalid) as given_up:
                namespace.configure("work", {}, inherit=[name])

        assert (list(told.value.fields), list(given_up.value.fields)) == ([name], ["inherit.0"])


class TestPlansInDumps:
    """They are dumped and loaded with the settings of the namespace."""

    def test_a_dump_says_them_as_they_are_in_json(self, namespace: Namespace) -> None:
        namespace.configure_namespace({**PLANS, "retries": 2})

        assert settings_record(namespace).settings == {
            "retries": 2,
            "policies": [each.as_message() for each in POLICIES],
            "trackers": [each.as_message() for each in TRACKERS],
            "klass_backoff": {klass: backoff.as_message() for klass, backoff in BACKOFFS.items()},
        }

    def test_a_load_brings_them_back(self, backend: Backend, namespace: Namespace) -> None:
        namespace.configure_namespace({**PLANS, "retries": 2})
        other = backend.namespace(f"{namespace.name}-other")
        other.freeze()

        other.load(dump(namespace))

        assert other.freeze(False) == namespace.settings()

    def test_a_load_takes_away_what_it_does_not_say(self, namespace: Namespace) -> None:
        namespace.configure_namespace({**PLANS, "retries": 2})
        namespace.freeze()

        namespace.load([NamespaceRecord(settings={"trackers": [LOG]})])

        assert namespace.settings().own == ("trackers",)
        assert namespace.settings().trackers == (Chosen.of(LOG),)

    @pytest.mark.parametrize(
        ("settings", "field"),
        [
            ({"policies": [{"name": ""}]}, "records.0.settings.policies.0.name"),
            ({"policies": [{"name": "allow_list", "id": "allow_list"}]}, "records.0.settings.policies"),
            ({"klass_backoff": {"Crawl": {"strategy": "fixed"}}}, "records.0.settings.klass_backoff"),
            ({"trackers": [LOG, LOG]}, "records.0.settings.trackers.1.id"),
        ],
        ids=["no name", "an id that says nothing", "a default left out", "two of one name"],
    )
    def test_a_load_of_what_no_dump_says_is_refused(
        self, namespace: Namespace, check: Check, settings: dict[str, Any], field: str
    ) -> None:
        namespace.freeze()

        with unchanged(namespace, check), pytest.raises(Invalid) as caught:
            namespace.load([NamespaceRecord(settings=settings)])

        assert field in caught.value.fields


class TestBackoffs:
    """A back-off is kept as it was given, wherever it stands."""

    @each_backoff
    def test_of_a_job(self, namespace: Namespace, backoff: Backoff) -> None:
        lease = run(namespace, backoff=backoff)

        assert lease.job is not None
        assert lease.job.backoff == get(namespace).backoff == backoff

    @each_backoff
    def test_of_a_follow_up(self, namespace: Namespace, backoff: Backoff) -> None:
        follow_up = NewJob("Crawl", queue="work", jid="b", backoff=backoff)

        settle(namespace, Complete(run(namespace), puts=(follow_up,)))

        assert get(namespace, "b").backoff == backoff

    @each_backoff
    def test_of_a_queue(self, namespace: Namespace, backoff: Backoff) -> None:
        answer = namespace.configure("work", {"backoff": backoff})

        assert answer.settings.backoff == queue(namespace).settings.backoff == backoff

    @each_backoff
    def test_of_a_namespace(self, namespace: Namespace, backoff: Backoff) -> None:
        namespace.pause("work")

        answer = namespace.configure_namespace({"backoff": backoff})

        assert answer.settings.backoff == queue(namespace).settings.backoff == backoff

    @each_backoff
    def test_of_a_recurrence(self, namespace: Namespace, clock: ManualClock, backoff: Backoff) -> None:
        at = namespace.recur(Recurrence("Sweep", queue="work", id="often", interval=60, backoff=backoff)).next_at

        assert at is not None
        clock.advance(60)
        [put] = namespace.fire("often", at)

        [found] = namespace.recurrences()
        assert found.rule.backoff == get(namespace, put.jid).backoff == backoff

    @each_backoff
    def test_in_a_dump_and_after_a_load(self, backend: Backend, namespace: Namespace, backoff: Backoff) -> None:
        namespace.configure("work", {"backoff": backoff})
        namespace.configure_namespace({"backoff": backoff})
        namespace.recur(Recurrence("Sweep", queue="work", id="often", interval=60, backoff=backoff))
        put(namespace, "a", backoff=backoff)
        records = dump(namespace)
        other = backend.namespace(f"{namespace.name}-other")
        other.freeze()

        other.load(records)

        said = [each.settings for each in records if isinstance(each, NamespaceRecord | QueueRecord)]
        jobs = [each.backoff for each in records if isinstance(each, JobRecord)]
        rules = [each.rule for each in records if isinstance(each, RecurrenceRecord)]
        assert said == [{"backoff": backoff.as_message()}] * 2
        assert jobs == [rule["backoff"] for rule in rules] == [backoff.as_message()]
        assert (queue(other).settings.backoff, get(other).backoff) == (backoff, backoff)
        assert other.recurrences() == namespace.recurrences()
        assert sorted(map(encode_record, dump(other))) == sorted(map(encode_record, records))

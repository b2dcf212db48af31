"""Settings of namespaces, and those that a queue says itself."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import Invalid
from qless_flask.models import (
    SETTING_NAMES,
    Backoff,
    Complete,
    Keep,
    NamespaceSettings,
    QueueSettings,
    Rate,
    Retention,
    Setting,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    ALICE,
    Check,
    get,
    last_event,
    pop_all,
    put,
    queue,
    run,
    seen_events,
    settle,
    unchanged,
)

VALUES: dict[str, tuple[Setting, ...]] = {
    "heartbeat": (0.1, 30, 12.345, None),
    "retries": (0, 1_000_000),
    "max_losses": (0, 7),
    "max_run": (0.1, 3600.5, None),
    "backoff": (Backoff("fixed", 1.5), Backoff("exponential", 2, max=100, jitter="none")),
    "max_concurrency": (1, 1_000_000_000, None),
    "rate": (Rate(1, 0.1), Rate(10_000, 86_400.5), None),
    "key_concurrency": (1, 1_000_000_000, None),
    "key_rate": (Rate(1, 0.1), Rate(10_000, 3600), None),
    "max_size": (1, 1_000_000_000, None),
    "retention": (Retention(failed=Keep(0, 0)), Retention(Keep(1.5, 1), Keep(3600, 0), Keep(0, 1_000_000_000))),
}

each_value = pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in VALUES.items() for value in values], ids=repr
)

BAD_VALUES: list[tuple[str, object]] = [
    ("max_concurrency", 0),
    ("max_concurrency", -1),
    ("max_concurrency", 1.0),
    ("max_concurrency", True),
    ("max_concurrency", 1_000_000_001),
    ("key_concurrency", 0),
    ("max_size", 0),
    ("max_size", "9"),
    ("rate", 5),
    ("rate", {"limit": 5}),
    ("rate", {"limit": 0, "per": 1}),
    ("rate", {"limit": 10_001, "per": 1}),
    ("rate", {"limit": 1, "per": 0.09}),
    ("rate", {"limit": 1, "per": 1, "burst": 3}),
    ("key_rate", [1, 2]),
    ("key_rate", {"limit": 1.5, "per": 1}),
    ("retention", None),
    ("retention", {"complete": 5}),
    ("retention", {"done": {"age": 1, "count": 1}}),
    ("retention", {"failed": {"age": -1, "count": 1}}),
    ("retention", {"failed": {"age": 1, "count": -1}}),
    ("retention", {"failed": {"age": 1}}),
]
each_bad_value = pytest.mark.parametrize(("name", "value"), BAD_VALUES, ids=repr)


class TestOwnSettings:
    """What a queue says itself, and what it leaves to its namespace."""

    def test_there_is_a_value_for_every_setting_here(self) -> None:
        assert set(VALUES) == set(SETTING_NAMES)

    @each_value
    def test_each_setting_is_kept_as_it_was_given(self, namespace: Namespace, name: str, value: Setting) -> None:
        answer = namespace.configure("work", {name: value})

        assert answer == queue(namespace)
        assert answer.settings == QueueSettings(**{name: value})  # type: ignore[arg-type]
        assert answer.own == (name,)

    def test_all_at_once_are_kept_too(self, namespace: Namespace) -> None:
        changes = {name: values[0] for name, values in VALUES.items()}

        answer = namespace.configure("work", changes)

        assert answer.settings == QueueSettings(**changes)  # type: ignore[arg-type]
        assert answer.own == tuple(sorted(SETTING_NAMES))
        assert queue(namespace) == answer

    def test_a_queue_begins_with_none_of_its_own(self, namespace: Namespace) -> None:
        put(namespace, "a")
        namespace.pause("other")

        assert [each.own for each in namespace.queues()] == [(), ()]

    def test_one_that_is_as_the_default_is_its_own_all_the_same(self, namespace: Namespace) -> None:
        answer = namespace.configure("work", {"retries": 5, "rate": None})
        assert answer.own == ("rate", "retries")

        namespace.configure_namespace({"retries": 9, "rate": Rate(1, 1)})

        assert queue(namespace).settings == QueueSettings()

    def test_settings_come_together_over_time_sorted(self, namespace: Namespace) -> None:
        for name in ("retries", "backoff", "max_size"):
            namespace.configure("work", {name: VALUES[name][0]})

        assert queue(namespace).own == ("backoff", "max_size", "retries")

    def test_one_that_is_given_up_is_the_namespaces_again(self, namespace: Namespace) -> None:
        namespace.configure_namespace({"retries": 9})
        namespace.configure("work", {"retries": 2, "max_losses": 1})

        answer = namespace.configure("work", {}, inherit=["retries", "heartbeat"], actor=ALICE)

        assert (answer.settings, answer.own) == (QueueSettings(retries=9, max_losses=1), ("max_losses",))
        assert queue(namespace) == answer
        event = last_event(namespace)
        assert (event.event, event.queue, event.actor) == ("configured", "work", "alice")

    def test_one_that_is_both_given_up_and_set_is_set(self, namespace: Namespace) -> None:
        namespace.configure("work", {"retries": 2})

        answer = namespace.configure("work", {"retries": 3}, inherit=["retries", "max_losses"])

        assert (answer.settings, answer.own) == (QueueSettings(retries=3), ("retries",))

    def test_giving_up_what_it_never_said_makes_the_queue_known_and_is_told(self, namespace: Namespace) -> None:
        answer = namespace.configure("work", {}, inherit=["rate"])

        assert (answer.settings, answer.own) == (QueueSettings(), ())
        assert [(event.event, event.queue) for event in seen_events(namespace)] == [("configured", "work")]

    def test_a_name_that_is_no_setting_is_refused(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a")

        with unchanged(namespace, check), pytest.raises(Invalid) as caught:
            namespace.configure("work", {"retries": 1}, inherit=["retries", "speed"])

        assert "inherit.1" in caught.value.fields

    @each_bad_value
    def test_a_value_that_no_queue_can_have_is_refused(
        self, namespace: Namespace, check: Check, name: str, value: Setting
    ) -> None:
        put(namespace, "a")

        with unchanged(namespace, check), pytest.raises(Invalid) as caught:
            namespace.configure("work", {"max_losses": 1, name: value})

        assert any(field.split(".")[0] == name for field in caught.value.fields)

    def test_a_forgotten_queue_begins_with_the_namespaces(self, namespace: Namespace) -> None:
        namespace.configure_namespace({"retries": 9})
        namespace.configure("work", {"retries": 2, "max_size": 1})
        namespace.forget("work")

        put(namespace, "a", "b")

        assert (queue(namespace).settings, queue(namespace).own) == (QueueSettings(retries=9), ())


class TestNamespaceSettings:
    """What holds for queues that do not say otherwise."""

    def test_a_namespace_begins_with_the_defaults(self, backend: Backend, namespace: Namespace) -> None:
        assert namespace.settings() == NamespaceSettings(QueueSettings(), (), frozen=False)
        assert namespace.name not in backend.namespaces()

    def test_configuring_one_lets_it_begin_and_is_told(self, backend: Backend, namespace: Namespace) -> None:
        answer = namespace.configure_namespace({"retries": 2}, actor=ALICE)

        assert answer == namespace.settings() == NamespaceSettings(QueueSettings(retries=2), ("retries",))
        assert namespace.name in backend.namespaces()
        [event] = seen_events(namespace)
        assert (event.event, event.queue, event.actor, event.address) == ("configured", None, "alice", "192.0.2.7")
        assert (event.jid, event.state, event.to, event.worker, event.group) == (None,) * 5
        assert namespace.queues() == []

    @each_value
    def test_each_setting_holds_for_queues_known_and_new(self, namespace: Namespace, name: str, value: Setting) -> None:
        put(namespace, "a", queue="known")

        answer = namespace.configure_namespace({name: value})
        put(namespace, "b", queue="new")
        namespace.pause("newer")

        settings = QueueSettings(**{name: value})  # type: ignore[arg-type]
        assert answer == namespace.settings() == NamespaceSettings(settings, (name,))
        assert [(each.settings, each.own) for each in namespace.queues()] == [(settings, ())] * 3

    def test_what_a_queue_says_itself_stays(self, namespace: Namespace) -> None:
        namespace.configure("work", {"retries": 2, "max_run": None})

        namespace.configure_namespace({"retries": 7, "max_run": 100, "max_losses": 1})

        assert queue(namespace).settings == QueueSettings(retries=2, max_losses=1)
        assert queue(namespace).own == ("max_run", "retries")

    def test_those_not_named_stay_and_those_given_up_are_the_defaults(self, namespace: Namespace) -> None:
        put(namespace, "a")
        namespace.configure_namespace({"retries": 2, "max_losses": 1})
        namespace.configure_namespace({"heartbeat": 30})

        answer = namespace.configure_namespace({"retention": Retention()}, inherit=["retries", "rate"])

        assert answer.settings == QueueSettings(heartbeat=30, max_losses=1)
        assert answer.own == ("heartbeat", "max_losses", "retention")
        assert queue(namespace).settings == answer.settings

    def test_one_that_is_both_given_up_and_set_is_set(self, namespace: Namespace) -> None:
        namespace.configure_namespace({"retries": 2})

        assert namespace.configure_namespace({"retries": 3}, inherit=["retries"]).settings.retries == 3

    def test_other_namespaces_are_as_they_were(self, backend: Backend, namespace: Namespace) -> None:
        other = backend.namespace(f"{namespace.name}-other")
        put(other, "a")

        namespace.configure_namespace({"retries": 2})

        assert (other.settings().settings, queue(other).settings) == (QueueSettings(), QueueSettings())

    @pytest.mark.parametrize("known", [True, False])
    def test_they_hold_where_they_are_used(self, namespace: Namespace, clock: ManualClock, known: bool) -> None:
        if known:
            namespace.pause("work")
            namespace.resume("work")
        namespace.configure_namespace({"heartbeat": 7, "retries": 0, "max_losses": 0})

        lease = run(namespace)

        assert (lease.expires_at, get(namespace).remaining) == (clock() + 7, 0)
        clock.advance(7)
        namespace.promote()
        assert get(namespace).state == "failed"

    def test_a_stage_is_held_to_them_in_a_queue_that_is_new(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure_namespace({"retries": 9, "max_run": 5})

        settle(namespace, Complete(run(namespace, pipeline=("next",))))
        [lease] = namespace.pop(["next"], "ann")

        assert (get(namespace).remaining, lease.expires_at) == (9, clock() + 5)

    def test_limits_hold_for_each_queue_by_itself(self, namespace: Namespace) -> None:
        namespace.configure_namespace({"max_concurrency": 1})
        put(namespace, "a", "b", queue="one")
        put(namespace, "c", "d", queue="two")

        assert pop_all(namespace, "one", "two") == ["a", "c"]

    @each_bad_value
    def test_a_value_that_no_queue_can_have_is_refused(
        self, namespace: Namespace, check: Check, name: str, value: Setting
    ) -> None:
        put(namespace, "a")

        with unchanged(namespace, check), pytest.raises(Invalid) as caught:
            namespace.configure_namespace({"max_losses": 1, name: value})

        assert any(field.split(".")[0] == name for field in caught.value.fields)

    @pytest.mark.parametrize(
        ("changes", "inherit", "field"),
        [({"speed": 1}, (), "speed"), ({}, ("speed",), "inherit.0"), ({}, "retries", "inherit")],
    )
    def test_what_is_no_setting_is_refused(
        self, namespace: Namespace, check: Check, changes: Mapping[str, Setting], inherit: tuple[str, ...], field: str
    ) -> None:
        put(namespace, "a")

        with unchanged(namespace, check), pytest.raises(Invalid) as caught:
            namespace.configure_namespace(changes, inherit=inherit)

        assert field in caught.value.fields

    def test_a_refused_change_does_not_let_it_begin(self, backend: Backend, namespace: Namespace) -> None:
        with pytest.raises(Invalid):
            namespace.configure_namespace({"retries": -1})

        assert namespace.name not in backend.namespaces()

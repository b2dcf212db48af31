"""Queues: their sums, settings, pauses and end."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid, NotEmpty, QueueNotFound
from qless_flask.models import STATES, Changes, Complete, Fail, QueueSettings, Rate, Renewed, Setting
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    ALICE,
    Check,
    get,
    last_event,
    new,
    pop,
    pop_all,
    put,
    queue,
    renew,
    run,
    seen_events,
    unchanged,
)


class TestQueues:
    """What a queue sums up to."""

    def test_a_queue_counts_its_jobs_by_state(self, namespace: Namespace) -> None:
        put(namespace, *"abcdef")
        put(namespace, "g", "h", delay=5)
        put(namespace, "i", "j", "k", depends=("g", "h"))
        leases = namespace.pop(["work"], "ann", 4)
        namespace.settle([Complete(leases[0]), Fail(leases[1], group="broken")])
        namespace.cancel(["f"])

        found = queue(namespace)

        assert (found.name, found.paused) == ("work", False)
        assert (found.scheduled, found.depends, found.waiting) == (2, 3, 1)
        assert (found.running, found.stalled) == (2, 0)
        assert (found.complete, found.failed, found.canceled) == (1, 1, 1)

    def test_all_queues_come_by_name(self, namespace: Namespace) -> None:
        for name in ("b", "a", "C", "a:b", "1"):
            put(namespace, f"in {name}", queue=name)

        assert [each.name for each in namespace.queues()] == ["1", "C", "a", "a:b", "b"]

    def test_named_queues_come_in_the_order_named(self, namespace: Namespace) -> None:
        put(namespace, "x", queue="a")
        put(namespace, "y", queue="b")

        assert [each.name for each in namespace.queues(["b", "a"])] == ["b", "a"]
        assert namespace.queues([]) == []

    def test_an_unknown_queue_is_not_found(self, namespace: Namespace) -> None:
        put(namespace, "a")

        with pytest.raises(QueueNotFound) as caught:
            namespace.queues(["work", "other"])

        assert caught.value.subject == "other"

    def test_oldest_wait_is_none_where_none_waits(self, namespace: Namespace) -> None:
        put(namespace, "a", delay=5)

        assert queue(namespace).oldest_wait is None

    def test_oldest_wait_is_the_longest_of_the_next_of_each_priority(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "low", priority=-5)
        clock.advance(1.5)
        put(namespace, "high", priority=5)
        clock.advance(10)

        assert queue(namespace).oldest_wait == 11.5
        namespace.cancel(["low"])
        assert queue(namespace).oldest_wait == 10
        put(namespace, "high too", priority=5)
        assert queue(namespace).oldest_wait == 10

    def test_oldest_wait_counts_from_when_the_job_became_available(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "a", delay=10)
        clock.advance(12)
        namespace.promote()
        clock.advance(3)

        assert queue(namespace).oldest_wait == 3

    def test_oldest_wait_counts_jobs_of_keys_too(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", key="ann")
        clock.advance(5)
        put(namespace, "b")

        assert queue(namespace).oldest_wait == 5

    def test_oldest_wait_is_never_negative(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a")
        clock.advance(-60)

        assert queue(namespace).oldest_wait == 0


class TestSettings:
    """What a queue is told."""

    def test_a_queue_begins_with_the_defaults(self, namespace: Namespace) -> None:
        put(namespace, "a")

        assert queue(namespace).settings == QueueSettings(heartbeat=60.0, retries=5, max_losses=3)

    def test_configuring_a_queue_makes_it_known(self, namespace: Namespace) -> None:
        answer = namespace.configure("work", {"retries": 2})

        assert answer == queue(namespace)
        assert answer.settings == QueueSettings(retries=2)

    def test_settings_that_are_not_named_stay(self, namespace: Namespace) -> None:
        namespace.configure("work", {"heartbeat": 30, "max_losses": 1})
        namespace.configure("work", {"heartbeat": None})
        namespace.configure("work", {"retries": 0})
        put(namespace, "a")

        assert queue(namespace).settings == QueueSettings(heartbeat=None, retries=0, max_losses=1)
        assert namespace.configure("work", {"heartbeat": 0.1}).settings.heartbeat == 0.1

    def test_a_queue_is_configured_for_itself(self, namespace: Namespace) -> None:
        namespace.configure("one", {"retries": 2})
        put(namespace, "a", queue="two")

        assert queue(namespace, "two").settings == QueueSettings()

    def test_leases_and_retries_already_given_stay_as_they_are(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace)

        namespace.configure("work", {"heartbeat": 1, "retries": 1})

        assert get(namespace).remaining == 5
        clock.advance(59)
        assert pop_all(namespace) == []

    def test_a_changed_setting_holds_for_what_runs_where_it_is_used(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        run(namespace)

        namespace.configure("work", {"max_losses": 0})
        clock.advance(60)
        namespace.promote()

        assert get(namespace).state == "failed"

    def test_configuring_is_told(self, namespace: Namespace) -> None:
        namespace.configure("work", {"retries": 2}, actor=ALICE)

        event = last_event(namespace)
        assert (event.event, event.queue, event.actor, event.address) == ("configured", "work", "alice", "192.0.2.7")
        assert (event.jid, event.state, event.worker, event.group, event.to) == (None,) * 5

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("retries", -1),
            ("retries", 1_000_001),
            ("retries", None),
            ("retries", 1.5),
            ("max_losses", -1),
            ("max_losses", None),
            ("heartbeat", 0),
            ("heartbeat", 0.09),
            ("heartbeat", -1),
            ("heartbeat", float("inf")),
            ("heartbeat", float("nan")),
            ("max_run", 0.09),
            ("max_run", float("inf")),
            ("backoff", None),
            ("backoff", 15),
            ("heartbeats", 5),
            ("", 5),
            ("paused", 1),
        ],
    )
    def test_a_setting_that_no_queue_can_have_is_refused(
        self, namespace: Namespace, check: Check, setting: str, value: Setting
    ) -> None:
        put(namespace, "a")

        with unchanged(namespace, check), pytest.raises(Invalid) as caught:
            namespace.configure("work", {"max_losses": 1, setting: value})

        assert setting in caught.value.fields

    def test_a_refused_configuration_makes_no_queue_known(self, namespace: Namespace) -> None:
        with pytest.raises(Invalid):
            namespace.configure("work", {"retries": -1})

        assert namespace.queues() == []


class TestPauses:
    """Nothing popped until resume."""

    def test_pausing_makes_a_queue_known_and_is_told(self, namespace: Namespace) -> None:
        answer = namespace.pause("work", actor=ALICE)

        assert answer == queue(namespace)
        assert answer.paused
        event = last_event(namespace)
        assert (event.event, event.queue, event.actor, event.jid) == ("paused", "work", "alice", None)

    def test_what_runs_goes_on(self, namespace: Namespace) -> None:
        lease = run(namespace)
        namespace.pause("work")

        assert renew(namespace, lease) == [Renewed("a", lease.expires_at)]
        assert namespace.settle([Complete(lease)])[0]
        assert get(namespace).state == "complete"

    def test_jobs_go_into_a_paused_queue_and_it_stays_paused(self, namespace: Namespace) -> None:
        namespace.pause("work")
        put(namespace, "a")
        namespace.configure("work", {"retries": 1})

        assert (queue(namespace).paused, queue(namespace).waiting) == (True, 1)
        assert pop_all(namespace) == []

    def test_other_queues_go_on(self, namespace: Namespace) -> None:
        put(namespace, "a", queue="one")
        put(namespace, "b", queue="two")
        namespace.pause("one")

        assert pop_all(namespace, "one", "two") == ["b"]

    def test_resuming_lets_jobs_be_popped_and_is_told(self, namespace: Namespace) -> None:
        put(namespace, "a")
        namespace.pause("work")

        answer = namespace.resume("work", actor=ALICE)

        assert (answer.paused, answer) == (False, queue(namespace))
        assert (last_event(namespace).event, last_event(namespace).queue) == ("resumed", "work")
        assert (last_event(namespace).actor, last_event(namespace).address) == ("alice", "192.0.2.7")
        assert pop_all(namespace) == ["a"]

    def test_an_unknown_queue_cannot_be_resumed(self, namespace: Namespace, check: Check) -> None:
        with unchanged(namespace, check), pytest.raises(QueueNotFound) as caught:
            namespace.resume("work")

        assert caught.value.subject == "work"


class TestForget:
    """Empty queues deleted."""

    def test_a_forgotten_queue_is_gone_with_its_settings(self, namespace: Namespace) -> None:
        namespace.configure("work", {"retries": 2})
        namespace.pause("work")

        namespace.forget("work", actor=ALICE)

        assert namespace.queues() == []
        event = last_event(namespace)
        assert (event.event, event.queue, event.actor, event.address) == ("forgotten", "work", "alice", "192.0.2.7")
        put(namespace, "a")
        assert (queue(namespace).settings, queue(namespace).paused) == (QueueSettings(), False)
        assert pop_all(namespace) == ["a"]

    @pytest.mark.parametrize("state", STATES)
    def test_a_queue_with_jobs_of_any_state_stays(self, namespace: Namespace, check: Check, state: str) -> None:
        from qless_flask.testing.conformance.by_hand import bring

        bring(namespace, state)

        with unchanged(namespace, check), pytest.raises(NotEmpty) as caught:
            namespace.forget("work")

        assert caught.value.subject == "work"

    def test_a_queue_that_all_jobs_have_left_can_be_forgotten(self, namespace: Namespace) -> None:
        namespace.put([new("a"), new("b")])
        namespace.settle([Complete(pop(namespace), next="other")])
        namespace.update(["b"], Changes(priority=1))
        namespace.move(["b"], "other")

        namespace.forget("work")

        assert [each.name for each in namespace.queues()] == ["other"]

    def test_other_queues_count_the_pops_of_their_keys_still(self, namespace: Namespace) -> None:
        for name in ("work", "other"):
            namespace.configure(name, {"key_rate": Rate(1, 60)})
            run(namespace, f"{name} 1", queue=name, key="ann")
        namespace.move(["work 1"], "third")

        namespace.forget("work")

        put(namespace, "other 2", queue="other", key="ann")
        assert pop_all(namespace, "other") == []

    def test_an_unknown_queue_cannot_be_forgotten(self, namespace: Namespace, check: Check) -> None:
        namespace.pop(["work"], "ann")

        with unchanged(namespace, check), pytest.raises(QueueNotFound) as caught:
            namespace.forget("work")

        assert caught.value.subject == "work"
        assert not seen_events(namespace)

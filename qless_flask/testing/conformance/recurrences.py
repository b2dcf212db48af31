"""Recurrences: rules that put jobs again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid, RecurrenceNotFound
from qless_flask.models import Backoff, Put, Recurrence, Recurring, jid_at
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    ALICE,
    Check,
    get,
    last_event,
    peek,
    unchanged,
)


def rule(id: str = "daily", **options: Any) -> Recurrence:
    """Build a rule that puts a job into work every minute."""
    return Recurrence("Crawl", **{"queue": "work", "id": id, "interval": 60.0, **options})


def find(namespace: Namespace, id: str = "daily") -> Recurring:
    """Look a recurrence up that is there."""
    [found] = namespace.recurrences([id])
    return found


def fire(namespace: Namespace, id: str = "daily") -> list[str]:
    """Fire a recurrence for its next run; list the jids that it put."""
    next_at = find(namespace, id).next_at
    assert next_at is not None
    return [put.jid for put in namespace.fire(id, next_at) if put.created]


class TestRecurrences:
    """Made, changed, listed and deleted."""

    def test_its_first_run_is_one_interval_from_now(self, namespace: Namespace, clock: ManualClock) -> None:
        made = namespace.recur(rule())

        assert made == Recurring(rule(), clock() + 60, paused=False, fired=0, last_at=None, last_jid=None)
        assert namespace.recurrences() == namespace.recurrences(["daily"]) == [made]

    def test_first_at_says_when_it_runs_first(self, namespace: Namespace, clock: ManualClock) -> None:
        made = namespace.recur(rule(first_at=clock() + 5))

        assert made.next_at == clock() + 5

    def test_by_cron_it_runs_first_when_that_says_so_next(self, namespace: Namespace, clock: ManualClock) -> None:
        made = namespace.recur(rule(interval=None, cron="0 6 * * *", timezone="Europe/Vienna"))

        assert made.next_at is not None
        assert clock() < made.next_at <= clock() + 86_400
        assert made.next_at % 3600 == 0

    def test_a_rule_that_is_none_is_refused(self, namespace: Namespace, check: Check) -> None:
        with unchanged(namespace, check):
            with pytest.raises(Invalid, match="cron"):
                namespace.recur(rule(interval=None, cron="every day"))
            with pytest.raises(Invalid, match="timezone"):
                namespace.recur(rule(interval=None, cron="0 6 * * *", timezone="Europe/Atlantis"))

    def test_without_an_id_it_is_given_one(self, namespace: Namespace) -> None:
        made = namespace.recur(replace(rule(), id=None))

        assert made.rule.id
        assert namespace.recurrences() == [made]

    def test_all_that_a_rule_says_comes_back(self, namespace: Namespace, clock: ManualClock) -> None:
        whole = rule(
            "täglich {1}",
            data='{"a":[1,2.50]}',
            interval=90.5,
            timezone="Asia/Tokyo",
            first_at=clock() + 1.25,
            overlap="skip",
            catchup=7,
            count=3,
            priority=-5,
            tags=("x", "ü"),
            retries=0,
            pipeline=("parse", "index"),
            backoff=Backoff("fixed", 3),
            max_run=9.5,
            expires_in=600.0,
        )

        namespace.recur(whole)

        assert find(namespace, "täglich {1}").rule == whole

    def test_it_is_told_with_who_made_it(self, namespace: Namespace) -> None:
        namespace.recur(rule(), actor=ALICE)

        event = last_event(namespace)
        assert (event.event, event.recurrence, event.queue, event.jid) == ("recurrence_changed", "daily", "work", None)
        assert (event.actor, event.address, event.state) == ("alice", "192.0.2.7", None)

    def test_it_makes_no_queue_known(self, namespace: Namespace) -> None:
        namespace.recur(rule())

        assert namespace.queues() == []

    def test_an_update_keeps_the_next_run_while_its_times_stay(self, namespace: Namespace, clock: ManualClock) -> None:
        made = namespace.recur(rule())
        clock.advance(20)

        changed = namespace.recur(rule(queue="other", priority=9, overlap="skip", count=5))

        assert (changed.next_at, changed.rule.queue, changed.rule.priority) == (made.next_at, "other", 9)
        assert namespace.recurrences() == [changed]

    @pytest.mark.parametrize("options", [{"interval": 30.0}, {"interval": None, "cron": "* * * * *"}])
    def test_an_update_of_its_times_sets_the_next_run_anew(
        self, namespace: Namespace, clock: ManualClock, options: dict[str, Any]
    ) -> None:
        namespace.recur(rule(interval=3600.0))
        clock.advance(20)

        changed = namespace.recur(rule(**options))

        assert changed.next_at is not None
        assert clock() < changed.next_at <= clock() + 60

    def test_an_update_that_skips_a_run_overdue_keeps_it(self, namespace: Namespace, clock: ManualClock) -> None:
        made = namespace.recur(rule())
        clock.advance(100)

        changed = namespace.recur(rule(priority=1))

        assert changed.next_at == made.next_at
        assert namespace.recurrences(due=True) == [changed]

    def test_an_update_keeps_how_often_it_has_fired_and_that_it_is_paused(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.recur(rule())
        clock.advance(60)
        fire(namespace)
        before = namespace.pause_recurrence("daily")

        changed = namespace.recur(rule(interval=30.0))

        assert changed == replace(before, rule=rule(interval=30.0), next_at=clock() + 30)
        assert (changed.paused, changed.fired, changed.last_at) == (True, 1, clock())

    def test_an_update_to_fewer_times_than_it_has_fired_ends_it(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.recur(rule())
        for _ in range(2):
            clock.advance(60)
            fire(namespace)

        changed = namespace.recur(rule(count=2))

        assert (changed.next_at, changed.fired) == (None, 2)
        clock.advance(600)
        assert namespace.recurrences(due=True) == []

    def test_they_are_listed_by_id_in_pages(self, namespace: Namespace) -> None:
        for id in ("c", "a", "é", "b", "Z"):
            namespace.recur(rule(id))

        def ids(after: str | None, limit: int) -> list[str | None]:
            return [each.rule.id for each in namespace.recurrences(after=after, limit=limit)]

        assert ids(None, 1000) == ["Z", "a", "b", "c", "é"]
        assert (ids(None, 2), ids("a", 2), ids("c", 2), ids("é", 2)) == (["Z", "a"], ["b", "c"], ["é"], [])
        assert ids("bb", 1) == ["c"]

    def test_those_named_are_listed_in_that_order(self, namespace: Namespace) -> None:
        for id in ("a", "b"):
            namespace.recur(rule(id))

        assert [each.rule.id for each in namespace.recurrences(["b", "a", "b"])] == ["b", "a", "b"]
        assert namespace.recurrences([]) == []
        with pytest.raises(RecurrenceNotFound) as caught:
            namespace.recurrences(["a", "none"])
        assert caught.value == RecurrenceNotFound.about("none")

    def test_those_due_are_listed_the_longest_due_first(self, namespace: Namespace, clock: ManualClock) -> None:
        for id, interval in (("a", 30.0), ("b", 20.0), ("c", 30.0), ("d", 31.0), ("e", 10.0)):
            namespace.recur(rule(id, interval=interval))
        namespace.pause_recurrence("e")
        clock.advance(30)

        assert [each.rule.id for each in namespace.recurrences(due=True)] == ["b", "a", "c"]
        assert [each.rule.id for each in namespace.recurrences(due=True, limit=2)] == ["b", "a"]

    def test_one_that_is_deleted_is_gone_and_what_it_put_stays(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.recur(rule())
        clock.advance(60)
        [jid] = fire(namespace)

        namespace.unrecur("daily", actor=ALICE)

        assert namespace.recurrences() == namespace.recurrences(due=True) == []
        assert (get(namespace, jid).state, get(namespace, jid).recurrence) == ("waiting", "daily")
        event = last_event(namespace)
        assert (event.event, event.recurrence, event.queue) == ("recurrence_changed", "daily", "work")
        assert event.actor == "alice"

    def test_one_made_again_begins_anew(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.recur(rule())
        clock.advance(60)
        fire(namespace)
        namespace.pause_recurrence("daily")
        namespace.unrecur("daily")

        made = namespace.recur(rule())

        assert made == Recurring(rule(), clock() + 60, paused=False, fired=0, last_at=None, last_jid=None)

    @pytest.mark.parametrize(
        "act",
        [
            lambda namespace: namespace.unrecur("none"),
            lambda namespace: namespace.pause_recurrence("none"),
            lambda namespace: namespace.resume_recurrence("none"),
            lambda namespace: namespace.run_recurrence("none"),
        ],
    )
    def test_one_that_is_not_there_is_not_found(
        self, namespace: Namespace, check: Check, act: Callable[[Namespace], object]
    ) -> None:
        with unchanged(namespace, check), pytest.raises(RecurrenceNotFound) as caught:
            act(namespace)

        assert caught.value == RecurrenceNotFound.about("none")


class TestPausedRecurrences:
    """Paused and resumed."""

    def test_one_that_is_paused_puts_nothing(self, namespace: Namespace, clock: ManualClock) -> None:
        made = namespace.recur(rule())

        paused = namespace.pause_recurrence("daily", actor=ALICE)

        assert paused == replace(made, paused=True)
        assert (last_event(namespace).event, last_event(namespace).actor) == ("recurrence_changed", "alice")
        clock.advance(60)
        assert namespace.recurrences(due=True) == []
        assert fire(namespace) == []
        assert namespace.recurrences() == [paused]

    def test_one_that_is_resumed_catches_up_with_nothing(self, namespace: Namespace, clock: ManualClock) -> None:
        made = namespace.recur(rule(catchup=10))
        assert made.next_at is not None
        namespace.pause_recurrence("daily")
        clock.advance(200)

        resumed = namespace.resume_recurrence("daily", actor=ALICE)

        assert resumed == replace(made, next_at=made.next_at + 180)
        assert namespace.recurrences(due=True) == []
        assert (last_event(namespace).event, last_event(namespace).actor) == ("recurrence_changed", "alice")
        clock.advance(40)
        assert namespace.recurrences(due=True) == [resumed]

    def test_one_that_is_resumed_in_time_keeps_its_next_run(self, namespace: Namespace, clock: ManualClock) -> None:
        made = namespace.recur(rule())
        namespace.pause_recurrence("daily")
        clock.advance(20)

        assert namespace.resume_recurrence("daily") == made

    def test_one_that_is_over_stays_so(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.recur(rule(count=1))
        clock.advance(60)
        fire(namespace)
        namespace.pause_recurrence("daily")

        assert namespace.resume_recurrence("daily").next_at is None


class TestRunsByHand:
    """A job put out of turn."""

    def test_it_puts_a_job_for_now_and_keeps_its_next_run_and_count(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        made = namespace.recur(rule(priority=3, tags=("t",), pipeline=("parse",), data="[1]", count=1))

        answer = namespace.run_recurrence("daily", actor=ALICE)

        job = get(namespace, answer.jid)
        assert answer == Put(jid_at("daily", clock()), "waiting", created=True)
        assert (job.recurrence, job.due_at, job.queue, job.klass) == ("daily", clock(), "work", "Crawl")
        assert (job.priority, job.tags, job.pipeline, job.data) == (3, ("t",), ("parse",), "[1]")
        assert find(namespace) == replace(made, last_at=clock(), last_jid=answer.jid)
        event = last_event(namespace)
        assert (event.event, event.jid, event.actor, event.address) == ("put", answer.jid, "alice", "192.0.2.7")

    def test_it_does_so_paused_and_while_the_last_one_goes_on(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.recur(rule(overlap="skip"))
        namespace.pause_recurrence("daily")

        first = namespace.run_recurrence("daily")
        clock.advance(1)
        second = namespace.run_recurrence("daily")

        assert (first.created, second.created) == (True, True)
        assert peek(namespace) == [first.jid, second.jid]

    def test_what_it_put_keeps_the_next_from_being_put_where_it_skips(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.recur(rule(overlap="skip"))
        clock.advance(30)
        namespace.run_recurrence("daily")
        clock.advance(30)

        assert fire(namespace) == []

    def test_twice_at_one_moment_it_is_put_once(self, namespace: Namespace) -> None:
        namespace.recur(rule())

        first, second = namespace.run_recurrence("daily"), namespace.run_recurrence("daily")

        assert second == replace(first, created=False)
        assert peek(namespace) == [first.jid]

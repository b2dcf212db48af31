"""Recurrences fire: what is due is put once, and what was missed as the rule says."""

from __future__ import annotations

from typing import Any

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.models import Backoff, Complete, Put, Recurrence, Recurring, jid_at
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.recurrences import find, fire, rule
from qless_flask.testing.conformance.scenes import (
    Check,
    end,
    get,
    peek,
    pop,
    put,
    seen_events,
    unchanged,
)


class TestFire:
    """What is due is put, once."""

    def test_it_puts_a_job_for_the_time_that_it_was_due(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.recur(rule(data="[2]", tags=("t",), retries=7, max_run=5.0, backoff=Backoff("fixed", 1)))
        due = clock() + 60
        clock.advance(65)

        puts = namespace.fire("daily", due)

        assert puts == [Put(jid_at("daily", due), "waiting", created=True)]
        job = get(namespace, puts[0].jid)
        assert (job.recurrence, job.due_at, job.created_at, job.data) == ("daily", due, clock(), "[2]")
        assert (job.tags, job.retries, job.max_run, job.backoff) == (("t",), 7, 5.0, Backoff("fixed", 1))
        assert find(namespace) == Recurring(rule_of(namespace), due + 60, False, 1, due, puts[0].jid)
        assert [event.jid for event in seen_events(namespace, "put")] == [job.jid]

    def test_a_lease_shows_when_it_was_due(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.recur(rule())
        clock.advance(60)
        fire(namespace)
        clock.advance(7)

        job = pop(namespace).job

        assert job is not None
        assert (job.recurrence, job.due_at) == ("daily", clock() - 7)

    def test_a_second_scheduler_that_fires_the_same_puts_nothing(
        self, namespace: Namespace, clock: ManualClock, check: Check
    ) -> None:
        made = namespace.recur(rule())
        assert made.next_at is not None
        clock.advance(60)
        namespace.fire("daily", made.next_at)

        with unchanged(namespace, check):
            assert namespace.fire("daily", made.next_at) == []

    def test_nothing_is_put_before_it_is_due(self, namespace: Namespace, clock: ManualClock, check: Check) -> None:
        made = namespace.recur(rule())
        assert made.next_at is not None
        clock.advance(59.999)

        with unchanged(namespace, check):
            assert namespace.fire("daily", made.next_at) == []
            assert namespace.fire("daily", clock()) == []
            assert namespace.fire("none", clock()) == []

    def test_of_times_missed_it_makes_up_for_the_latest(self, namespace: Namespace, clock: ManualClock) -> None:
        made = namespace.recur(rule())
        assert made.next_at is not None
        clock.advance(60 * 5 + 10)

        jids = fire(namespace)

        assert jids == [jid_at("daily", made.next_at + 240)]
        assert (find(namespace).next_at, find(namespace).fired) == (made.next_at + 300, 1)

    def test_or_for_the_latest_so_many_each(self, namespace: Namespace, clock: ManualClock) -> None:
        made = namespace.recur(rule(catchup=3))
        assert made.next_at is not None
        clock.advance(60 * 5 + 10)

        jids = fire(namespace)

        assert jids == [jid_at("daily", made.next_at + late) for late in (120, 180, 240)]
        assert [get(namespace, jid).due_at for jid in jids] == [made.next_at + late for late in (120, 180, 240)]
        assert peek(namespace) == jids
        found = find(namespace)
        assert (found.fired, found.last_at, found.last_jid) == (3, made.next_at + 240, jids[-1])

    def test_or_for_none(self, namespace: Namespace, clock: ManualClock) -> None:
        made = namespace.recur(rule(catchup="none", interval=300.0))
        assert made.next_at is not None
        clock.advance(361)

        assert fire(namespace) == []
        assert (find(namespace).next_at, find(namespace).fired) == (made.next_at + 300, 0)
        clock.advance(239)
        assert fire(namespace) == [jid_at("daily", made.next_at + 300)]

    def test_times_missed_for_years_cost_no_more_than_those_made_up_for(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.recur(rule(interval=1.0, catchup=2))
        clock.advance(10 * 365 * 86_400)

        assert len(fire(namespace)) == 2
        assert find(namespace).next_at == clock() + 1

    def test_it_stops_when_it_has_fired_as_often_as_it_should(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.recur(rule(count=2))
        fired = []
        for _ in range(2):
            clock.advance(60)
            fired += fire(namespace)

        found = find(namespace)
        assert (len(fired), found.fired, found.next_at) == (2, 2, None)
        clock.advance(600)
        assert namespace.recurrences(due=True) == []

    def test_one_that_has_fired_often_enough_begins_anew_with_a_higher_count(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.recur(rule(count=1))
        clock.advance(60)
        fire(namespace)
        clock.advance(600)

        revived = namespace.recur(rule(count=2))

        assert (revived.next_at, revived.fired) == (clock() + 60, 1)
        clock.advance(60)
        assert fire(namespace) == [jid_at("daily", clock())]
        assert find(namespace).next_at is None

    def test_catching_up_counts_as_well(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.recur(rule(count=3, catchup=10))
        clock.advance(600)

        assert len(fire(namespace)) == 3
        assert find(namespace).next_at is None

    @pytest.mark.parametrize("state", ["waiting", "running"])
    def test_where_it_skips_nothing_is_put_while_the_last_one_has_not_ended(
        self, namespace: Namespace, clock: ManualClock, state: str
    ) -> None:
        namespace.recur(rule(overlap="skip"))
        clock.advance(60)
        [jid] = fire(namespace)
        if state == "running":
            pop(namespace)
        clock.advance(60)

        assert fire(namespace) == []

        found = find(namespace)
        assert (found.next_at, found.fired, found.last_jid) == (clock() + 60, 1, jid)

    @pytest.mark.parametrize("state", ["complete", "failed", "canceled"])
    def test_where_it_skips_it_goes_on_when_the_last_one_has_ended(
        self, namespace: Namespace, clock: ManualClock, state: Any
    ) -> None:
        namespace.recur(rule(overlap="skip"))
        clock.advance(60)
        [jid] = fire(namespace)
        end(namespace, jid, state)
        clock.advance(60)

        assert fire(namespace) == [jid_at("daily", clock())]

    def test_where_it_skips_and_counts_what_was_skipped_does_not_count(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.recur(rule(overlap="skip", count=2))
        clock.advance(60)
        fire(namespace)
        clock.advance(60)
        assert fire(namespace) == []
        namespace.settle([Complete(pop(namespace))])
        clock.advance(60)

        assert fire(namespace) == [jid_at("daily", clock())]
        assert (find(namespace).fired, find(namespace).next_at) == (2, None)

    def test_without_skip_the_last_one_does_not_matter(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.recur(rule())
        for _ in range(3):
            clock.advance(60)
            fire(namespace)

        assert len(peek(namespace)) == 3

    def test_a_job_of_that_jid_is_kept_as_it_is(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.recur(rule(priority=9))
        clock.advance(60)
        jid = jid_at("daily", clock())
        put(namespace, jid, priority=1)

        puts = namespace.fire("daily", clock())

        assert puts == [Put(jid, "waiting", created=False)]
        assert (get(namespace, jid).priority, get(namespace, jid).recurrence) == (1, None)
        assert find(namespace).next_at == clock() + 60

    def test_a_clock_that_was_set_back_waits_until_it_is_due(
        self, namespace: Namespace, clock: ManualClock, check: Check
    ) -> None:
        made = namespace.recur(rule())
        assert made.next_at is not None
        clock.advance(60)
        clock.advance(-30)

        with unchanged(namespace, check):
            assert namespace.fire("daily", made.next_at) == []


def rule_of(namespace: Namespace) -> Recurrence:
    """Read the rule back."""
    return find(namespace).rule

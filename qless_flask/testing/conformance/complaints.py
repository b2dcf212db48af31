"""What users of other queues complain of most, and what these tests would find there.

Each docstring names a thread of those who found it. Complaints that are not here are tested elsewhere, by a name that
says the same: dependents left hanging with parents, locks left behind with unique keys, a store that grows for ever
with prune, altered payloads with data, jobs lost with their workers with leases.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import JobCanceled
from qless_flask.models import (
    Cancel,
    Complete,
    Fail,
    Filter,
    Move,
    Recurrence,
    Release,
    Renewed,
    Retry,
    Settled,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    ALICE,
    Check,
    get,
    history,
    many,
    pop,
    pop_all,
    put,
    queue,
    renew,
    run,
    seen_events,
    settle,
    states,
    unchanged,
)

MINUTE, DAY = 60, 86_400
ODD_DATA = '{"list":[],"great":12345678901234567890,"exact":1.10}'


class TestComplaintsOfLeases:
    """Runs that ended twice, too early, or never."""

    def test_a_job_completed_late_is_never_taken_back_afterwards(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        """rq#2289, #2424: a finished job was marked as failed or abandoned by a sweep that read before it was."""
        lease = run(namespace)
        clock.advance(2 * MINUTE)
        settle(namespace, Complete(lease))

        namespace.promote()
        namespace.pop(["work"], "bob")

        assert history(namespace) == ["put", "popped", "completed"]

    def test_a_settle_whose_answer_was_lost_costs_nothing(self, namespace: Namespace) -> None:
        """rq#2061: a completion sent again was an error, and the job was counted as failed."""
        lease = run(namespace)
        settle(namespace, Complete(lease))

        assert namespace.settle([Complete(lease)]) == [Settled("a", "complete")]
        assert states(namespace, "a") == ["complete"]

    def test_a_job_due_after_many_heartbeats_is_run_once(self, namespace: Namespace, clock: ManualClock) -> None:
        """celery, kombu#337: a job due later than the visibility timeout was handed out again and again."""
        put(namespace, "a", delay=10 * MINUTE)

        popped = []
        for _ in range(20):
            popped += pop_all(namespace)
            clock.advance(MINUTE / 2)
        popped += pop_all(namespace)

        assert popped == ["a"]

    def test_a_run_of_many_heartbeats_is_one_run(self, namespace: Namespace, clock: ManualClock) -> None:
        """faktory#146, celery#2599: a lease could not be extended, and long jobs ran twice."""
        lease = run(namespace)

        for _ in range(20):
            clock.advance(MINUTE - 1)
            assert pop_all(namespace) == []
            assert renew(namespace, lease) == [Renewed("a", clock() + MINUTE)]

        assert settle(namespace, Complete(lease)) == "complete"

    def test_losses_eat_no_retries_nor_retries_losses(self, namespace: Namespace, clock: ManualClock) -> None:
        """bullmq#631, #651: stalls and attempts were one count, and retries were ignored."""
        put(namespace, "a", retries=2)
        for _ in range(3):
            pop(namespace)
            clock.advance(MINUTE)
        settle(namespace, Retry(pop(namespace)))

        assert (get(namespace).losses, get(namespace).remaining, get(namespace).state) == (3, 1, "waiting")

    def test_a_job_that_kills_every_worker_ends_in_a_group_of_its_own(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        """celery#1628, dramatiq PR#383: a poison pill was handed out for ever."""
        put(namespace, "a")

        for number in range(10):
            namespace.pop(["work"], f"worker {number}")
            clock.advance(MINUTE)

        assert [event.event for event in seen_events(namespace) if event.event == "popped"] == ["popped"] * 4
        assert [group.group for group in namespace.failures()] == ["lost"]


class TestComplaintsOfHands:
    """What a person could not see, stop or do again."""

    def test_a_dry_run_counts_what_would_be_changed_and_changes_nothing(
        self, namespace: Namespace, check: Check
    ) -> None:
        """sidekiq#5781, qless PR#242: to retry many there was no other way to know how many than to do it."""
        put(namespace, *many(7))

        with unchanged(namespace, check):
            answer = namespace.change(Filter(queue="work"), Cancel(), dry_run=True)

        assert (answer.matched, answer.changed) == (7, 0)

    def test_failures_are_grouped_with_their_times_queues_and_klasses(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        """sidekiq#5781, faktory#418: nothing said how many failed alike, where, and since when."""
        for jid, name in {"a": "one", "b": "two"}.items():
            settle(namespace, Fail(run(namespace, jid, name), group="broken"))
            clock.advance(5)

        [group] = namespace.failures()

        assert (group.group, group.count, group.queues, group.klasses) == ("broken", 2, ("one", "two"), ("Crawl",))
        assert (group.first_at, group.last_at) == (clock() - 10, clock() - 5)

    def test_a_whole_group_of_failures_is_retried_in_bounded_steps(self, namespace: Namespace) -> None:
        """sidekiq#5781, rq-dashboard#311: to retry many was slow, one by one, or absent."""
        put(namespace, *many(30), queue="one")
        put(namespace, "other", queue="two")
        namespace.settle([Fail(lease, group="broken") for lease in namespace.pop(["one", "two"], "ann", 31)])

        steps, cursor = 0, None
        while steps == 0 or cursor is not None:
            answer = namespace.change(Filter(group="broken"), Move(), 10, cursor, actor=ALICE)
            steps, cursor = steps + 1, answer.next

        assert (queue(namespace, "one").waiting, queue(namespace, "two").waiting) == (30, 1)
        assert namespace.failures() == []
        assert {event.actor for event in seen_events(namespace, "moved")} == {"alice"}

    def test_a_worker_learns_by_its_heartbeat_that_its_job_was_canceled(self, namespace: Namespace) -> None:
        """bullmq#632, rq#339: a running job could not be stopped."""
        lease = run(namespace)

        namespace.cancel(["a"])

        assert renew(namespace, lease) == [JobCanceled.about("a")]

    def test_a_worker_told_to_stop_gives_its_job_back_unharmed(self, namespace: Namespace) -> None:
        """rq#1516, faktory#268: a deploy cost jobs an attempt, and their place."""
        put(namespace, "a", "b")
        lease = pop(namespace)
        namespace.stop("ann")
        assert renew(namespace, lease) == [Renewed("a", lease.expires_at, stop=True)]

        assert settle(namespace, Release(lease)) == "waiting"

        assert (get(namespace).remaining, get(namespace).losses) == (5, 0)
        assert namespace.pop(["work"], "ann").leases == ()
        assert pop_all(namespace) == ["a", "b"]


class TestComplaintsOfRecurrences:
    """Rules that fired twice, or flooded."""

    def fire_until(self, namespace: Namespace, clock: ManualClock, until: float) -> None:
        """Do what a scheduler does, at each time that is due."""
        while True:
            [found] = namespace.recurrences(["r"])
            if found.next_at is None or found.next_at > until:
                return
            clock.advance(max(0.0, found.next_at - clock()))
            namespace.fire("r", found.next_at)

    def test_two_schedulers_that_fire_the_same_put_one_job(
        self, namespace: Namespace, clock: ManualClock, another: Callable[[], Backend]
    ) -> None:
        """asynq#395, celery#1495: with several schedulers each job was put several times."""
        rule = namespace.recur(Recurrence("Crawl", queue="work", id="r", interval=60))
        clock.advance(60)
        assert rule.next_at is not None

        first = namespace.fire("r", rule.next_at)
        with another() as elsewhere:
            second = elsewhere.namespace(namespace.name).fire("r", rule.next_at)

        assert (len(first), second, queue(namespace).waiting) == (1, [], 1)

    def test_a_rule_that_skips_puts_nothing_while_its_last_job_lives(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        """bullmq#2285, lua-resty-qless#5: runs that took longer than the interval piled up."""
        namespace.recur(Recurrence("Crawl", queue="work", id="r", interval=60, overlap="skip"))
        self.fire_until(namespace, clock, clock() + 300)
        assert queue(namespace).waiting == 1
        settle(namespace, Complete(pop(namespace)))

        self.fire_until(namespace, clock, clock() + 60)

        assert queue(namespace).waiting == 1

    def test_a_rule_for_a_time_of_day_fires_once_when_the_clock_goes_back(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        """node-cron#563, Sidekiq Ent #5049: `30 2 * * *` fired twice on the day that summer time ends."""
        paris = ZoneInfo("Europe/Paris")
        year = datetime.fromtimestamp(clock(), paris).year + 1
        last_sunday = max(day for day in range(25, 32) if datetime(year, 10, day).weekday() == 6)
        eve = datetime(year, 10, last_sunday - 1, 12, tzinfo=paris).timestamp()
        namespace.recur(
            Recurrence("Crawl", queue="work", id="r", cron="30 2 * * *", timezone="Europe/Paris", first_at=eve)
        )

        self.fire_until(namespace, clock, datetime(year, 10, last_sunday, 12, tzinfo=paris).timestamp())

        assert queue(namespace).waiting == 1

    def test_day_zero_of_the_week_is_sunday(self, namespace: Namespace, clock: ManualClock) -> None:
        """APScheduler's from_crontab counts from Monday, crontab(5) from Sunday."""
        rule = namespace.recur(Recurrence("Crawl", queue="work", cron="0 0 * * 0"))

        assert rule.next_at is not None
        assert datetime.fromtimestamp(rule.next_at, ZoneInfo("UTC")).isoweekday() == 7

"""Second clocks: how long a run may take, heartbeats or not, and until when a job must be popped."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import LeaseLost
from qless_flask.models import Changes, Complete, Failure, Filter, Promoted, Release, Renewed, Retry
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    end,
    get,
    history,
    last_event,
    new,
    peek,
    pop,
    pop_all,
    put,
    queue,
    renew,
    run,
    seen_events,
    settle,
    states,
    walk,
)


class TestMaxRun:
    """`max_run`: heartbeats do not move it."""

    def test_heartbeats_renew_a_lease_up_to_it_and_no_further(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace, max_run=100)
        began = clock()

        assert lease.expires_at == began + 60
        clock.advance(30)
        assert renew(namespace, lease) == [Renewed("a", began + 90)]
        clock.advance(50)
        assert renew(namespace, lease) == [Renewed("a", began + 100)]
        clock.advance(15)
        assert renew(namespace, lease) == [Renewed("a", began + 100)]

    def test_a_lease_ends_with_the_run_that_may_be_shorter_than_a_heartbeat(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        assert run(namespace, max_run=5).expires_at == clock() + 5

    def test_a_lease_that_needs_no_heartbeat_ends_with_the_run(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"heartbeat": None})

        lease = run(namespace, max_run=1000)

        assert lease.expires_at == clock() + 1000
        assert renew(namespace, lease) == [Renewed("a", clock() + 1000)]

    def test_a_queue_sets_it_for_jobs_that_do_not_say(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"max_run": 20})
        put(namespace, "a")
        put(namespace, "own", max_run=30)

        a, own = namespace.pop(["work"], "ann", 2)

        assert (a.expires_at, own.expires_at) == (clock() + 20, clock() + 30)
        assert (get(namespace).max_run, get(namespace, "own").max_run) == (None, 30)

    def test_a_setting_changed_meanwhile_holds_from_the_next_heartbeat(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        lease = run(namespace)
        namespace.configure("work", {"max_run": 20})

        assert renew(namespace, lease) == [Renewed("a", clock() + 20)]
        namespace.configure("work", {"max_run": None})
        assert renew(namespace, lease) == [Renewed("a", clock() + 60)]

    def test_a_run_over_it_is_timed_out_at_the_cost_of_a_retry(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace, max_run=5)
        clock.advance(5)

        assert namespace.promote() == Promoted(promoted=0, lost=1, more=False)

        job = get(namespace)
        assert (job.state, job.remaining, job.losses, job.available_at) == ("waiting", 4, 0, clock())
        assert job.failure == Failure("timeout", "", clock(), "ann", 1)
        event = last_event(namespace)
        assert (event.event, event.state, event.worker, event.group) == ("timed_out", "waiting", "ann", None)
        assert renew(namespace, lease) == [LeaseLost.about("a")]

    def test_it_takes_a_new_place(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace, max_run=5)
        put(namespace, "b")
        clock.advance(5)

        assert pop_all(namespace) == ["b", "a"]

    def test_where_no_retry_remains_it_fails(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace, max_run=5, retries=0)
        clock.advance(5)

        assert pop_all(namespace) == []

        job = get(namespace)
        assert (job.state, job.remaining, job.ended_at) == ("failed", 0, clock())
        assert job.failure == Failure("timeout", "", clock(), "ann", 1)
        assert (last_event(namespace).event, last_event(namespace).group) == ("failed", "timeout")

    def test_a_lease_lost_before_it_is_a_loss_and_no_time_out(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace, max_run=100)
        clock.advance(99)

        namespace.promote()

        assert (get(namespace).losses, get(namespace).remaining, get(namespace).failure) == (1, 5, None)

    def test_a_lost_lease_found_only_after_it_is_a_time_out(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace, max_run=100)
        clock.advance(100)

        namespace.promote()

        assert (get(namespace).losses, get(namespace).remaining) == (0, 4)

    def test_it_is_not_taken_back_before(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace, max_run=70)
        clock.advance(50)
        renew(namespace, lease)

        clock.advance(19.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["a"]

    def test_each_run_has_its_own_time(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace, max_run=50)
        clock.advance(40)
        settle(namespace, Retry(lease))

        assert pop(namespace).expires_at == clock() + 50

    def test_it_holds_in_every_stage(self, namespace: Namespace, clock: ManualClock) -> None:
        settle(namespace, Complete(run(namespace, max_run=50, pipeline=("next",))))

        assert pop(namespace, "next").expires_at == clock() + 50

    def test_a_run_over_it_that_nobody_took_back_still_settles(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace, max_run=5)
        clock.advance(500)

        assert settle(namespace, Complete(lease)) == "complete"

    def test_a_pop_looks_again_when_the_run_is_over(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace, max_run=5)

        retry_at = namespace.pop(["work"], "bob").retry_at

        assert retry_at is not None
        assert retry_at <= clock() + 5


class TestExpiresIn:
    """`expires_in`: a job that nobody popped in time."""

    def test_a_job_that_nobody_popped_in_time_fails(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", expires_in=5)
        clock.advance(5)

        assert namespace.promote() == Promoted(promoted=0, lost=0, more=False, expired=1)

        job = get(namespace)
        assert (job.state, job.ended_at, job.remaining, job.losses, job.expires_in) == ("failed", clock(), 5, 0, 5)
        assert job.failure == Failure("expired", "", clock(), None, 0)
        assert walk(namespace, Filter(group="expired")) == ["a"]

    def test_it_is_told_as_expired(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", expires_in=5)
        clock.advance(5)

        namespace.promote()

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.jid, event.queue, event.state) == ("expired", "a", "work", "failed")
        assert (event.group, event.worker, event.at) == ("expired", None, clock())
        assert (entry.event, entry.group) == ("expired", "expired")

    def test_it_is_given_up_to_the_last_moment_and_not_from_then_on(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "a", "b", expires_in=5)

        clock.advance(4.999)
        assert pop(namespace).jid == "a"
        clock.advance(0.001)
        assert pop_all(namespace) == []

        assert states(namespace, "b") == ["failed"]

    def test_once_popped_it_is_bound_no_longer(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace, expires_in=5)
        clock.advance(30)

        settle(namespace, Release(lease))
        clock.advance(30)

        assert pop_all(namespace) == ["a"]

    @pytest.mark.parametrize("state", ["scheduled", "depends", "waiting"])
    def test_it_may_expire_in_any_state_before_its_first_run(
        self, namespace: Namespace, clock: ManualClock, state: str
    ) -> None:
        put(namespace, "parent", queue="parents")
        depends = ("parent",) if state == "depends" else ()
        put(namespace, "a", expires_in=5, delay=60 if state == "scheduled" else 0, depends=depends)
        clock.advance(5)

        assert pop_all(namespace) == []

        assert states(namespace, "a") == ["failed"]
        assert get(namespace, "parent").dependents == ()
        assert (queue(namespace).failed, peek(namespace, state="failed")) == (1, ["a"])

    def test_its_own_dependents_are_told(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", expires_in=5)
        put(namespace, "b", depends=("a",), on_parent_end="run")
        clock.advance(5)

        assert pop_all(namespace) == ["b"]

    def test_a_job_freed_too_late_is_not_given(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "parent", queue="parents")
        put(namespace, "a", expires_in=5, depends=("parent",))
        clock.advance(5)

        end(namespace, "parent")

        assert pop_all(namespace) == []
        assert states(namespace, "a") == ["failed"]

    def test_a_paused_queue_lets_jobs_expire(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", expires_in=5)
        namespace.pause("work")
        clock.advance(5)

        namespace.pop(["work"], "ann")

        assert states(namespace, "a") == ["failed"]

    def test_a_pop_looks_again_when_one_expires(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", expires_in=5, delay=60)
        put(namespace, "b", expires_in=50, delay=60)

        retry_at = namespace.pop(["work"], "ann").retry_at

        assert retry_at is not None
        assert retry_at <= clock() + 5

    def test_a_job_moved_before_its_first_run_is_bound_still(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", expires_in=5)
        clock.advance(3)
        namespace.move(["a"], "other")
        clock.advance(2)

        assert pop_all(namespace, "other") == []
        assert (states(namespace, "a"), queue(namespace, "other").failed) == (["failed"], 1)

    @pytest.mark.parametrize("way", ["expired", "canceled"])
    def test_a_job_that_ended_before_its_first_run_comes_back_unbound(
        self, namespace: Namespace, clock: ManualClock, way: str
    ) -> None:
        put(namespace, "a", expires_in=5)
        if way == "canceled":
            namespace.cancel(["a"])
        clock.advance(5)
        namespace.promote()

        namespace.move(["a"], "work")
        clock.advance(1000)

        assert pop_all(namespace) == ["a"]

    def test_a_job_put_anew_has_its_time_anew(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", expires_in=5)
        clock.advance(4)

        put(namespace, "a", expires_in=5, if_exists="replace")

        clock.advance(4)
        assert pop_all(namespace) == ["a"]

    def test_a_change_by_hand_does_not_move_it(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", expires_in=5)
        clock.advance(4)
        namespace.update(["a"], Changes(priority=3, retries=1))
        clock.advance(1)

        assert pop_all(namespace) == []

    def test_they_expire_in_the_order_of_their_times_then_by_jid(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        for jid, seconds in {"d": 2, "c": 3, "b": 2, "a": 4}.items():
            put(namespace, jid, expires_in=seconds)
        clock.advance(4)

        namespace.promote()

        assert [event.jid for event in seen_events(namespace, "expired")] == ["b", "d", "c", "a"]

    def test_those_that_expire_go_before_lost_leases_and_due_jobs(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        run(namespace, "lost")
        put(namespace, "due", delay=1)
        put(namespace, "late", expires_in=1)
        clock.advance(60)

        namespace.pop(["work"], "bob")

        told = [(event.event, event.jid) for event in seen_events(namespace)][-4:]
        assert told == [("expired", "late"), ("lost", "lost"), ("promoted", "due"), ("popped", "lost")]

    def test_the_limit_of_a_promote_counts_them(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", "c", expires_in=1)
        put(namespace, "due", delay=1)
        clock.advance(1)

        assert namespace.promote(2) == Promoted(promoted=0, lost=0, more=True, expired=2)
        assert namespace.promote(3) == Promoted(promoted=1, lost=0, more=False, expired=1)

    def test_a_pop_gives_none_of_the_many_that_it_could_not_fail_at_once(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.put([new(f"{number:03}", expires_in=5) for number in range(150)])
        clock.advance(5)

        assert namespace.pop(["work"], "ann", 1000).leases == ()
        assert namespace.pop(["work"], "ann", 1000).leases == ()

        assert (queue(namespace).failed, queue(namespace).running) == (150, 0)

    def test_it_is_history(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", expires_in=5)
        clock.advance(5)
        namespace.promote()
        namespace.move(["a"], "work")

        assert history(namespace) == ["put", "expired", "moved"]
        assert get(namespace).failure is None

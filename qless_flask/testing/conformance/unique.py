"""Unique keys: one job at a time holds each."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import JobExists
from qless_flask.models import Changes, Complete, Fail, Finish, Lease, Put, Release, Retry, Unique
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    Check,
    end,
    end_by_hand,
    get,
    new,
    pop,
    put,
    queue,
    run,
    settle,
    unchanged,
)

DAY = 86_400
ALIVE = Unique("key")
HOUR = Unique("key", 3600)


def holder(namespace: Namespace, unique: Unique = ALIVE) -> str:
    """Tell which job holds a key, by a put that is answered with it; "new": none does."""
    [answer] = namespace.put([new("new", "probe", unique=unique, if_exists="replace")])
    if answer.created:
        namespace.cancel(["new"])
    return answer.jid


class TestUnique:
    """A second job of a key is not put."""

    @pytest.mark.parametrize("unique", [ALIVE, HOUR])
    def test_a_put_is_answered_with_the_job_that_holds_its_key(
        self, namespace: Namespace, check: Check, unique: Unique
    ) -> None:
        put(namespace, "a", unique=unique, delay=5)

        with unchanged(namespace, check):
            answers = namespace.put([new("b", unique=ALIVE), new("c", queue="other", unique=HOUR)])

        assert answers == [Put("a", "scheduled", created=False)] * 2

    def test_it_is_shown_with_the_job_whether_it_holds_its_key_or_not(self, namespace: Namespace) -> None:
        lease = run(namespace, unique=HOUR)

        assert get(namespace).unique == HOUR
        assert lease.job is not None
        assert lease.job.unique == HOUR
        namespace.cancel(["a"])
        assert get(namespace).unique == HOUR

    def test_one_without_a_key_is_in_nobodys_way(self, namespace: Namespace) -> None:
        put(namespace, "a", unique=ALIVE)

        put(namespace, "b", "c")

        assert queue(namespace).waiting == 3

    def test_keys_that_differ_are_no_bar(self, namespace: Namespace) -> None:
        put(namespace, "a", unique=Unique("key"))
        put(namespace, "b", unique=Unique("Key"))
        put(namespace, "c", unique=Unique("key "))

        assert queue(namespace).waiting == 3

    def test_each_job_of_a_batch_sees_those_before_it(self, namespace: Namespace) -> None:
        answers = namespace.put([new("a", unique=ALIVE), new("b", unique=ALIVE), new("c")])

        assert answers == [Put("a", "waiting", True), Put("a", "waiting", False), Put("c", "waiting", True)]

    @pytest.mark.parametrize("if_exists", ["reject", "keep", "replace"])
    def test_a_held_key_goes_before_a_jid_that_exists(self, namespace: Namespace, check: Check, if_exists: str) -> None:
        put(namespace, "a", unique=ALIVE)
        put(namespace, "b")

        with unchanged(namespace, check):
            answers = namespace.put([new("b", "other", unique=ALIVE, if_exists=if_exists)])  # type: ignore[arg-type]

        assert answers == [Put("a", "waiting", created=False)]

    def test_the_holder_itself_is_put_as_any_job_that_exists(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a", unique=ALIVE)

        with unchanged(namespace, check), pytest.raises(JobExists):
            put(namespace, "a", unique=ALIVE)
        with unchanged(namespace, check):
            assert namespace.put([new("a", unique=ALIVE, if_exists="keep")]) == [Put("a", "waiting", False)]
        assert namespace.put([new("a", unique=ALIVE, if_exists="replace")]) == [Put("a", "waiting", True)]
        assert holder(namespace) == "a"

    def test_a_refused_batch_takes_no_key(self, namespace: Namespace) -> None:
        put(namespace, "a")

        with pytest.raises(JobExists):
            namespace.put([new("b", unique=ALIVE), new("a")])

        assert holder(namespace) == "new"

    def test_a_key_is_held_in_one_namespace(self, backend: Backend, namespace: Namespace) -> None:
        put(namespace, "a", unique=ALIVE)

        other = backend.namespace(f"{namespace.name}-other")

        assert other.put([new("b", unique=ALIVE)]) == [Put("b", "waiting", created=True)]

    @pytest.mark.parametrize("key", ["x" * 200, "é" * 100, "a b", "\u2028", "{a}", "None", "0", "' OR 1=1 --", "a:b"])
    def test_a_key_may_be_any_text(self, namespace: Namespace, key: str) -> None:
        put(namespace, "a", unique=Unique(key))

        assert holder(namespace, Unique(key)) == "a"
        namespace.cancel(["a"])
        assert holder(namespace, Unique(key)) == "new"


class TestUniqueWhileAlive:
    """A key held until its job is complete, failed or canceled."""

    @pytest.mark.parametrize("way", ["retry", "release", "lost", "timeout", "move", "advance", "update"])
    def test_it_is_held_through_a_life(self, namespace: Namespace, clock: ManualClock, way: str) -> None:
        lease = run(namespace, unique=ALIVE, pipeline=("next",))
        if way == "retry":
            settle(namespace, Retry(lease))
        elif way == "release":
            settle(namespace, Release(lease))
        elif way == "advance":
            settle(namespace, Complete(lease))
        elif way == "timeout":
            namespace.timeout(["a"])
        elif way == "move":
            namespace.move(["a"], "other", delay=3)
        elif way == "update":
            namespace.update(["a"], Changes(priority=1))
        elif way == "lost":
            clock.advance(100 * DAY)
            namespace.promote()

        assert holder(namespace) == "a"

    def test_complete_releases_it(self, namespace: Namespace) -> None:
        settle(namespace, Complete(run(namespace, unique=ALIVE)))

        assert holder(namespace) == "new"

    def test_fail_releases_it(self, namespace: Namespace) -> None:
        settle(namespace, Fail(run(namespace, unique=ALIVE), group="broken"))

        assert holder(namespace) == "new"

    def test_the_last_retry_releases_it(self, namespace: Namespace) -> None:
        settle(namespace, Retry(run(namespace, unique=ALIVE, retries=0)))

        assert holder(namespace) == "new"

    def test_one_loss_too_many_releases_it(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"max_losses": 0})
        run(namespace, unique=ALIVE)
        clock.advance(60)

        namespace.promote()

        assert holder(namespace) == "new"

    def test_the_last_time_out_releases_it(self, namespace: Namespace) -> None:
        run(namespace, unique=ALIVE, retries=0)

        namespace.timeout(["a"])

        assert holder(namespace) == "new"

    def test_a_last_run_that_took_too_long_releases_it(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace, unique=ALIVE, retries=0, max_run=5)
        clock.advance(5)

        namespace.promote()

        assert holder(namespace) == "new"

    def test_expiry_releases_it(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", unique=ALIVE, expires_in=5)
        clock.advance(5)

        namespace.promote()

        assert holder(namespace) == "new"

    def test_cancel_releases_it(self, namespace: Namespace) -> None:
        run(namespace, unique=ALIVE)

        namespace.cancel(["a"])

        assert holder(namespace) == "new"

    def test_a_cancel_along_releases_it(self, namespace: Namespace) -> None:
        put(namespace, "parent", queue="parents")
        put(namespace, "a", unique=ALIVE, depends=("parent",))

        namespace.cancel(["parent"], dependents="cancel")

        assert holder(namespace) == "new"

    def test_the_end_of_a_parent_that_cancels_it_releases_it(self, namespace: Namespace) -> None:
        put(namespace, "parent", queue="parents")
        put(namespace, "a", unique=ALIVE, depends=("parent",), on_parent_end="cancel")

        end(namespace, "parent", "failed")

        assert holder(namespace) == "new"

    def test_one_canceled_with_its_put_does_not_hold_it(self, namespace: Namespace) -> None:
        end_by_hand(namespace, "parent", "failed")

        put(namespace, "a", unique=ALIVE, depends=("parent",), on_parent_end="cancel")

        assert holder(namespace) == "new"

    @pytest.mark.parametrize("finish", [Finish("complete"), Finish("failed")])
    def test_finish_releases_it(self, namespace: Namespace, finish: Finish) -> None:
        put(namespace, "a", unique=ALIVE)

        namespace.finish(["a"], finish)

        assert holder(namespace) == "new"

    @pytest.mark.parametrize("unique", [None, Unique("another")])
    def test_replace_releases_it(self, namespace: Namespace, unique: Unique | None) -> None:
        put(namespace, "a", unique=ALIVE)

        put(namespace, "a", unique=unique, if_exists="replace")

        assert holder(namespace) == "new"

    def test_a_job_that_comes_back_takes_it_again(self, namespace: Namespace) -> None:
        settle(namespace, Complete(run(namespace, unique=ALIVE)))

        namespace.move(["a"], "work")

        assert holder(namespace) == "a"

    def test_a_job_that_comes_back_leaves_it_to_who_has_it_now(self, namespace: Namespace) -> None:
        settle(namespace, Complete(run(namespace, unique=ALIVE)))
        put(namespace, "b", queue="other", unique=ALIVE)

        namespace.move(["a"], "work")

        assert holder(namespace) == "b"

    def test_one_that_does_not_hold_it_releases_it_for_nobody(self, namespace: Namespace) -> None:
        settle(namespace, Complete(run(namespace, unique=ALIVE)))
        put(namespace, "b", queue="other", unique=ALIVE)
        namespace.move(["a"], "work")

        settle(namespace, Complete(pop(namespace)))

        assert holder(namespace) == "b"

    def test_an_end_reached_again_by_another_way_releases_it_for_nobody(self, namespace: Namespace) -> None:
        settle(namespace, Fail(run(namespace, unique=ALIVE), group="broken"))
        put(namespace, "b", queue="other", unique=ALIVE)

        namespace.cancel(["a"])

        assert holder(namespace) == "b"

    def test_a_job_brought_back_and_ended_releases_it_again(self, namespace: Namespace) -> None:
        settle(namespace, Fail(run(namespace, unique=ALIVE), group="broken"))
        namespace.move(["a"], "work")

        settle(namespace, Complete(pop(namespace)))

        assert holder(namespace) == "new"


class TestUniqueForATime:
    """A key held for so many seconds from the put, complete or not."""

    @pytest.mark.parametrize("state", ["waiting", "running", "complete", "failed"])
    def test_it_is_held_until_its_time_is_over(self, namespace: Namespace, clock: ManualClock, state: str) -> None:
        namespace.configure("work", {"heartbeat": None})
        put(namespace, "a", unique=HOUR)
        if state != "waiting":
            self._bring_on(namespace, state, pop(namespace))

        clock.advance(3599.999)
        assert holder(namespace) == "a"
        clock.advance(0.001)

        assert holder(namespace) == "new"

    def _bring_on(self, namespace: Namespace, state: str, lease: Lease) -> None:
        if state == "complete":
            settle(namespace, Complete(lease))
        elif state == "failed":
            settle(namespace, Fail(lease, group="broken"))

    def test_the_time_runs_from_the_put_not_from_the_end(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace, unique=HOUR)
        clock.advance(3000)

        settle(namespace, Complete(lease))
        clock.advance(600)

        assert holder(namespace) == "new"

    def test_cancel_releases_it(self, namespace: Namespace) -> None:
        put(namespace, "a", unique=HOUR)

        namespace.cancel(["a"])

        assert holder(namespace) == "new"

    def test_replace_releases_it(self, namespace: Namespace) -> None:
        settle(namespace, Complete(run(namespace, unique=HOUR)))

        put(namespace, "a", if_exists="replace")

        assert holder(namespace) == "new"

    def test_prune_releases_it(self, namespace: Namespace, clock: ManualClock) -> None:
        settle(namespace, Complete(run(namespace, unique=Unique("key", 365 * DAY))))
        clock.advance(7 * DAY)
        assert holder(namespace) == "a"

        namespace.prune()

        assert holder(namespace) == "new"

    def test_a_prune_forgets_none_whose_time_is_not_over(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", unique=HOUR)
        clock.advance(3599)

        namespace.prune()

        assert holder(namespace) == "a"

    def test_one_replaced_with_the_same_key_holds_it_from_then_on(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "a", unique=HOUR)
        clock.advance(3000)

        put(namespace, "a", unique=HOUR, if_exists="replace")

        clock.advance(3599)
        assert holder(namespace) == "a"
        clock.advance(1)
        assert holder(namespace) == "new"

    def test_a_canceled_job_that_comes_back_in_time_takes_it_again(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "a", unique=HOUR)
        namespace.cancel(["a"])
        clock.advance(3000)

        namespace.move(["a"], "work")

        assert holder(namespace) == "a"
        clock.advance(600)
        assert holder(namespace) == "new"

    def test_a_canceled_job_that_comes_back_too_late_does_not(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", unique=HOUR)
        namespace.cancel(["a"])
        clock.advance(3600)

        namespace.move(["a"], "work")

        assert holder(namespace) == "new"

    def test_the_next_holder_is_safe_from_the_end_of_the_one_before(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "a", unique=HOUR)
        clock.advance(3600)
        put(namespace, "b", unique=HOUR)

        namespace.cancel(["a"])

        assert holder(namespace) == "b"

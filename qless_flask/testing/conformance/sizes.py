"""`max_size`: how many jobs of a queue may be scheduled, depend or wait."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid, JobExists, QuotaExceeded, UnknownDependency
from qless_flask.models import Complete, Recurrence, Release, Retry, Unique
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.requires import sets
from qless_flask.testing.conformance.scenes import (
    Check,
    end_by_hand,
    get,
    new,
    peek,
    pop,
    put,
    queue,
    refusal,
    run,
    seen_events,
    settle,
    states,
    unchanged,
)


class TestMaxSize:
    """A put beyond it is refused, whole."""

    def test_a_put_into_a_full_queue_is_refused(self, namespace: Namespace, check: Check) -> None:
        namespace.configure("work", {"max_size": 2})
        put(namespace, "a", "b")

        with unchanged(namespace, check), pytest.raises(QuotaExceeded) as caught:
            put(namespace, "c")

        assert caught.value == QuotaExceeded.about("work")

    def test_a_batch_is_refused_whole(self, namespace: Namespace, check: Check) -> None:
        namespace.configure("work", {"max_size": 3})
        put(namespace, "a", "b")

        with unchanged(namespace, check), pytest.raises(QuotaExceeded):
            namespace.put([new("c"), new("x", "other"), new("d")])

        namespace.put([new("c"), new("x", "other"), new("y", "other")])
        assert (queue(namespace).waiting, queue(namespace, "other").waiting) == (3, 2)

    @pytest.mark.parametrize("state", ["scheduled", "depends", "waiting"])
    def test_jobs_that_are_yet_to_run_count(self, namespace: Namespace, state: str) -> None:
        namespace.configure("work", {"max_size": 1})
        put(namespace, "parent", queue="parents")
        put(
            namespace,
            "a",
            delay=60 if state == "scheduled" else 0,
            depends=("parent",) if state == "depends" else (),
        )

        assert states(namespace, "a") == [state]
        with pytest.raises(QuotaExceeded):
            put(namespace, "b")

    def test_scheduled_dependent_and_held_back_jobs_count_together(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_size": 4, "key_concurrency": 1})
        run(namespace, key="k")
        put(namespace, "parent", queue="parents")
        put(namespace, "b", key="k")
        put(namespace, "c", requires=("gpu",))
        put(namespace, "d", delay=5)
        put(namespace, "e", depends=("parent",))

        with pytest.raises(QuotaExceeded):
            put(namespace, "f")
        namespace.cancel(["b"])
        put(namespace, "f")

    def test_jobs_that_run_or_have_ended_do_not_count(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_size": 1})
        settle(namespace, Complete(run(namespace, "a")))
        run(namespace, "b")
        put(namespace, "c")
        namespace.cancel(["c"])

        put(namespace, "d")

        assert states(namespace, "a", "b", "c", "d") == ["complete", "running", "canceled", "waiting"]

    @pytest.mark.parametrize("kind", ["scheduled", "depends"])
    def test_jobs_of_every_kind_are_refused(self, namespace: Namespace, kind: str) -> None:
        namespace.configure("work", {"max_size": 1})
        put(namespace, "a")
        put(namespace, "parent", queue="parents")

        with pytest.raises(QuotaExceeded):
            put(namespace, "b", delay=9 if kind == "scheduled" else 0, depends=("parent",) * (kind == "depends"))

    def test_a_pop_makes_room(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_size": 1})
        put(namespace, "a")
        pop(namespace)

        put(namespace, "b")

        assert peek(namespace) == ["b"]

    def test_what_answers_with_a_job_that_is_there_is_never_refused(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_size": 1})
        namespace.put([new("a", unique=Unique("u"))])

        [kept, found] = namespace.put([new("a", if_exists="keep"), new("b", unique=Unique("u"))])

        assert [(put.jid, put.created) for put in (kept, found)] == [("a", False), ("a", False)]

    @pytest.mark.parametrize("state", ["scheduled", "depends", "waiting"])
    def test_a_job_of_the_queue_may_be_replaced_when_it_is_full(self, namespace: Namespace, state: str) -> None:
        namespace.configure("work", {"max_size": 1})
        put(namespace, "parent", queue="parents")
        put(
            namespace,
            "a",
            delay=60 if state == "scheduled" else 0,
            depends=("parent",) if state == "depends" else (),
        )

        put(namespace, "a", data="[1]", if_exists="replace")

        assert (get(namespace).data, get(namespace).state) == ("[1]", "waiting")

    @pytest.mark.parametrize("state", ["running", "complete", "elsewhere"])
    def test_a_replace_that_would_add_to_a_full_queue_is_refused(
        self, namespace: Namespace, check: Check, state: str
    ) -> None:
        namespace.configure("work", {"max_size": 1})
        if state == "elsewhere":
            put(namespace, "a", queue="other")
        else:
            lease = run(namespace)
            if state == "complete":
                settle(namespace, Complete(lease))
        put(namespace, "b")

        with unchanged(namespace, check), pytest.raises(QuotaExceeded):
            put(namespace, "a", if_exists="replace")

    def test_earlier_jobs_of_a_batch_count_as_they_stand_then(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_size": 2})
        put(namespace, "a", "b")

        namespace.put([new("a", "other", if_exists="replace"), new("c")])
        with pytest.raises(QuotaExceeded):
            namespace.put([new("d"), new("b", "other", if_exists="replace")])

        assert peek(namespace) == ["b", "c"]

    def test_a_job_that_is_canceled_when_it_is_put_leaves_room_for_the_next(self, namespace: Namespace) -> None:
        end_by_hand(namespace, "parent", "failed")
        namespace.configure("work", {"max_size": 1})

        namespace.put([new("a", depends=("parent",), on_parent_end="cancel"), new("b")])

        assert states(namespace, "a", "b") == ["canceled", "waiting"]

    @pytest.mark.parametrize("way", ["move", "advance", "release", "retry later", "lost", "due", "freed", "resume"])
    def test_nothing_else_is_refused(self, namespace: Namespace, clock: ManualClock, way: str) -> None:
        namespace.configure("work", {"max_size": 2})
        put(namespace, "parent", queue="parents")
        if way in ("move", "advance"):
            lease = run(namespace, queue="other", pipeline=("work",))
        elif way in ("due", "freed"):
            put(namespace, "a", delay=5 if way == "due" else 0, depends=("parent",) * (way == "freed"))
        else:
            lease = run(namespace)
        put(namespace, *("b" if way in ("due", "freed") else "bc"))

        if way == "move":
            namespace.move(["a"], "work")
        elif way == "advance":
            settle(namespace, Complete(lease))
        elif way == "release":
            settle(namespace, Release(lease))
        elif way == "retry later":
            settle(namespace, Retry(lease, delay=9))
        elif way == "lost":
            clock.advance(60)
            namespace.promote()
        elif way == "due":
            clock.advance(5)
            namespace.promote()
        elif way == "freed":
            settle(namespace, Complete(pop(namespace, "parents")))
        else:
            namespace.move(["a"], "work")
            namespace.pause("work")
            namespace.resume("work")

        assert get(namespace).state in ("waiting", "scheduled")
        assert get(namespace).queue == "work"
        with pytest.raises(QuotaExceeded):
            put(namespace, "more")

    def test_a_follow_up_into_a_full_queue_leaves_the_lease(self, namespace: Namespace, check: Check) -> None:
        namespace.configure("work", {"max_size": 1})
        lease = run(namespace, queue="other")
        put(namespace, "b")

        with unchanged(namespace, check):
            error = refusal(namespace, Complete(lease, puts=(new("c", "third"), new("d"))))

        assert error == QuotaExceeded.about("work")
        assert settle(namespace, Complete(lease)) == "complete"

    def test_of_several_settlements_each_is_held_to_it_for_itself(self, namespace: Namespace) -> None:
        namespace.configure("next", {"max_size": 3})
        put(namespace, "a", "b", "c")
        a, b, c = namespace.pop(["work"], "ann", 3)

        answers = namespace.settle(
            [
                Complete(a, puts=(new("a1", "next"), new("a2", "next"))),
                Complete(b, puts=(new("b1", "next"), new("b2", "next"))),
                Complete(c, puts=(new("c1", "next"),)),
            ]
        )

        assert [isinstance(answer, QuotaExceeded) for answer in answers] == [False, True, False]
        assert (states(namespace, "a", "b", "c"), peek(namespace, "next")) == (
            ["complete", "running", "complete"],
            ["a1", "a2", "c1"],
        )

    @pytest.mark.parametrize("by_hand", [True, False])
    def test_a_recurrence_puts_nothing_into_a_full_queue(
        self, namespace: Namespace, clock: ManualClock, check: Check, by_hand: bool
    ) -> None:
        namespace.configure("work", {"max_size": 1})
        put(namespace, "a")
        recurring = namespace.recur(Recurrence("Crawl", queue="work", id="daily", interval=60.0))
        assert recurring.next_at is not None
        clock.advance(60)

        with unchanged(namespace, check), pytest.raises(QuotaExceeded):
            namespace.run_recurrence("daily") if by_hand else namespace.fire("daily", recurring.next_at)

        namespace.cancel(["a"])
        assert len(namespace.fire("daily", recurring.next_at)) == 1

    def test_a_paused_queue_has_a_size_too(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_size": 1})
        namespace.pause("work")
        put(namespace, "a")

        with pytest.raises(QuotaExceeded):
            put(namespace, "b")

    def test_a_changed_size_holds_from_the_next_put_on(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c")
        namespace.configure("work", {"max_size": 2})
        assert peek(namespace) == ["a", "b", "c"]
        with pytest.raises(QuotaExceeded):
            put(namespace, "d")

        namespace.configure("work", {"max_size": 4})
        put(namespace, "d")
        namespace.configure("work", {"max_size": None})
        put(namespace, *"efghi")

        assert queue(namespace).waiting == 9

    def test_the_namespace_may_set_it_for_queues_that_are_not_known_yet(self, namespace: Namespace) -> None:
        namespace.configure_namespace({"max_size": 1})

        with pytest.raises(QuotaExceeded) as caught:
            put(namespace, "a", "b")

        assert caught.value.subject == "work"
        assert namespace.queues() == []
        put(namespace, "a")
        with pytest.raises(QuotaExceeded):
            put(namespace, "b")

    def test_what_is_wrong_with_a_job_itself_is_told_before_it(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_size": 1})
        put(namespace, "a")

        with pytest.raises(JobExists):
            put(namespace, "a")
        with pytest.raises(UnknownDependency):
            put(namespace, "b", depends=("nobody",))

    def test_too_many_sets_are_told_before_it(self, namespace: Namespace) -> None:
        namespace.put([new(f"{number}", requires=wanted) for number, wanted in enumerate(sets(64))])
        namespace.configure("work", {"max_size": 1})

        with pytest.raises(Invalid):
            put(namespace, "a", requires=("another",))

    def test_a_refused_put_is_told_by_no_event(self, namespace: Namespace) -> None:
        namespace.configure("work", {"max_size": 1})
        put(namespace, "a")
        told = seen_events(namespace)

        with pytest.raises(QuotaExceeded):
            put(namespace, "b", "c")

        assert seen_events(namespace) == told

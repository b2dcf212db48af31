"""Follow-up puts: jobs put in the same step in which the one that found them is complete."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid, JobExists, JobNotFound, LeaseLost, UnknownDependency
from qless_flask.models import Complete, Lease, NewJob, Pop, Renewed, Settled, Unique
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    Check,
    end,
    get,
    new,
    peek,
    pop,
    pop_all,
    put,
    queue,
    refusal,
    renew,
    run,
    seen_events,
    settle,
    states,
    unchanged,
)


class TestFollowUps:
    """`Complete(puts=…)`."""

    def test_they_are_put_with_the_completion(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)

        settled = settle(namespace, Complete(lease, puts=(new("b", "next", data="[1]"), new("c", "next", delay=5))))

        assert (settled, states(namespace, "a", "b", "c")) == ("complete", ["complete", "waiting", "scheduled"])
        assert (get(namespace, "b").data, get(namespace, "c").available_at) == ("[1]", clock() + 5)

    def test_they_are_told_before_the_completion(self, namespace: Namespace) -> None:
        lease = run(namespace)

        settle(namespace, Complete(lease, puts=(new("c"), new("b"))))

        told = [(event.event, event.jid) for event in seen_events(namespace)[-3:]]
        assert told == [("put", "c"), ("put", "b"), ("completed", "a")]

    def test_one_without_a_jid_is_given_one(self, namespace: Namespace) -> None:
        lease = run(namespace)

        settle(namespace, Complete(lease, puts=(NewJob("Parse", queue="next"), NewJob("Parse", queue="next"))))

        jids = peek(namespace, "next")
        assert (len(set(jids)), {len(jid) for jid in jids}) == (2, {14})

    def test_they_follow_a_stage_as_well_as_an_end(self, namespace: Namespace) -> None:
        lease = run(namespace, pipeline=("next",))

        assert settle(namespace, Complete(lease, puts=(new("b", "next"),))) == "waiting"

        assert pop_all(namespace, "next") == ["b", "a"]

    def test_the_next_stage_may_wait_for_them(self, namespace: Namespace) -> None:
        lease = run(namespace)
        puts = (new("part 1", "parts"), new("part 2", "parts"))

        settled = settle(namespace, Complete(lease, next="gather", depends=("part 1", "part 2"), puts=puts))

        assert settled == "depends"
        end(namespace, "part 1")
        end(namespace, "part 2")
        assert pop_all(namespace, "gather") == ["a"]

    def test_they_may_wait_for_the_job_that_they_follow(self, namespace: Namespace) -> None:
        lease = run(namespace)

        settle(namespace, Complete(lease, puts=(new("b", depends=("a",)),)))

        assert states(namespace, "a", "b") == ["complete", "waiting"]
        told = [(event.event, event.jid, event.state) for event in seen_events(namespace)[-3:]]
        assert told == [("put", "b", "depends"), ("completed", "a", "complete"), ("unblocked", "b", "waiting")]

    def test_each_sees_those_before_it(self, namespace: Namespace) -> None:
        lease = run(namespace)

        settle(namespace, Complete(lease, puts=(new("b"), new("c", depends=("b",)), new("b", if_exists="keep"))))

        assert states(namespace, "b", "c") == ["waiting", "depends"]

    def test_a_later_settlement_sees_those_of_an_earlier_one(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")
        a, b = namespace.pop(["work"], "ann", 2)

        answers = namespace.settle(
            [Complete(a, puts=(new("c"),)), Complete(b, puts=(new("c", if_exists="replace", depends=("b",)),))]
        )

        assert answers == [Settled("a", "complete"), Settled("b", "complete")]
        assert [event.event for event in seen_events(namespace) if event.jid == "c"] == ["put", "put", "unblocked"]

    def test_the_same_completion_again_puts_nothing_again(self, namespace: Namespace, check: Check) -> None:
        lease = run(namespace)
        completion = Complete(lease, puts=(NewJob("Parse", queue="next"), new("b", "next", if_exists="replace")))
        settle(namespace, completion)

        with unchanged(namespace, check):
            assert settle(namespace, completion) == "complete"

    @pytest.mark.parametrize("fault", ["exists", "unknown", "nothing follows"])
    def test_what_cannot_be_put_leaves_everything_as_it_is(
        self, namespace: Namespace, check: Check, fault: str
    ) -> None:
        put(namespace, "there", queue="other")
        lease = run(namespace)
        last = new("c", depends=("no",)) if fault == "unknown" else new("there" if fault == "exists" else "c")
        depends = ("there",) if fault == "nothing follows" else ()

        with unchanged(namespace, check):
            answer = refusal(namespace, Complete(lease, data="[2]", depends=depends, puts=(new("b", "next"), last)))

        if fault == "exists":
            assert answer == JobExists.about("there")
        elif fault == "unknown":
            assert answer == UnknownDependency.about("no")
        else:
            assert isinstance(answer, Invalid)
        assert renew(namespace, lease) == [Renewed("a", lease.expires_at)]
        assert settle(namespace, Complete(lease, puts=(new("b", "next"),))) == "complete"

    def test_what_a_refused_one_would_have_replaced_stays(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "parent", queue="other")
        put(namespace, "child", depends=("parent",), unique=Unique("key"))
        put(namespace, "there", queue="other")
        lease = run(namespace)

        with unchanged(namespace, check):
            answer = refusal(namespace, Complete(lease, puts=(new("child", if_exists="replace"), new("there"))))

        assert answer == JobExists.about("there")
        assert get(namespace, "child").depends == ("parent",)

    def test_one_that_cannot_be_put_does_not_stop_other_settlements(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c")
        a, b, c = namespace.pop(["work"], "ann", 3)

        answers = namespace.settle(
            [
                Complete(a, puts=(new("d", "next"),)),
                Complete(b, puts=(new("e", "next"), new("d", "next"))),
                Complete(c, puts=(new("f", "next"),)),
            ]
        )

        assert answers == [Settled("a", "complete"), JobExists.about("d"), Settled("c", "complete")]
        assert (states(namespace, "a", "b", "c"), pop_all(namespace, "next")) == (
            ["complete", "running", "complete"],
            ["d", "f"],
        )

    def test_a_lost_lease_puts_nothing(self, namespace: Namespace, check: Check) -> None:
        lease = run(namespace)
        namespace.timeout(["a"])
        puts = (new("b", "next"),)

        with unchanged(namespace, check):
            assert refusal(namespace, Complete(lease, puts=puts)) == LeaseLost.about("a")
            assert refusal(namespace, Complete(Lease("no", "x"), puts=puts)) == JobNotFound.about("no")

    def test_the_pop_of_an_exchange_sees_them(self, namespace: Namespace) -> None:
        lease = run(namespace)

        exchanged = namespace.exchange([Complete(lease, puts=(new("b", "next"),))], Pop(("next",), "ann"))

        assert [each.jid for each in exchanged.popped] == ["b"]

    def test_one_whose_unique_key_is_held_is_no_fault(self, namespace: Namespace) -> None:
        lease = run(namespace)
        put(namespace, "holder", unique=Unique("key"))

        assert settle(namespace, Complete(lease, puts=(new("b", unique=Unique("key")),))) == "complete"

        assert namespace.get(["b"]) == [None]

    def test_one_may_hold_the_key_that_the_job_lets_go_of_only_afterwards(self, namespace: Namespace) -> None:
        lease = run(namespace, unique=Unique("key"))

        settle(namespace, Complete(lease, puts=(new("b", unique=Unique("key")),)))

        # Put before the completion: the key was held then.
        assert namespace.get(["b"]) == [None]

    def test_a_thousand_may_be_put_at_once(self, namespace: Namespace) -> None:
        lease = run(namespace)

        settle(namespace, Complete(lease, puts=tuple(new(f"{number}", "next") for number in range(1000))))

        assert queue(namespace, "next").waiting == 1000

    def test_over_a_thousand_of_one_call_are_refused(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a", "b")
        a, b = namespace.pop(["work"], "ann", 2)
        many = tuple(NewJob("Parse", queue="next") for _ in range(501))

        with unchanged(namespace, check), pytest.raises(Invalid) as caught:
            namespace.settle([Complete(a, puts=many), Complete(b, puts=many)])

        assert "puts" in caught.value.fields

    def test_of_two_that_think_they_hold_the_job_only_one_puts(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)
        clock.advance(60)
        again = pop(namespace, worker="bob")

        answers = namespace.settle([Complete(each, puts=(new("b", "next"),)) for each in (lease, again)])

        assert answers == [LeaseLost.about("a"), Settled("a", "complete")]
        assert pop_all(namespace, "next") == ["b"]

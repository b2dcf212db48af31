"""Filters of plugins look at what is put, popped and settled: they change it, refuse it, or let it be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from plugs import plugin, plugins

from qless_flask.backends.base import Namespace
from qless_flask.backends.hooked import Hooked
from qless_flask.errors import BackendUnavailable, Invalid, PluginError, Rejected
from qless_flask.models import (
    Complete,
    Fail,
    Failure,
    Filter,
    Job,
    Lease,
    NewJob,
    Pop,
    Recurrence,
    Release,
    Retry,
    Settled,
    Settlement,
)
from qless_flask.plugins import Plugins
from qless_flask.testing import ManualClock, ModelBackend
from qless_flask.testing.flaky import Flaky

CRAWL = NewJob("Crawl", queue="fetch", jid="a")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def inner(clock: ManualClock) -> ModelBackend:
    return ModelBackend(clock=clock)


@pytest.fixture
def around(inner: ModelBackend, clock: ManualClock) -> Callable[[Plugins], Namespace]:
    """Puts plugins round the store."""
    return lambda plugins: Hooked(inner, plugins=plugins, clock=clock).namespace("shop")


Around = Callable[[Plugins], Namespace]


def refuse(**fields: str) -> Callable[..., Any]:
    def filter(namespace: str) -> None:
        raise Rejected.of({name: [why] for name, why in fields.items()})

    return filter


def get(namespace: Namespace, jid: str = "a") -> Job:
    [job] = namespace.get([jid])
    assert job is not None
    return job


def pop(namespace: Namespace) -> Lease:
    [lease] = namespace.pop(["fetch"], "ann")
    return lease


class TestPut:
    def test_a_filter_changes_what_is_put(self, around: Around) -> None:
        namespace = around(plugins(before_put=lambda job: replace(job, priority=7)))

        namespace.put([CRAWL])

        assert get(namespace).priority == 7

    def test_a_filter_that_answers_nothing_changes_nothing(self, around: Around) -> None:
        seen: list[tuple[str, NewJob]] = []
        namespace = around(plugins(before_put=lambda namespace, job: seen.append((namespace, job))))

        namespace.put([CRAWL])

        assert seen == [("shop", CRAWL)]
        assert get(namespace).klass == "Crawl"

    def test_each_filter_sees_what_the_one_before_has_made(self, around: Around) -> None:
        first = plugin(before_put=lambda job: replace(job, tags=(*job.tags, "first")))
        second = plugin(before_put=lambda job: replace(job, tags=(*job.tags, "second")))
        loaded = Plugins({"b": second, "a": first}, installed=False, order=["a", "b"])
        namespace = around(loaded)

        namespace.put([CRAWL])

        assert get(namespace).tags == ("first", "second")

    def test_a_refusal_names_the_plugin_and_the_field_and_puts_nothing(self, around: Around) -> None:
        def filter(job: NewJob) -> None:
            if job.klass != "Crawl":
                raise Rejected.of({"klass": ["only crawls"]})

        namespace = around(plugins(before_put=filter))

        with pytest.raises(Rejected) as raised:
            namespace.put([CRAWL, NewJob("Other", queue="fetch")])

        assert (raised.value.subject, raised.value.fields) == ("mine", {"jobs.1.klass": ["only crawls"]})
        assert not namespace.select(Filter()).jobs

    def test_one_that_raises_lets_nothing_in_and_is_named(self, around: Around) -> None:
        def filter(job: NewJob) -> None:
            raise KeyError("secret")

        loaded = plugins(before_put=filter)
        namespace = around(loaded)

        with pytest.raises(PluginError) as raised:
            namespace.put([CRAWL])

        assert raised.value.subject == "mine"
        assert "secret" not in raised.value.message
        assert loaded.record("mine").told().errors == 1
        assert not namespace.select(Filter()).jobs

    def test_one_that_answers_no_job_lets_nothing_in_and_is_named(self, around: Around) -> None:
        namespace = around(plugins(before_put=lambda job: {"klass": "Crawl"}))

        with pytest.raises(PluginError) as raised:
            namespace.put([CRAWL])

        assert raised.value.subject == "mine"
        assert not namespace.select(Filter()).jobs

    def test_what_a_job_cannot_be_is_told_with_its_place(self, around: Around) -> None:
        namespace = around(plugins(before_put=lambda job: replace(job, priority=10**6)))

        with pytest.raises(Invalid) as raised:
            namespace.put([CRAWL])

        assert list(raised.value.fields) == ["jobs.0.priority"]

    def test_a_jid_that_was_given_stays(self, around: Around) -> None:
        namespace = around(plugins(before_put=lambda job: replace(job, jid="other")))

        assert [put.jid for put in namespace.put([CRAWL])] == ["a"]

    def test_a_jid_may_be_given_where_there_was_none(self, around: Around) -> None:
        namespace = around(plugins(before_put=lambda job: replace(job, jid="made")))

        assert [put.jid for put in namespace.put([NewJob("Crawl", queue="fetch")])] == ["made"]

    def test_a_batch_that_is_too_long_is_shown_to_nobody(self, around: Around) -> None:
        namespace = around(plugins(before_put=lambda job: pytest.fail("it was asked")))

        with pytest.raises(Invalid):
            namespace.put([NewJob("Crawl", queue="fetch")] * 1001)

    def test_follow_ups_are_changed_too(self, around: Around) -> None:
        namespace = around(plugins(before_put=lambda job: replace(job, priority=7)))
        namespace.put([CRAWL])

        namespace.settle([Complete(pop(namespace), puts=(NewJob("Parse", queue="parse", jid="b"),))])

        assert get(namespace, "b").priority == 7

    def test_a_follow_up_that_is_refused_leaves_its_lease_and_the_others_are_done(self, around: Around) -> None:
        def filter(job: NewJob) -> None:
            if job.klass == "Bad":
                raise Rejected.of({"klass": ["bad"]})

        namespace = around(plugins(before_put=filter))
        namespace.put([CRAWL, replace(CRAWL, jid="b"), replace(CRAWL, jid="c")])
        first, second, third = namespace.pop(["fetch"], "ann", 3)
        bad = NewJob("Bad", queue="parse", jid="d")

        answers = namespace.settle([Complete(first), Complete(second, puts=(CRAWL, bad)), Complete(third)])

        assert (answers[0], answers[2]) == (Settled("a", "complete"), Settled("c", "complete"))
        assert isinstance(answers[1], Rejected)
        assert answers[1].fields == {"puts.1.klass": ["bad"]}
        assert get(namespace, "b").state == "running"
        assert namespace.get(["d"]) == [None]

    def test_a_rule_puts_what_the_filter_made_of_its_job(self, around: Around, clock: ManualClock) -> None:
        namespace = around(plugins(before_put=lambda job: replace(job, priority=7, tags=("seen",))))

        made = namespace.recur(Recurrence("Crawl", queue="fetch", interval=60, id="often"))

        assert (made.rule.priority, made.rule.tags) == (7, ("seen",))
        clock.advance(61)
        assert made.next_at is not None
        [put] = namespace.fire("often", made.next_at)
        assert get(namespace, put.jid).priority == 7

    def test_a_rule_whose_job_is_refused_is_not_made(self, around: Around) -> None:
        namespace = around(plugins(before_put=refuse(klass="no")))

        with pytest.raises(Rejected) as raised:
            namespace.recur(Recurrence("Crawl", queue="fetch", interval=60))

        assert raised.value.fields == {"rule.klass": ["no"]}
        assert namespace.recurrences() == []

    def test_a_firing_that_is_refused_puts_nothing_and_is_due_still(
        self, inner: ModelBackend, around: Around, clock: ManualClock
    ) -> None:
        made = inner.namespace("shop").recur(Recurrence("Crawl", queue="fetch", interval=60, id="often"))
        namespace = around(plugins(before_put=refuse(klass="no")))
        clock.advance(61)
        assert made.next_at is not None

        with pytest.raises(Rejected):
            namespace.fire("often", made.next_at)
        with pytest.raises(Rejected):
            namespace.run_recurrence("often")

        assert not namespace.select(Filter()).jobs
        assert [each.rule.id for each in namespace.recurrences(due=True)] == ["often"]

    def test_a_firing_that_is_over_is_shown_to_nobody(
        self, inner: ModelBackend, around: Around, clock: ManualClock
    ) -> None:
        made = inner.namespace("shop").recur(Recurrence("Crawl", queue="fetch", interval=60, id="often"))
        namespace = around(plugins(before_put=lambda job: pytest.fail("it was asked")))
        clock.advance(61)
        assert made.next_at is not None

        assert namespace.fire("often", made.next_at - 1) == []
        assert namespace.fire("nobody", made.next_at) == []

    def test_each_job_of_a_firing_is_looked_at(self, inner: ModelBackend, around: Around, clock: ManualClock) -> None:
        rule = Recurrence("Crawl", queue="fetch", interval=60, id="often", catchup=10)
        made = inner.namespace("shop").recur(rule)
        seen: list[str | None] = []
        namespace = around(plugins(before_put=lambda job: seen.append(job.jid)))
        clock.advance(190)
        assert made.next_at is not None

        puts = namespace.fire("often", made.next_at)

        assert len(puts) == 3
        assert seen == [put.jid for put in puts]


class TestPop:
    def test_a_filter_changes_what_is_popped(self, around: Around) -> None:
        namespace = around(plugins(before_pop=lambda pop: replace(pop, queues=("parse",), limit=1)))
        namespace.put([CRAWL, *(NewJob("Parse", queue="parse") for _ in range(2))])

        popped = namespace.pop(["fetch"], "ann", 5)

        assert [lease.job.queue for lease in popped if lease.job] == ["parse"]

    def test_it_is_told_all_that_was_asked(self, around: Around) -> None:
        seen: list[tuple[str, Pop]] = []
        namespace = around(plugins(before_pop=lambda namespace, pop: seen.append((namespace, pop))))

        namespace.pop(["fetch"], "ann", 2, capabilities=["gpu"], order="round_robin", request="r")
        namespace.exchange([], Pop(("fetch",), "bob"))

        assert seen == [
            ("shop", Pop(("fetch",), "ann", 2, capabilities=("gpu",), order="round_robin", request="r")),
            ("shop", Pop(("fetch",), "bob")),
        ]

    def test_a_refusal_names_the_plugin_and_leases_nothing(self, around: Around) -> None:
        namespace = around(plugins(before_pop=refuse(worker="not now")))
        namespace.put([CRAWL])

        with pytest.raises(Rejected) as raised:
            namespace.pop(["fetch"], "ann")

        assert (raised.value.subject, raised.value.fields) == ("mine", {"worker": ["not now"]})
        assert get(namespace).state == "waiting"

    def test_an_exchange_whose_pop_is_refused_settles_nothing(self, inner: ModelBackend, around: Around) -> None:
        namespace = around(plugins(before_pop=refuse(worker="not now")))
        namespace.put([CRAWL])
        lease = pop(inner.namespace("shop"))

        with pytest.raises(Rejected):
            namespace.exchange([Complete(lease)], Pop(("fetch",), "ann"))

        assert get(namespace).state == "running"

    def test_it_pops_for_no_other_worker(self, around: Around) -> None:
        namespace = around(plugins(before_pop=lambda pop: replace(pop, worker="bob")))
        namespace.put([CRAWL])

        with pytest.raises(PluginError) as raised:
            namespace.pop(["fetch"], "ann")

        assert raised.value.subject == "mine"
        assert get(namespace).state == "waiting"

    def test_an_exchange_pops_what_the_filter_made_of_it(self, around: Around) -> None:
        namespace = around(plugins(before_pop=lambda pop: replace(pop, queues=("parse",))))
        namespace.put([NewJob("Parse", queue="parse", jid="b")])

        exchanged = namespace.exchange([], Pop(("fetch",), "ann"))

        assert [lease.jid for lease in exchanged.popped] == ["b"]


class TestSettle:
    def test_a_filter_changes_how_a_lease_ends(self, around: Around) -> None:
        namespace = around(plugins(before_settle=lambda settlement: Fail(settlement.lease, group="audit")))
        namespace.put([CRAWL])

        assert namespace.settle([Complete(pop(namespace))]) == [Settled("a", "failed")]

    def test_a_refusal_is_that_items_error_and_the_others_are_done(self, around: Around) -> None:
        def filter(settlement: Settlement) -> None:
            if isinstance(settlement, Release):
                raise Rejected.of({"action": ["finish what you have begun"]})

        namespace = around(plugins(before_settle=filter))
        namespace.put([CRAWL, replace(CRAWL, jid="b"), replace(CRAWL, jid="c")])
        first, second, third = namespace.pop(["fetch"], "ann", 3)

        answers = namespace.settle([Complete(first), Release(second), Complete(third)])

        assert (answers[0], answers[2]) == (Settled("a", "complete"), Settled("c", "complete"))
        assert isinstance(answers[1], Rejected)
        assert answers[1].subject == "mine"
        assert get(namespace, "b").state == "running"

    def test_so_it_is_in_an_exchange(self, around: Around) -> None:
        namespace = around(plugins(before_settle=refuse(action="no")))
        namespace.put([CRAWL, replace(CRAWL, jid="b")])

        exchanged = namespace.exchange([Complete(pop(namespace))], Pop(("fetch",), "ann"))

        assert [type(each) for each in exchanged.results] == [Rejected]
        assert [lease.jid for lease in exchanged.popped] == ["b"]

    @pytest.mark.parametrize(
        "answer",
        [
            lambda settlement: Complete(Lease("b", settlement.lease.token)),
            lambda settlement: Complete(Lease("a", "stolen")),
            lambda settlement: "complete",
        ],
        ids=["another job", "another token", "no settlement"],
    )
    def test_an_answer_that_ends_no_such_lease_ends_nothing(self, around: Around, answer: Callable[..., Any]) -> None:
        namespace = around(plugins(before_settle=lambda settlement: answer(settlement)))
        namespace.put([CRAWL])

        [told] = namespace.settle([Complete(pop(namespace))])

        assert isinstance(told, PluginError)
        assert told.subject == "mine"
        assert get(namespace).state == "running"

    def test_one_that_raises_ends_nothing(self, around: Around) -> None:
        def filter(settlement: Settlement) -> None:
            raise OSError

        namespace = around(plugins(before_settle=filter))
        namespace.put([CRAWL])

        [told] = namespace.settle([Complete(pop(namespace))])

        assert isinstance(told, PluginError)
        assert get(namespace).state == "running"

    def test_a_store_that_a_filter_cannot_reach_is_told_for_all(self, around: Around) -> None:
        def filter(settlement: Settlement) -> None:
            raise BackendUnavailable

        namespace = around(plugins(before_settle=filter))
        namespace.put([CRAWL])

        with pytest.raises(BackendUnavailable):
            namespace.settle([Complete(pop(namespace))])

    def test_what_it_makes_a_retry_is_put_off_as_any(self, around: Around, clock: ManualClock) -> None:
        namespace = around(plugins(before_settle=lambda settlement: Retry(settlement.lease)))
        namespace.configure("fetch", {"backoff": {"strategy": "fixed", "delay": 7}})  # type: ignore[dict-item]
        namespace.put([CRAWL])

        assert namespace.settle([Complete(pop(namespace))]) == [Settled("a", "scheduled")]

        assert get(namespace).available_at == clock() + 7


class TestFailureGroup:
    @pytest.mark.parametrize("end", [Retry, Fail])
    def test_a_failure_is_in_the_group_that_a_plugin_says(self, around: Around, end: type[Retry] | type[Fail]) -> None:
        namespace = around(plugins(failure_group=lambda job, failure: f"{job.klass}: {failure.message[:4]}"))
        namespace.put([replace(CRAWL, retries=0)])

        namespace.settle([end(pop(namespace), group="crash", message="404 Not Found")])

        failure = get(namespace).failure
        assert failure is not None
        assert (failure.group, failure.message) == ("Crawl: 404 ", "404 Not Found")

    def test_it_is_told_why(self, around: Around, clock: ManualClock) -> None:
        seen: list[tuple[Job, Failure]] = []
        namespace = around(plugins(failure_group=lambda job, failure: seen.append((job, failure))))
        namespace.put([CRAWL])
        namespace.settle([Retry(pop(namespace), delay=0.0)])
        clock.advance(3)
        lease = pop(namespace)

        namespace.settle([Retry(lease, group="crash", message="it broke")])

        assert seen[1] == (lease.job, Failure("crash", "it broke", clock(), "ann", 2))

    def test_who_answers_nothing_leaves_it_to_others(self, around: Around) -> None:
        first = plugin(failure_group=lambda failure: None)
        second = plugin(failure_group=lambda failure: "second")
        namespace = around(Plugins({"b": second, "a": first}, installed=False, order=["a", "b"]))
        namespace.put([CRAWL])

        namespace.settle([Fail(pop(namespace), group="crash")])

        assert [each.group for each in namespace.failures()] == ["second"]

    def test_a_lease_of_jid_and_token_will_do(self, around: Around) -> None:
        namespace = around(plugins(failure_group=lambda job: job.klass))
        namespace.put([CRAWL])
        lease = pop(namespace)

        namespace.settle([Fail(Lease(lease.jid, lease.token), group="crash")])

        assert [each.group for each in namespace.failures()] == ["Crawl"]

    @pytest.mark.parametrize("group", [5, "", "a\nb", "x" * 201])
    def test_what_is_no_group_ends_nothing_and_names_the_plugin(self, around: Around, group: object) -> None:
        namespace = around(plugins(failure_group=lambda failure: group))
        namespace.put([CRAWL, replace(CRAWL, jid="b")])
        bad, good = namespace.pop(["fetch"], "ann", 2)

        answers = namespace.settle([Fail(bad, group="crash"), Complete(good)])

        assert isinstance(answers[0], PluginError)
        assert answers[0].subject == "mine"
        assert answers[1] == Settled("b", "complete")
        assert get(namespace).state == "running"

    def test_a_success_is_no_failure(self, around: Around) -> None:
        namespace = around(plugins(failure_group=lambda failure: pytest.fail("it was asked")))
        namespace.put([CRAWL])

        assert namespace.settle([Complete(pop(namespace))]) == [Settled("a", "complete")]


def test_of_the_store_is_asked_no_more_than_without_plugins(inner: ModelBackend) -> None:
    asked: list[str] = []
    namespace = Hooked(Flaky(inner, before=lambda point: asked.append(point.operation))).namespace("shop")
    namespace.put([CRAWL])
    asked.clear()

    namespace.put([replace(CRAWL, jid="b")])
    namespace.settle([Complete(pop(namespace))])
    namespace.exchange([], Pop(("fetch",), "ann"))

    assert asked == ["put", "pop", "settle", "exchange"]

"""Retry strategies: those that are built in, and what is done with what any of them answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plugs import offering

from qless_flask.backends.base import Namespace
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.hooked.delays import DEEPEST
from qless_flask.bounds import MAX_DELAY_SECONDS
from qless_flask.errors import Invalid, PluginError
from qless_flask.hookspecs import RetryStrategy
from qless_flask.models import Backoff, Complete, Failure, Job, Lease, NewJob, Recurrence, Retry, Settled
from qless_flask.plugins import Plugins
from qless_flask.plugins.strategies import retry_strategies
from qless_flask.plugins.strategies.by_group import ByGroup
from qless_flask.testing import ManualClock, ModelBackend, build_failure, build_job
from qless_flask.testing.contracts import RetryStrategyContract

DEFAULT = 15.0
"""The first delay of the default back-off, with all of it drawn."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


Open = Callable[..., Namespace]


@pytest.fixture
def open_with(clock: ManualClock) -> Open:
    """Opens a store round which are plugins."""

    def open_with(plugins: Plugins | None = None) -> Namespace:
        return Hooked(ModelBackend(clock=clock), plugins=plugins, draw=lambda: 1.0, clock=clock).namespace("shop")

    return open_with


def answering(answer: Any) -> type[RetryStrategy]:
    """Build a strategy that always answers the same, or raises it."""

    class Answering(RetryStrategy):
        def next_delay(self, job: Job, failure: Failure, run: int) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

    return Answering


def pop(namespace: Namespace) -> Lease:
    [lease] = namespace.pop(["fetch"], "ann")
    return lease


def get(namespace: Namespace, jid: str = "a") -> Job:
    [job] = namespace.get([jid])
    assert job is not None
    return job


def retried(namespace: Namespace, clock: ManualClock, backoff: Backoff | None, **failure: str) -> float | str:
    """Put a job, retry it, and answer how long it is put off, or its state if it is not."""
    namespace.put([NewJob("Crawl", queue="fetch", jid="a", backoff=backoff)])
    namespace.settle([Retry(pop(namespace), **failure)])  # type: ignore[arg-type]
    job = get(namespace)
    return round(job.available_at - clock(), 3) if job.state == "scheduled" else job.state


# The built-in ones


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [
        (Backoff("fixed", 7), [7, 7, 7, 7]),
        (Backoff("linear", 10, max=25), [10, 20, 25, 25]),
        (Backoff("exponential", 10, factor=3, max=100, jitter="none"), [10, 30, 90, 100]),
        (Backoff("exponential", 10, factor=2), [10, 20, 40, 80]),
        (Backoff("table", delays=(5, 1, 60)), [5, 1, 60, 60]),
    ],
    ids=lambda each: getattr(each, "strategy", ""),
)
def test_each_retry_waits_as_the_strategy_says(
    open_with: Open, clock: ManualClock, backoff: Backoff, delays: list[float]
) -> None:
    namespace = open_with()
    namespace.put([NewJob("Crawl", queue="fetch", jid="a", backoff=backoff)])

    waited = []
    for _ in delays:
        namespace.settle([Retry(pop(namespace))])
        waited.append(get(namespace).available_at - clock())
        clock.advance(waited[-1])

    assert waited == delays


def test_the_ones_that_are_offered_are_those_that_a_back_off_knows_and_by_group() -> None:
    assert sorted(retry_strategies()) == ["by_group", "exponential", "fixed", "linear", "table"]


class TestByGroup:
    BACKOFF = Backoff.of(
        {
            "strategy": "by_group",
            "groups": {
                "http-404": None,
                "http-5*": {"strategy": "fixed", "delay": 60},
                "http-50*": {"strategy": "table", "delays": [1, 2]},
            },
            "otherwise": {"strategy": "fixed", "delay": 3},
        }
    )

    @pytest.mark.parametrize(
        ("group", "delay"), [("http-404", "failed"), ("http-523", 60), ("http-503", 1), ("http-4", 3), ("crash", 3)]
    )
    def test_a_group_has_its_own_back_off(
        self, open_with: Open, clock: ManualClock, group: str, delay: float | str
    ) -> None:
        assert retried(open_with(), clock, self.BACKOFF, group=group, message="why") == delay

    def test_what_is_given_up_fails_in_its_group_with_its_message(self, open_with: Open, clock: ManualClock) -> None:
        namespace = open_with()

        retried(namespace, clock, self.BACKOFF, group="http-404", message="Not Found")

        failure = get(namespace).failure
        assert failure is not None
        assert (failure.group, failure.message, failure.worker) == ("http-404", "Not Found", "ann")

    def test_a_strategy_of_a_plugin_can_be_one_of_them(self, clock: ManualClock, open_with: Open) -> None:
        namespace = open_with(offering("retry_strategies", eleven=answering(11)))
        backoff = Backoff.of({"strategy": "by_group", "groups": {"crash": {"strategy": "eleven"}}})

        assert retried(namespace, clock, backoff, group="crash") == 11

    def test_without_a_word_others_have_the_default(self, clock: ManualClock, open_with: Open) -> None:
        assert retried(open_with(), clock, Backoff.of({"strategy": "by_group", "groups": {}})) == DEFAULT

    @pytest.mark.parametrize(
        ("options", "field"),
        [
            ({}, "groups"),
            ({"groups": []}, "groups"),
            ({"groups": {"a": 5}}, "groups.a"),
            ({"groups": {"a": {"strategy": "fixed", "delay": -1}}}, "groups.a.delay"),
            ({"groups": {"a": {"strategy": "fixd"}}}, "groups.a.strategy"),
            ({"groups": {}, "otherwise": {"strategy": "table"}}, "otherwise.delays"),
            ({"groups": {}, "otherwise": {"strategy": "by_group", "groups": 5}}, "otherwise.groups"),
            ({"groups": {}, "else": None}, "else"),
        ],
    )
    def test_what_it_cannot_be_told_is_refused(self, open_with: Open, options: dict[str, Any], field: str) -> None:
        namespace = open_with()

        with pytest.raises(Invalid) as raised:
            namespace.put([NewJob("Crawl", queue="fetch", backoff=Backoff.of({"strategy": "by_group", **options}))])

        assert list(raised.value.fields) == [f"jobs.0.backoff.{field}"]


class TestContractOfFixed(RetryStrategyContract):
    strategy = retry_strategies()["fixed"]
    options = ({}, {"delay": 0}, {"delay": 3.5})


class TestContractOfLinear(RetryStrategyContract):
    strategy = retry_strategies()["linear"]
    options = ({}, {"delay": 0}, {"delay": 1, "max": 10})


class TestContractOfExponential(RetryStrategyContract):
    strategy = retry_strategies()["exponential"]
    options = ({}, {"delay": 0, "factor": 1000}, {"delay": 1, "max": 10, "jitter": "none"}, {"factor": 1000})


class TestContractOfTable(RetryStrategyContract):
    strategy = retry_strategies()["table"]
    options = ({"delays": [0]}, {"delays": [1, 2, 3]})
    wrong_options = ({},)


# Which back-off it is


class TestChoice:
    def test_a_job_comes_before_its_klass_and_that_before_its_queue(self, open_with: Open, clock: ManualClock) -> None:
        namespace = open_with()
        namespace.configure_namespace({"backoff": Backoff("fixed", 1), "klass_backoff": {"Crawl": Backoff("fixed", 3)}})
        namespace.configure("fetch", {"backoff": Backoff("fixed", 2)})
        namespace.put(
            [
                NewJob("Crawl", queue="fetch", jid="own", backoff=Backoff("fixed", 4)),
                NewJob("Crawl", queue="fetch", jid="klass"),
                NewJob("Parse", queue="fetch", jid="queue"),
                NewJob("Parse", queue="parse", jid="namespace"),
            ]
        )

        namespace.settle([Retry(lease) for lease in namespace.pop(["fetch", "parse"], "ann", 4)])

        waits = {jid: get(namespace, jid).available_at - clock() for jid in ("own", "klass", "queue", "namespace")}
        assert waits == {"own": 4, "klass": 3, "queue": 2, "namespace": 1}

    def test_a_klass_that_is_told_otherwise_is_put_off_otherwise_at_once(
        self, open_with: Open, clock: ManualClock
    ) -> None:
        namespace = open_with()
        for delay in (3, 5):
            namespace.configure_namespace({"klass_backoff": {"Crawl": Backoff("fixed", delay)}})
            namespace.put([NewJob("Crawl", queue="fetch", jid="a", if_exists="replace")])

            namespace.settle([Retry(pop(namespace))])

            assert get(namespace).available_at - clock() == delay

    def test_the_strategy_sees_the_group_that_a_plugin_gave(self, open_with: Open, clock: ManualClock) -> None:
        from plugs import plugins

        namespace = open_with(plugins(failure_group=lambda failure: "http-404"))

        assert retried(namespace, clock, TestByGroup.BACKOFF, group="crash") == "failed"
        assert [each.group for each in namespace.failures()] == ["http-404"]


# What a plugin's strategy may do


class TestPluginStrategy:
    def test_it_decides(self, open_with: Open, clock: ManualClock) -> None:
        namespace = open_with(offering("retry_strategies", mine=answering(42)))

        assert retried(namespace, clock, Backoff("mine")) == 42

    def test_it_is_told_the_job_the_failure_and_the_run(self, open_with: Open, clock: ManualClock) -> None:
        seen: list[tuple[Job, Failure, int]] = []

        class Seeing(RetryStrategy):
            def next_delay(self, job: Job, failure: Failure, run: int) -> float:
                seen.append((job, failure, run))
                return 0

        namespace = open_with(offering("retry_strategies", mine=Seeing))
        namespace.put([NewJob("Crawl", queue="fetch", jid="a", backoff=Backoff("mine"))])
        namespace.settle([Retry(pop(namespace))])
        clock.advance(2)
        lease = pop(namespace)

        namespace.settle([Retry(lease, group="crash", message="it broke")])

        assert seen[1] == (lease.job, Failure("crash", "it broke", clock(), "ann", 2), 2)

    def test_no_run_is_before_the_first_though_fewer_retries_are_allowed_by_now(self, open_with: Open) -> None:
        runs: list[tuple[int, int | None]] = []

        class Seeing(RetryStrategy):
            def next_delay(self, job: Job, failure: Failure, run: int) -> float:
                runs.append((run, failure.run))
                return 0

        namespace = open_with(offering("retry_strategies", mine=Seeing))
        namespace.configure("fetch", {"retries": 5})
        namespace.put([NewJob("Crawl", queue="fetch", backoff=Backoff("mine"))])
        lease = pop(namespace)
        namespace.configure("fetch", {"retries": 2})

        namespace.settle([Retry(lease)])

        assert runs == [(1, 1)]

    def test_it_takes_options(self, open_with: Open, clock: ManualClock) -> None:
        class Adding(RetryStrategy):
            def __init__(self, one: float, two: float = 2) -> None:
                self._sum = one + two

            def next_delay(self, job: Job, failure: Failure, run: int) -> float:
                return self._sum

        namespace = open_with(offering("retry_strategies", add=Adding))

        assert retried(namespace, clock, Backoff.of({"strategy": "add", "one": 5})) == 7

    def test_it_may_take_the_place_of_one_that_is_built_in(self, open_with: Open, clock: ManualClock) -> None:
        class Always(RetryStrategy):
            def __init__(self, **_: Any) -> None:
                pass

            def next_delay(self, job: Job, failure: Failure, run: int) -> float:
                return 1

        namespace = open_with(offering("retry_strategies", exponential=Always))

        assert retried(namespace, clock, None) == 1

    def test_it_gives_up_by_answering_nothing(self, open_with: Open, clock: ManualClock) -> None:
        namespace = open_with(offering("retry_strategies", never=answering(None)))

        assert retried(namespace, clock, Backoff("never"), group="hopeless") == "failed"
        assert [each.group for each in namespace.failures()] == ["hopeless"]

    def test_the_same_settle_again_is_answered_as_the_first_time_after_giving_up(self, open_with: Open) -> None:
        namespace = open_with(offering("retry_strategies", never=answering(None)))
        namespace.put([NewJob("Crawl", queue="fetch", jid="a", backoff=Backoff("never"))])
        lease = pop(namespace)

        for _ in range(2):
            assert namespace.settle([Retry(Lease(lease.jid, lease.token))]) == [Settled("a", "failed")]

    def test_no_time_at_all_is_a_delay(self, open_with: Open, clock: ManualClock) -> None:
        assert retried(open_with(offering("retry_strategies", now=answering(0))), clock, Backoff("now")) == "waiting"

    def test_beyond_the_longest_delay_it_is_the_longest(self, open_with: Open, clock: ManualClock) -> None:
        namespace = open_with(offering("retry_strategies", late=answering(float("inf"))))

        assert retried(namespace, clock, Backoff("late")) == MAX_DELAY_SECONDS

    def test_a_delay_that_a_worker_names_is_asked_of_nobody(self, open_with: Open) -> None:
        namespace = open_with(offering("retry_strategies", mine=answering(AssertionError("it was asked"))))
        namespace.put([NewJob("Crawl", queue="fetch", jid="a", backoff=Backoff("mine"))])

        assert namespace.settle([Retry(pop(namespace), delay=0)]) == [Settled("a", "waiting")]

    @pytest.mark.parametrize(
        "answer",
        [-1, float("nan"), "5", True, [], ValueError("broken"), Invalid("broken"), Backoff("again")],
        ids=repr,
    )
    def test_what_is_no_delay_loses_no_job_and_is_counted(
        self, open_with: Open, clock: ManualClock, answer: object
    ) -> None:
        plugins = offering("retry_strategies", again=answering(answer))
        namespace = open_with(plugins)

        assert retried(namespace, clock, Backoff("again")) == DEFAULT

        counted = plugins.record("mine").told()
        assert counted.errors == (0 if isinstance(answer, Backoff) else 1)
        assert counted.calls >= 1

    @pytest.mark.parametrize("named", [5, {"otherwise": 5}, KeyError("secret")], ids=repr)
    def test_one_that_cannot_name_its_back_offs_is_named_itself(self, open_with: Open, named: Any) -> None:
        class Naming(RetryStrategy):
            next_delay = answering(1).next_delay

            def backoffs(self) -> Any:
                if isinstance(named, Exception):
                    raise named
                return named

        plugins = offering("retry_strategies", mine=Naming)
        namespace = open_with(plugins)

        with pytest.raises(PluginError, match="plugin mine failed in retry strategy mine: ") as raised:
            namespace.put([NewJob("Crawl", queue="fetch", backoff=Backoff("mine"))])

        assert "secret" not in raised.value.message
        assert plugins.record("mine").told().errors == 1
        assert namespace.queues() == []

    def test_one_that_is_not_here_any_more_loses_no_job(self, clock: ManualClock) -> None:
        inner = ModelBackend(clock=clock)
        with_it = Hooked(inner, plugins=offering("retry_strategies", mine=answering(1)), clock=clock).namespace("shop")
        with_it.put([NewJob("Crawl", queue="fetch", jid="a", backoff=Backoff("mine"))])
        without = Hooked(inner, draw=lambda: 1.0, clock=clock).namespace("shop")

        without.settle([Retry(pop(without))])

        assert get(without).available_at == clock() + DEFAULT

    def test_one_that_cannot_be_built_any_more_loses_no_job(self, clock: ManualClock) -> None:
        class Broken(RetryStrategy):
            def __init__(self) -> None:
                raise KeyError

            next_delay = answering(1).next_delay

        inner = ModelBackend(clock=clock)
        inner.namespace("shop").put([NewJob("Crawl", queue="fetch", jid="a", backoff=Backoff("mine"))])
        plugins = offering("retry_strategies", mine=Broken)
        namespace = Hooked(inner, plugins=plugins, draw=lambda: 1.0).namespace("shop")

        namespace.settle([Retry(pop(namespace))])

        assert get(namespace).available_at == clock() + DEFAULT
        assert plugins.record("mine").told().errors == 1


# Chosen in vain


class TestUnknown:
    """Who chooses a strategy that there is not, or tells it what it does not take, hears so at once."""

    FAULTS = [
        (Backoff("linar"), "strategy"),
        (Backoff.of({"strategy": "mine", "often": True}), "often"),
    ]

    @pytest.fixture
    def namespace(self, open_with: Open) -> Namespace:
        return open_with(offering("retry_strategies", mine=answering(1)))

    @pytest.mark.parametrize(("backoff", "field"), FAULTS)
    def test_of_a_job(self, namespace: Namespace, backoff: Backoff, field: str) -> None:
        with pytest.raises(Invalid) as raised:
            namespace.put([NewJob("Crawl", queue="fetch"), NewJob("Crawl", queue="fetch", backoff=backoff)])

        assert list(raised.value.fields) == [f"jobs.1.backoff.{field}"]
        assert namespace.queues() == []

    @pytest.mark.parametrize(("backoff", "field"), FAULTS)
    def test_of_a_queue(self, namespace: Namespace, backoff: Backoff, field: str) -> None:
        with pytest.raises(Invalid) as raised:
            namespace.configure("fetch", {"backoff": backoff})

        assert list(raised.value.fields) == [f"backoff.{field}"]
        assert namespace.queues() == []

    @pytest.mark.parametrize(("backoff", "field"), FAULTS)
    def test_of_a_namespace_and_its_klasses(self, namespace: Namespace, backoff: Backoff, field: str) -> None:
        with pytest.raises(Invalid) as raised:
            namespace.configure_namespace({"backoff": backoff, "klass_backoff": {"Crawl": backoff}})

        assert sorted(raised.value.fields) == [f"backoff.{field}", f"klass_backoff.Crawl.{field}"]
        assert namespace.settings().own == ()

    @pytest.mark.parametrize(("backoff", "field"), FAULTS)
    def test_of_a_recurrence(self, namespace: Namespace, backoff: Backoff, field: str) -> None:
        with pytest.raises(Invalid) as raised:
            namespace.recur(Recurrence("Crawl", queue="fetch", interval=60, backoff=backoff))

        assert list(raised.value.fields) == [f"rule.backoff.{field}"]
        assert namespace.recurrences() == []

    @pytest.mark.parametrize(("backoff", "field"), FAULTS)
    def test_of_a_follow_up(self, namespace: Namespace, backoff: Backoff, field: str) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="a")])
        follow_up = NewJob("Crawl", queue="fetch", backoff=backoff)

        [answer] = namespace.settle([Complete(pop(namespace), puts=(follow_up,))])

        assert isinstance(answer, Invalid)
        assert list(answer.fields) == [f"puts.0.backoff.{field}"]
        assert get(namespace).state == "running"

    def test_of_back_offs_that_leave_it_to_each_other_no_more_are_taken_than_are_asked(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        told: dict[str, Any] = {"strategy": "fixed", "delay": 7}
        for _ in range(DEEPEST - 1):
            told = {"strategy": "by_group", "groups": {}, "otherwise": told}

        assert retried(namespace, clock, Backoff.of(told)) == 7
        with pytest.raises(Invalid, match=f"at most {DEEPEST} back-offs are asked"):
            namespace.configure(
                "fetch", {"backoff": Backoff.of({"strategy": "by_group", "groups": {}, "otherwise": told})}
            )

    def test_a_slip_is_told_with_what_was_meant(self, namespace: Namespace) -> None:
        with pytest.raises(Invalid, match="linear"):
            namespace.configure("fetch", {"backoff": Backoff("linar")})


@given(st.text(max_size=30), st.dictionaries(st.text(max_size=5), st.none(), max_size=5))
def test_each_group_has_an_answer(group: str, groups: dict[str, None]) -> None:
    answer = ByGroup(groups).next_delay(build_job(), build_failure(group=group), 1)

    if group in groups or any(each.endswith("*") and group.startswith(each[:-1]) for each in groups):
        assert answer is None
    else:
        assert answer == Backoff()

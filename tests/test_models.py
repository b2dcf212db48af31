"""The nouns: what cannot be wrong, and the little that they know."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import cast

import pytest

from qless_flask import models
from qless_flask.errors import Invalid
from qless_flask.models import (
    ENDED,
    Backoff,
    Beat,
    Changes,
    Complete,
    Event,
    EventFilter,
    Failure,
    Filter,
    Finish,
    Job,
    Keep,
    Lease,
    NewJob,
    Pop,
    Popped,
    QueueSettings,
    Rate,
    Recurrence,
    Retention,
    Setting,
    State,
    Unique,
    checked_settings,
    in_force,
    jid_at,
    new_jid,
    setting_message,
)

JOB = Job(
    jid="Jid-1",
    klass="Crawl",
    queue="work",
    state="failed",
    priority=0,
    tags=("x",),
    retries=None,
    remaining=5,
    losses=0,
    pipeline=(),
    worker=None,
    failure=Failure("Broken", "No such HOST", 1.0, "ann", 1),
    created_at=1.0,
    available_at=1.0,
    started_at=None,
    ended_at=2.0,
)
RUNNING = dataclasses.replace(JOB, state="running", worker="ann", ended_at=None)


def test_every_noun_is_frozen_and_slotted() -> None:
    nouns = [cls for _, cls in inspect.getmembers(models, inspect.isclass) if dataclasses.is_dataclass(cls)]

    assert len(nouns) > 20
    for noun in nouns:
        for field in dataclasses.fields(noun):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(object.__new__(noun), field.name, None)
        assert "__slots__" in vars(noun)


def test_a_bad_new_job_tells_all_that_is_wrong() -> None:
    with pytest.raises(Invalid) as caught:
        NewJob("", "{", queue="a b", jid="", priority=512, delay=-1, tags=("",), retries=-1, pipeline=("",))

    assert list(caught.value.fields) == [
        "klass",
        "data",
        "queue",
        "jid",
        "priority",
        "delay",
        "tags.0",
        "retries",
        "pipeline.0",
    ]


def test_a_tag_given_twice_counts_once_in_its_first_place() -> None:
    assert NewJob("K", queue="q", tags=("b", "a", "b")).tags == ("b", "a")
    assert Changes(add_tags=("b", "a", "b"), remove_tags=("c", "c")).add_tags == ("b", "a")
    assert Changes(add_tags=("b", "a", "b"), remove_tags=("c", "c")).remove_tags == ("c",)


def test_a_queue_popped_from_twice_counts_once() -> None:
    assert Pop(("b", "a", "b"), "ann").queues == ("b", "a")


def test_a_job_is_due_at_a_time_or_after_a_delay_not_both() -> None:
    assert NewJob("K", queue="q", at=5.0).at == 5.0
    with pytest.raises(Invalid) as caught:
        NewJob("K", queue="q", at=5.0, delay=5.0)
    assert list(caught.value.fields) == ["at"]


def test_lists_are_kept_as_tuples_so_that_nobody_changes_them() -> None:
    job = NewJob("K", queue="q", pipeline=["a", "b"], tags=["t"])  # type: ignore[arg-type]

    assert (job.pipeline, job.tags) == (("a", "b"), ("t",))


def test_a_popped_is_a_sequence_of_its_leases() -> None:
    a, b = Lease("a", "1"), Lease("b", "2")
    popped = Popped((a, b))

    assert (list(popped), len(popped), popped[1]) == ([a, b], 2, b)
    assert not Popped(())


def test_jids_are_short_and_sort_by_the_time_of_their_making(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(1_700_000_000_000, 1_700_000_002_000, 2))
    monkeypatch.setattr("qless_flask.models.jobs.time.time_ns", lambda: next(moments) * 1_000_000)

    jids = [new_jid() for _ in range(1000)]

    assert jids == sorted(jids)
    assert len(set(jids)) == 1000
    assert {len(jid) for jid in jids} == {14}
    assert all(jid.isascii() and jid.isalnum() for jid in jids)


def test_jids_made_in_one_moment_are_different(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qless_flask.models.jobs.time.time_ns", lambda: 1_700_000_000_000_000_000)

    assert len({new_jid() for _ in range(10_000)}) == 10_000


TIMED = dataclasses.replace(JOB, available_at=10.0, started_at=20.0, ended_at=30.0)
CAME_AT = {"scheduled": 10.0, "depends": 10.0, "waiting": 10.0, "running": 20.0} | dict.fromkeys(ENDED, 30.0)
SINCE = [
    (at + later, dataclasses.replace(TIMED, state=cast(State, state)), told)
    for state, at in CAME_AT.items()
    for later, told in ((-1.0, True), (-0.001, True), (0.0, True), (0.0004, True), (0.001, False), (1.0, False))
]
"""A time, a job, and whether it came into its state then or later."""


@pytest.mark.parametrize(
    ("filter", "job", "expected"),
    [
        (Filter(), JOB, True),
        (Filter(state="failed", queue="work", tag="x", klass="Crawl", group="Broken"), JOB, True),
        (Filter(state="waiting"), JOB, False),
        (Filter(queue="other"), JOB, False),
        (Filter(tag="y"), JOB, False),
        (Filter(klass="crawl"), JOB, False),
        (Filter(group="broken"), JOB, False),
        (Filter(group="Broken"), RUNNING, False),
        (Filter(worker="ann"), RUNNING, True),
        (Filter(worker="ann"), JOB, False),
        (Filter(worker="bob"), RUNNING, False),
        (Filter(key="ann"), dataclasses.replace(JOB, key="ann"), True),
        (Filter(key="ann"), dataclasses.replace(JOB, key="bob"), False),
        (Filter(key="ann"), JOB, False),
        (Filter(tracked=True), JOB, False),
        (Filter(tracked=False), JOB, True),
        (Filter(tracked=True), dataclasses.replace(JOB, tracked=True), True),
        (Filter(q="jid-"), JOB, True),
        (Filter(q="id-1"), JOB, False),
        (Filter(q="RAWL"), JOB, True),
        (Filter(q="roke"), JOB, True),
        (Filter(q="such host"), JOB, True),
        (Filter(q="ann"), JOB, False),
        (Filter(q="work"), JOB, False),
        (Filter(q="crawl"), dataclasses.replace(JOB, failure=None), True),
        (Filter(q="broken"), dataclasses.replace(JOB, failure=None), False),
        *((Filter(since=at), in_state, told) for at, in_state, told in SINCE),
        *((Filter(until=at), in_state, not told) for at, in_state, told in SINCE),
        (Filter(since=5.0, until=6.0), dataclasses.replace(JOB, ended_at=5.0), True),
        (Filter(since=5.0, until=5.0), dataclasses.replace(JOB, ended_at=5.0), False),
    ],
)
def test_a_filter_knows_what_it_asks_for(filter: Filter, job: Job, expected: bool) -> None:
    assert filter.matches(job) is expected


def test_a_filter_keeps_times_to_the_millisecond() -> None:
    assert Filter(since=1.0004, until=1_800_000_000.0015001) == Filter(since=1.0, until=1_800_000_000.002)


MOVED = Event("1", 1.0, "moved", jid="one", queue="fetch", to="parse", tags=("x",))


@pytest.mark.parametrize(
    ("filter", "event", "expected"),
    [
        (EventFilter(), MOVED, True),
        (EventFilter(jid="one", queue="fetch", tag="x"), MOVED, True),
        (EventFilter(queue="parse"), MOVED, True),
        (EventFilter(queue="index"), MOVED, False),
        (EventFilter(jid="two"), MOVED, False),
        (EventFilter(tag="y"), MOVED, False),
        (EventFilter(tracked=True), MOVED, False),
        (EventFilter(tracked=False), MOVED, True),
        (EventFilter(tracked=True), dataclasses.replace(MOVED, tracked=True), True),
        (EventFilter(tracked=True), dataclasses.replace(MOVED, tags=("x", "followed")), True),
        (EventFilter(jid="two", tracked=True), Event("1", 1.0, "gap"), True),
    ],
)
def test_a_filter_of_events_knows_what_it_asks_for(filter: EventFilter, event: Event, expected: bool) -> None:
    assert filter.matches(event, {"followed"}) is expected


@pytest.mark.parametrize(
    ("build", "fields"),
    [
        (lambda: Unique("", 0), {"key", "for"}),
        (
            lambda: Backoff("linear", -1, factor=0.5, max=-1, jitter="some"),  # type: ignore[arg-type]
            {
                "delay",
                "factor",
                "max",
                "jitter",
            },
        ),
        (lambda: Backoff("fixed", 5, max=10), {"max"}),
        (lambda: Beat(Lease("a", "t"), progress="x" * 5000), {"progress"}),
        (lambda: Beat(Lease("a", "t"), progress='"' + "x" * 5000 + '"', data="{"), {"progress", "data"}),
        (lambda: Finish("failed", result="1"), {"result"}),
        (lambda: Complete(Lease("a", "t"), puts=(NewJob("K", queue="q", jid="a", if_exists="replace"),)), {"puts.0"}),
        (lambda: Recurrence("K", queue="q"), {"interval"}),
        (lambda: Recurrence("K", queue="q", interval=5, cron="* * * * *"), {"interval"}),
        (
            lambda: Recurrence("", queue="q", interval=0.5, catchup=0, count=0),
            {"klass", "interval", "catchup", "count"},
        ),
        (
            lambda: NewJob("K", queue="q", depends=("",), max_run=0, expires_in=-1),
            {"depends.0", "max_run", "expires_in"},
        ),
        (lambda: NewJob("K", queue="q", requires=("gpu", ""), key=""), {"requires.1", "key"}),
        (lambda: NewJob("K", queue="q", requires=tuple("abcdefghi")), {"requires"}),
        (lambda: Recurrence("K", queue="q", interval=5, requires=("",), key=""), {"requires.0", "key"}),
        (lambda: Pop(("q",), "ann", capabilities=("",)), {"capabilities.0"}),
        (lambda: Rate(0, 0), {"limit", "per"}),
        (lambda: Keep(-1, -1), {"age", "count"}),
        (lambda: QueueSettings(max_concurrency=0, max_size=0, rate=3), {"max_concurrency", "max_size", "rate"}),  # type: ignore[arg-type]
    ],
)
def test_each_field_at_fault_is_named(build: Callable[[], object], fields: set[str]) -> None:
    with pytest.raises(Invalid) as caught:
        build()

    assert set(caught.value.fields) == fields


def test_one_kind_of_times_takes_the_place_of_the_other() -> None:
    rule = Recurrence("K", queue="q", interval=5)

    daily = rule.changed(cron="0 0 * * *", priority=3)

    assert (daily.interval, daily.cron, daily.priority) == (None, "0 0 * * *", 3)
    assert daily.changed(interval=9).cron is None
    assert daily.changed(count=2).cron == "0 0 * * *"
    with pytest.raises(Invalid):
        rule.changed(interval=5, cron="0 0 * * *")


@pytest.mark.parametrize(
    ("at", "jid"), [(0.0, "n@1970-01-01T00:00:00Z"), (1_700_000_000.25, "n@2023-11-14T22:13:20.250Z")]
)
def test_the_jid_of_a_time_is_always_the_same(at: float, jid: str) -> None:
    assert jid_at("n", at) == jid


def test_a_back_off_may_come_as_json_has_it() -> None:
    assert checked_settings({"backoff": {"strategy": "fixed", "delay": 5}}) == {"backoff": Backoff("fixed", 5)}
    with pytest.raises(Invalid) as caught:
        checked_settings({"backoff": {"strategy": "fixed", "delay": -1, "colour": 1}})
    assert set(caught.value.fields) == {"backoff.delay", "backoff.colour"}


def test_a_rate_and_a_retention_may_come_as_json_has_them() -> None:
    told = {"rate": {"limit": 3, "per": 0.5}, "key_rate": None, "retention": {"failed": {"age": 60, "count": 5}}}

    settings = checked_settings(told)

    assert settings == {"rate": Rate(3, 0.5), "key_rate": None, "retention": Retention(failed=Keep(60, 5))}
    assert checked_settings({name: setting_message(value) for name, value in settings.items()}) == settings


@pytest.mark.parametrize(
    ("told", "fields"),
    [
        ({"rate": {"limit": 3}}, {"rate.per"}),
        ({"rate": {"limit": 0, "per": 5, "colour": 1}}, {"rate.limit", "rate.colour"}),
        ({"key_rate": 5}, {"key_rate"}),
        ({"retention": {"failed": {"age": -1, "count": 5}}}, {"retention.failed.age"}),
        ({"retention": {"failed": {"age": 1}, "lost": {}}}, {"retention.failed.count", "retention.lost"}),
        ({"retention": None, "backoff": None}, {"retention", "backoff"}),
    ],
)
def test_what_cannot_be_of_a_rate_or_a_retention_is_named(told: dict[str, Setting], fields: set[str]) -> None:
    with pytest.raises(Invalid) as caught:
        checked_settings(told)

    assert set(caught.value.fields) == fields


def test_a_queue_says_it_or_its_namespace_or_nobody() -> None:
    namespace: dict[str, Setting] = {"retries": 1, "rate": Rate(3, 1.0)}

    laid = in_force(namespace, {"rate": None})

    assert (laid.retries, laid.rate, laid.max_losses) == (1, None, 3)


def test_what_is_required_and_offered_is_kept_sorted_and_once() -> None:
    assert NewJob("K", queue="q", requires=("gpu", "eu", "gpu")).requires == ("eu", "gpu")
    assert Pop(("q",), "ann", capabilities=("gpu", "eu", "gpu")).capabilities == ("eu", "gpu")


def test_settings_begin_with_the_defaults() -> None:
    assert QueueSettings() == QueueSettings(heartbeat=60.0, retries=5, max_losses=3)


def test_settings_are_checked_each_whole() -> None:
    assert checked_settings({"heartbeat": None, "retries": 0}) == {"heartbeat": None, "retries": 0}
    assert checked_settings({}) == {}
    for changes in ({"heartbeat": 0.05}, {"retries": None}, {"max_losses": -1}, {"retries": True}):
        with pytest.raises(Invalid) as caught:
            checked_settings(changes)
        assert list(caught.value.fields) == list(changes)


def test_all_settings_at_fault_are_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        checked_settings({"heartbeats": 5, "heartbeat": 0.01, "retries": -1})

    assert set(caught.value.fields) == {"heartbeats", "heartbeat", "retries"}


def test_an_unknown_setting_is_told_with_those_that_there_are() -> None:
    with pytest.raises(Invalid) as caught:
        checked_settings({"heartbeats": 5})

    assert list(caught.value.fields) == ["heartbeats"]
    assert "heartbeat, retries, max_losses" in str(caught.value)

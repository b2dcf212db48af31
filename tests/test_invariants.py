"""The checker itself: each rule that a store breaks is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from qless_flask.backends.inspection import StoreView
from qless_flask.models import Complete, Fail, HistoryEntry, NewJob, State
from qless_flask.testing import ManualClock, ModelBackend, check, problems
from qless_flask.testing.model import inspect


@pytest.fixture
def view() -> StoreView:
    """A sound store with a job in each state: s w1 w2 r1 r2 c f x."""
    clock = ManualClock()
    namespace = ModelBackend(clock=clock).namespace("sound")
    namespace.put([NewJob("K", queue="work", jid=jid, tags=("t", jid), priority=9) for jid in ("c", "f", "x")])
    namespace.put([NewJob("K", queue="work", jid=jid, tags=("t",)) for jid in ("r1", "r2", "w1", "w2")])
    namespace.put([NewJob("K", queue="work", jid=jid, delay=delay) for jid, delay in (("s1", 60), ("s2", 70))])
    c, f, _ = namespace.pop(["work"], "ann", 3)
    namespace.settle([Complete(c), Fail(f, group="broken")])
    namespace.cancel(["x"])
    for _ in range(2):
        clock.advance(1)
        namespace.pop(["work"], "bob")
    return inspect(namespace)


def with_job(view: StoreView, at: str, /, **changes: Any) -> StoreView:
    """Change the record of a job."""
    return replace(view, jobs={**view.jobs, at: replace(view.jobs[at], **changes)})


def with_entry(view: StoreView, field: str, key: object, value: object) -> StoreView:
    """Change one entry of a mapping; None deletes it."""
    entries: Mapping[Any, Any] = getattr(view, field)
    changed = {**entries, key: value}
    if value is None:
        del changed[key]
    return replace(view, **{field: changed})  # type: ignore[arg-type]


def told(view: StoreView, *words: str) -> bool:
    """Tell whether one problem has all these words, and check raises it."""
    found = problems(view)
    with pytest.raises(AssertionError) as caught:
        check(view)
    return any(all(word in problem for word in words) and problem in str(caught.value) for problem in found)


def at(state: State) -> tuple[str, State]:
    """Name an index."""
    return "work", state


def test_a_sound_store_has_no_problems(view: StoreView) -> None:
    assert problems(view) == []
    assert sorted(view.jobs) == ["c", "f", "r1", "r2", "s1", "s2", "w1", "w2", "x"]
    check(view)


def test_a_job_that_stands_in_no_index_is_told(view: StoreView) -> None:
    broken = with_entry(with_entry(view, "indexes", at("waiting"), ("w2",)), "counts", at("waiting"), 1)

    assert told(broken, "w1", "stands in []")


def test_a_job_that_stands_in_a_second_index_is_told(view: StoreView) -> None:
    broken = with_entry(with_entry(view, "indexes", at("complete"), ("c", "w1")), "counts", at("complete"), 2)

    assert told(broken, "w1", "waiting", "complete")


def test_a_job_that_stands_twice_in_its_index_is_told(view: StoreView) -> None:
    broken = with_entry(with_entry(view, "indexes", at("waiting"), ("w1", "w1", "w2")), "counts", at("waiting"), 3)

    assert told(broken, "w1", "stands in")


def test_a_job_that_stands_in_the_index_of_another_queue_is_told(view: StoreView) -> None:
    broken = replace(
        view,
        indexes={**view.indexes, at("complete"): (), ("other", "complete"): ("c",)},
        counts={**view.counts, at("complete"): 0, ("other", "complete"): 1},
        queues=frozenset({"work", "other"}),
    )

    assert told(broken, "c is complete in work", "other")


def test_an_index_entry_without_a_record_is_told(view: StoreView) -> None:
    broken = with_entry(with_entry(view, "indexes", at("complete"), ("c", "ghost")), "counts", at("complete"), 2)

    assert told(broken, "ghost", "no record")


def test_a_wrong_count_is_told(view: StoreView) -> None:
    assert told(with_entry(view, "counts", at("waiting"), 3), "3 are counted as waiting", "2 there are")
    assert told(with_entry(view, "counts", at("failed"), None), "0 are counted as failed", "1 there are")
    assert told(with_entry(view, "counts", ("gone", "waiting"), -1), "-1 are counted")


@pytest.mark.parametrize(
    ("state", "jids"), [("waiting", ("w2", "w1")), ("scheduled", ("s2", "s1")), ("running", ("r2", "r1"))]
)
def test_an_index_out_of_order_is_told(view: StoreView, state: State, jids: tuple[str, ...]) -> None:
    assert told(with_entry(view, "indexes", at(state), jids), f"what is {state} in work is out of order")


def test_a_waiting_index_goes_by_priority_first(view: StoreView) -> None:
    assert told(with_job(view, "w2", priority=1), "what is waiting in work is out of order")


def test_two_jobs_at_one_place_are_told(view: StoreView) -> None:
    assert told(with_entry(view, "places", "w2", view.places["w1"]), "2 jobs have the place")
    assert told(with_entry(view, "places", "r1", view.places["w1"]), "2 jobs have the place")
    assert told(with_entry(view, "places", "w1", None), "the place None")


def test_a_missing_tag_is_told(view: StoreView) -> None:
    assert told(with_entry(view, "tags", "t", view.tags["t"] - {"w1"}), "tag t", "w1")
    assert told(with_entry(view, "tags", "c", None), "tag c", "None")


def test_a_tag_that_no_job_has_is_told(view: StoreView) -> None:
    assert told(with_entry(view, "tags", "t", view.tags["t"] | {"s1"}), "tag t", "s1")
    assert told(with_entry(view, "tags", "old", frozenset()), "tag old")


def test_a_wrong_group_is_told(view: StoreView) -> None:
    assert told(with_entry(view, "groups", "broken", None), "group broken")
    assert told(with_entry(view, "groups", "broken", frozenset({"f", "c"})), "group broken", "'c'")
    assert told(with_entry(view, "groups", "old", frozenset()), "group old")


def test_a_wrong_count_of_a_worker_is_told(view: StoreView) -> None:
    assert told(with_entry(view, "workers", "bob", 1), "1 jobs are counted as run by bob", "2 there are")
    assert told(with_entry(view, "workers", "ann", 1), "1 jobs are counted as run by ann", "0 there are")
    assert told(with_entry(view, "workers", "bob", None), "run by bob")


def test_a_token_is_there_where_a_job_runs_and_only_there(view: StoreView) -> None:
    assert told(with_entry(view, "tokens", "r1", None), "r1 runs without a token")
    assert told(with_entry(view, "tokens", "w1", "x"), "w1 has a token and does not run")
    assert told(with_entry(view, "expiries", "w1", 5.0), "w1 has a lease that expires and does not run")


def test_a_token_of_two_jobs_is_told(view: StoreView) -> None:
    assert told(with_entry(view, "tokens", "r1", view.tokens["r2"]), "is that of 2 jobs")


def test_a_queue_with_jobs_that_is_not_known_is_told(view: StoreView) -> None:
    assert told(replace(view, queues=frozenset()), "the queue work has jobs and is not known")


def test_what_belongs_to_nothing_is_told(view: StoreView) -> None:
    assert told(replace(view, strays=("key 5",)), "key 5 belongs to nothing")


@pytest.mark.parametrize(
    ("jid", "changes", "words"),
    [
        ("w1", {"jid": "other"}, "calls itself other"),
        ("w1", {"state": "stalled"}, "in no state that there is"),
        ("w1", {"data": None}, "no data"),
        ("w1", {"remaining": -1}, "-1 retries remaining"),
        ("w1", {"retries": 2, "remaining": 3}, "3 retries remaining, of 2"),
        ("w1", {"losses": -1}, "-1 losses"),
        ("w1", {"history": ()}, "0 entries of history"),
        ("w1", {"history": (HistoryEntry(1.0, "put"),) * 101}, "101 entries of history"),
        ("w1", {"priority": 512}, "priority 512"),
        ("w1", {"tags": tuple(f"{number}" for number in range(33))}, "too many tags"),
        ("w1", {"tags": ("t", "t")}, "one twice"),
        ("w1", {"pipeline": ("q",) * 101}, "101 queues to go"),
        ("w1", {"worker": "ann"}, "its worker is ann"),
        ("r1", {"worker": None}, "its worker is None"),
        ("r1", {"started_at": None}, "never started"),
        ("c", {"ended_at": None}, "ended at None"),
        ("w1", {"ended_at": 5.0}, "ended at 5.0"),
        ("f", {"failure": None}, "failed without a failure"),
    ],
)
def test_a_record_that_cannot_be_is_told(view: StoreView, jid: str, changes: dict[str, Any], words: str) -> None:
    assert told(with_job(view, jid, **changes), words)


def test_a_complete_job_with_a_failure_is_told(view: StoreView) -> None:
    assert told(with_job(view, "c", failure=view.jobs["f"].failure), "c is complete with a failure")

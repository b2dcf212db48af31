"""The checker itself: each rule that a store breaks is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from qless_flask.backends.inspection import StoreView
from qless_flask.models import Changes, Complete, Fail, HistoryEntry, NewJob, Recurrence, State, Unique
from qless_flask.testing import ManualClock, ModelBackend, check, problems
from qless_flask.testing.model import inspect


@pytest.fixture
def view() -> StoreView:
    """A sound store with jobs in each state, s1 s2 w1 w2 r1 r2 c f x d1 d2, and a recurrence."""
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
    namespace.put([NewJob("K", queue="work", jid="d1", depends=("f", "w1"), expires_in=60)])
    clock.advance(1)
    namespace.put([NewJob("K", queue="work", jid="d2", depends=("d1",), unique=Unique("key"))])
    namespace.update(["w2"], Changes(tracked=True))
    namespace.recur(Recurrence("K", queue="work", id="often", interval=60))
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
    assert sorted(view.jobs) == ["c", "d1", "d2", "f", "r1", "r2", "s1", "s2", "w1", "w2", "x"]
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
    ("state", "jids"),
    [("waiting", ("w2", "w1")), ("scheduled", ("s2", "s1")), ("running", ("r2", "r1")), ("depends", ("d2", "d1"))],
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


def test_what_a_job_waits_for_is_kept_as_it_is_shown(view: StoreView) -> None:
    assert told(with_entry(view, "depends", "d2", frozenset({"d1", "w1"})), "d2 shows that it waits for {'d1'}")
    assert told(with_entry(view, "depends", "d2", None), "d2 shows", "None is kept")
    assert told(with_entry(view, "depends", "w1", frozenset({"w2"})), "w1 shows that it waits for None")


def test_a_dependent_that_is_not_kept_with_its_parent_is_told(view: StoreView) -> None:
    assert told(with_entry(view, "dependents", "d1", None), "dependents of d1", "should hold {'d2'}")
    assert told(with_entry(view, "dependents", "d1", frozenset({"d2", "w1"})), "dependents of d1", "w1")
    assert told(with_entry(view, "dependents", "x", frozenset()), "dependents of x")


def test_a_job_that_waits_for_one_that_is_not_there_is_told(view: StoreView) -> None:
    assert told(with_entry(view, "jobs", "f", None), "{'d1'} wait for f, which is not there")


def test_jobs_that_wait_for_themselves_are_told(view: StoreView) -> None:
    broken = with_job(view, "d1", depends=("d2", "f"))
    broken = with_entry(broken, "depends", "d1", frozenset({"d2", "f"}))

    assert told(broken, "wait for themselves", "d1", "d2")


def test_a_dependent_that_nobody_will_tell_is_told(view: StoreView) -> None:
    assert told(with_job(view, "d1", on_parent_end="run"), "d1 waits for f, which is failed, and nobody will tell it")
    assert told(with_job(view, "d1", on_parent_end="cancel"), "d1 waits for f")
    assert told(with_job(view, "f", state="complete"), "d1 waits for f, which is complete")
    assert not told(replace(with_job(view, "f", state="complete"), untold=frozenset({"f"})), "d1 waits for f")


def test_a_unique_key_that_nobody_holds_is_told(view: StoreView) -> None:
    assert told(with_entry(view, "unique", "key", None), "d2 is depends, and its unique key key is held by None")
    assert told(with_entry(view, "unique", "key", "w1"), "d2 is depends, and its unique key key is held by w1")


def test_a_job_that_came_back_from_its_end_need_not_hold_its_unique_key(view: StoreView) -> None:
    history = (HistoryEntry(1.0, "put"), HistoryEntry(1.0, "canceled"), HistoryEntry(1.0, "moved"))

    assert problems(with_entry(with_job(view, "d2", history=history), "unique", "key", None)) == []


def test_a_unique_key_that_the_wrong_job_holds_is_told(view: StoreView) -> None:
    assert told(with_entry(view, "unique", "key", "w1"), "key is held by w1, which is not there or has another")
    assert told(with_entry(view, "unique", "other", "d2"), "other is held by d2")
    assert told(with_entry(view, "unique", "other", "ghost"), "other is held by ghost")


def test_a_unique_key_that_is_held_for_a_time_outlives_its_job(view: StoreView) -> None:
    held = with_entry(with_job(view, "c", unique=Unique("old", 5)), "unique", "old", "c")

    assert problems(held) == []
    assert told(with_job(held, "c", unique=Unique("old")), "old is held by c, which is complete")
    assert told(with_entry(with_job(view, "x", unique=Unique("old", 5)), "unique", "old", "x"), "which is canceled")


def test_a_wrong_time_to_be_popped_before_is_told(view: StoreView) -> None:
    start_by = view.start_by["d1"]

    assert told(with_entry(view, "start_by", "d1", None), "d1 is to be popped before None", str(start_by))
    assert told(with_entry(view, "start_by", "d1", start_by + 1), "d1 is to be popped before", str(start_by))
    assert told(with_entry(view, "start_by", "w1", start_by), "w1 is to be popped", "should be before None")
    assert told(with_entry(view, "start_by", "ghost", start_by), "ghost is to be popped")
    assert told(with_job(view, "d1", started_at=5.0), "d1 is to be popped", "should be before None")


def test_a_job_that_came_back_from_its_end_need_not_be_popped_in_time(view: StoreView) -> None:
    history = (HistoryEntry(1.0, "put"), HistoryEntry(1.0, "canceled"), HistoryEntry(1.0, "moved"))

    assert problems(with_entry(with_job(view, "d1", history=history), "start_by", "d1", None)) == []


def test_a_wrong_index_of_what_is_tracked_is_told(view: StoreView) -> None:
    assert told(replace(view, tracked=frozenset()), "tracked holds set(), and should hold {'w2'}")
    assert told(replace(view, tracked=frozenset({"w1", "w2"})), "tracked holds", "w1")


def test_a_wrong_counter_of_a_tag_is_told(view: StoreView) -> None:
    figures = dict(view.figures["t"])

    assert told(with_entry(view, "figures", "t", {**figures, "waiting": 3}), "counters of the tag t", "'waiting': 3")
    assert told(with_entry(view, "figures", "t", {**figures, "depends": -1}), "counters of the tag t", "'depends': -1")
    assert told(with_entry(view, "figures", "t", None), "counters of the tag t")
    assert told(with_entry(view, "figures", "old", {"failed": 1}), "counters of the tag old")
    assert problems(with_entry(view, "figures", "t", {**figures, "depends": 0})) == []


def test_a_wrong_counter_of_a_failure_group_is_told(view: StoreView) -> None:
    wrong = {("queue", "work"): 1, ("klass", "K"): 2}

    assert told(with_entry(view, "touched", "broken", wrong), "counters of the group broken", "('klass', 'K'): 2")
    assert told(with_entry(view, "touched", "broken", None), "counters of the group broken")
    assert told(with_entry(view, "touched", "old", wrong), "counters of the group old")


def test_a_wrong_time_of_a_recurrence_is_told(view: StoreView) -> None:
    often = view.recurrences["often"]

    assert told(with_entry(view, "due", "often", None), "often is due at None")
    assert told(with_entry(view, "due", "often", 5.0), "often is due at 5.0")
    assert told(with_entry(view, "due", "gone", 5.0), "gone is due at 5.0, and should be at None")
    assert told(with_entry(view, "recurrences", "often", replace(often, paused=True)), "should be at None")
    assert told(with_entry(view, "recurrences", "often", replace(often, next_at=None)), "should be at None")


def test_a_recurrence_that_cannot_be_is_told(view: StoreView) -> None:
    often = view.recurrences["often"]
    once = replace(often, rule=replace(often.rule, count=1), fired=1)

    assert told(with_entry(view, "recurrences", "often", once), "often has fired 1 times of 1 and goes on")
    assert told(with_entry(view, "recurrences", "often", replace(often, fired=-1)), "fired -1 times")
    other = replace(often, rule=replace(often.rule, id="other"))
    assert told(with_entry(view, "recurrences", "often", other), "the recurrence at often calls itself other")


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
    assert told(replace(view, strays=("key 5",)), "there should not be: key 5")


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
        ("d1", {"depends": ()}, "d1 is depends, and waits for ()"),
        ("w1", {"depends": ("w2",)}, "w1 is waiting, and waits for ('w2',)"),
    ],
)
def test_a_record_that_cannot_be_is_told(view: StoreView, jid: str, changes: dict[str, Any], words: str) -> None:
    assert told(with_job(view, jid, **changes), words)


def test_a_complete_job_with_a_failure_is_told(view: StoreView) -> None:
    assert told(with_job(view, "c", failure=view.jobs["f"].failure), "c is complete with a failure")

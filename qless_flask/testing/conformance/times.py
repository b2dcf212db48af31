"""Looking jobs up, and changing them, by when they came into the state that they are in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.models import Cancel, Changed, Changes, Fail, Filter, Move, NewJob, Release, Retry, State, Update
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    end,
    many,
    peek,
    pop,
    pop_all,
    put,
    renew,
    run,
    states,
    walk,
)


def come(namespace: Namespace, clock: ManualClock, state: State, *jids: str) -> float:
    """Let jobs of work come into a state a second apart, the first of them now, and answer when that is."""
    begin = clock()
    if state == "depends":
        put(namespace, "parent", queue="parents")
    for number, jid in enumerate(jids):
        if state == "scheduled":
            namespace.put([NewJob("Crawl", queue="work", jid=jid, at=begin + 100 + number, tags=("t",))])
            continue
        put(namespace, jid, tags=("t",), depends=("parent",) if state == "depends" else ())
        if state == "running":
            pop(namespace)
        elif state not in ("depends", "waiting"):
            end(namespace, jid, state)
        clock.advance(1)
    return begin + 100 if state == "scheduled" else begin


each_state = pytest.mark.parametrize(
    "state", ["scheduled", "depends", "waiting", "running", "complete", "failed", "canceled"]
)
each_state_by_time = pytest.mark.parametrize("state", ["scheduled", "depends", "complete", "failed", "canceled"])


class TestSelectByTime:
    """`since` and `until`: from then on, and before then."""

    @each_state
    def test_a_job_is_found_from_when_it_came_into_its_state_until_before_that(
        self, namespace: Namespace, clock: ManualClock, state: State
    ) -> None:
        begin = come(namespace, clock, state, "a", "b", "c", "d")

        for asked in (Filter(queue="work", state=state), Filter(queue="work")):

            def found(since: float | None, until: float | None, asked: Filter = asked) -> list[str]:
                return sorted(walk(namespace, replace(asked, since=since, until=until)))

            assert found(begin + 1, None) == ["b", "c", "d"]
            assert found(None, begin + 2) == ["a", "b"]
            assert found(begin + 1, begin + 3) == ["b", "c"]
            assert found(begin + 1.001, begin + 2.001) == ["c"]
            assert found(begin + 1, begin + 1) == []
            assert found(begin + 9, None) == found(None, begin) == []
        assert sorted(walk(namespace, Filter(tag="t", since=begin + 1, until=begin + 3))) == ["b", "c"]
        assert sorted(walk(namespace, Filter(state=state, since=begin + 1, until=begin + 3))) == ["b", "c"]

    @each_state
    def test_their_order_is_that_of_their_state(self, namespace: Namespace, clock: ManualClock, state: State) -> None:
        begin = come(namespace, clock, state, "d", "b", "c", "a")

        found = walk(namespace, Filter(queue="work", state=state, since=begin + 1, until=begin + 3))

        assert found == [jid for jid in peek(namespace, state=state) if jid in ("b", "c")]

    @each_state
    def test_pages_of_any_size_hold_every_job_once(
        self, namespace: Namespace, clock: ManualClock, state: State
    ) -> None:
        begin = come(namespace, clock, state, *(f"job {number}" for number in range(9)))
        filter = Filter(queue="work", state=state, since=begin + 2, until=begin + 7)

        found = walk(namespace, filter, 1000)

        assert sorted(found) == [f"job {number}" for number in range(2, 7)]
        assert all(walk(namespace, filter, limit) == found for limit in (1, 2, 4, 5, 6))

    def test_many_of_one_moment_are_all_within_or_none(self, namespace: Namespace, clock: ManualClock) -> None:
        begin = clock()
        for delay in (5, 6, 7):
            put(namespace, *(f"{letter} {delay}" for letter in "cab"), delay=delay)

        within = Filter(queue="work", state="scheduled", since=begin + 6, until=begin + 7)

        assert walk(namespace, within, 1) == walk(namespace, within, 2) == ["a 6", "b 6", "c 6"]

    def test_a_walk_goes_from_queue_to_queue(self, namespace: Namespace, clock: ManualClock) -> None:
        for name in ("one", "two", "three"):
            for number in range(3):
                end_in(namespace, name, f"{name} {number}")
                clock.advance(1)

        filter = Filter(state="complete", since=clock() - 8, until=clock() - 1)

        expected = ["one 1", "one 2", "three 0", "three 1", "two 0", "two 1", "two 2"]
        assert all(sorted(walk(namespace, filter, limit)) == expected for limit in (1, 2, 3, 50))

    def test_what_runs_is_found_by_its_pop_whatever_its_heartbeats(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "a", "b")
        clock.advance(5)
        lease, begin = pop(namespace), clock()
        clock.advance(30)
        pop(namespace)
        renew(namespace, lease)

        assert walk(namespace, Filter(queue="work", state="running", until=begin)) == []
        assert walk(namespace, Filter(queue="work", state="running", since=begin, until=begin + 30)) == ["a"]
        assert walk(namespace, Filter(worker="ann", since=begin + 30)) == ["b"]

    def test_what_waits_again_is_found_by_when_that_began(self, namespace: Namespace, clock: ManualClock) -> None:
        begin = clock()
        lease = run(namespace, "a")
        put(namespace, "b")
        clock.advance(5)

        namespace.settle([Release(lease)])

        assert walk(namespace, Filter(queue="work", state="waiting", since=begin + 5)) == ["a"]
        assert walk(namespace, Filter(queue="work", state="waiting", until=begin + 5)) == ["b"]

    def test_what_is_retried_is_found_by_when_it_is_due(self, namespace: Namespace, clock: ManualClock) -> None:
        due = clock() + 100
        namespace.settle([Retry(run(namespace), delay=100)])

        assert walk(namespace, Filter(state="scheduled", since=due)) == ["a"]
        assert walk(namespace, Filter(state="scheduled", until=due)) == []

    @pytest.mark.parametrize("state", ["complete", "failed", "canceled"])
    def test_what_ended_twice_is_found_by_its_last_end(
        self, namespace: Namespace, clock: ManualClock, state: State
    ) -> None:
        put(namespace, "a")
        end(namespace, "a", state)
        clock.advance(5)
        moved = clock()
        namespace.move(["a"], "work")
        assert walk(namespace, Filter(until=moved)) == []
        assert walk(namespace, Filter(since=moved)) == ["a"]
        clock.advance(5)

        end(namespace, "a", state)

        assert walk(namespace, Filter(queue="work", state=state, until=moved + 5)) == []
        assert walk(namespace, Filter(queue="work", state=state, since=moved + 5)) == ["a"]

    def test_all_else_that_is_asked_for_must_be_so_too(self, namespace: Namespace, clock: ManualClock) -> None:
        begin = clock()
        for jid in ("a", "b"):
            namespace.put(
                [
                    NewJob("Crawl", queue="work", jid=jid, key="k"),
                    NewJob("Parse", queue="work", jid=f"{jid}2", tags=("t",)),
                ]
            )
            namespace.update([jid], Changes(tracked=True))
            for lease in namespace.pop(["work"], "ann", 2):
                klass = lease.job.klass if lease.job else ""
                namespace.settle([Fail(lease, group=klass, message=f"no {klass}")])
            clock.advance(1)

        for more in ({"klass": "Crawl"}, {"key": "k"}, {"tracked": True}, {"group": "Crawl"}, {"q": "no crawl"}):
            for place in ({}, {"state": "failed"}, {"queue": "work", "state": "failed"}):
                assert walk(namespace, Filter(**more, **place, since=begin + 1)) == ["b"]  # type: ignore[arg-type]
                assert walk(namespace, Filter(**more, **place, until=begin + 1)) == ["a"]  # type: ignore[arg-type]
        assert walk(namespace, Filter(tag="t", queue="work", since=begin + 1)) == ["b2"]

    @each_state_by_time
    def test_where_jobs_go_by_time_no_others_are_read(
        self, namespace: Namespace, clock: ManualClock, state: State
    ) -> None:
        begin = come(namespace, clock, state, *many(40))
        filter = Filter(queue="work", state=state, since=begin + 15, until=begin + 20)

        page = namespace.select(filter)
        first = namespace.select(filter, None, 2)
        second = namespace.select(filter, first.next, 2)

        assert (len(page.jobs), len(first.jobs), len(second.jobs)) == (5, 2, 2)
        assert (page.next, page.scanned) == (None, 5)
        assert max(first.scanned, second.scanned) <= 3

    def test_nor_are_they_of_a_group(self, namespace: Namespace, clock: ManualClock) -> None:
        begin = come(namespace, clock, "failed", *many(40))

        page = namespace.select(Filter(group="broken", since=begin + 15, until=begin + 20))

        assert sorted(job.jid for job in page.jobs) == ["00015", "00016", "00017", "00018", "00019"]
        assert page.scanned == 5

    def test_elsewhere_no_more_than_a_thousand_records_are_read_a_call(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, *many(1000))
        clock.advance(1)
        put(namespace, "late")
        filter = Filter(queue="work", state="waiting", since=clock())

        page = namespace.select(filter)

        assert (page.jobs, page.scanned) == ((), 1000)
        assert page.next is not None
        assert walk(namespace, filter) == ["late"]

    def test_times_are_told_to_the_millisecond(self, namespace: Namespace, clock: ManualClock) -> None:
        clock.advance(0.001)
        put(namespace, "a")
        end(namespace, "a")
        at = clock()

        for since in (at, at - 0.0004, at + 0.0004):
            assert walk(namespace, Filter(queue="work", state="complete", since=since)) == ["a"]
            assert walk(namespace, Filter(queue="work", state="complete", until=since)) == []
        assert walk(namespace, Filter(queue="work", state="complete", since=at + 0.001)) == []
        assert walk(namespace, Filter(queue="work", state="complete", until=at + 0.001)) == ["a"]


class TestChangeByTime:
    """What happened between then and then, undone."""

    @each_state
    def test_only_those_of_the_time_are_changed(self, namespace: Namespace, clock: ManualClock, state: State) -> None:
        begin = come(namespace, clock, state, "a", "b", "c", "d")
        filter = Filter(queue="work", state=state, since=begin + 1, until=begin + 3)

        changed = namespace.change(filter, Update(Changes(priority=7)))

        assert changed == Changed(2, 2, None)
        found = namespace.get(["a", "b", "c", "d"])
        assert [job.priority for job in found if job] == [0, 7, 7, 0]

    def test_step_by_step_those_that_failed_in_an_hour_go_back(self, namespace: Namespace, clock: ManualClock) -> None:
        begin = come(namespace, clock, "failed", *many(12))
        filter = Filter(queue="work", state="failed", since=begin + 3, until=begin + 10)
        steps = [namespace.change(filter, Move(), 3)]

        while steps[-1].next:
            steps.append(namespace.change(filter, Move(), 3, steps[-1].next))

        assert sum(step.changed for step in steps) == 7
        assert sorted(pop_all(namespace)) == many(12)[3:10]

    def test_a_dry_run_counts_them(self, namespace: Namespace, clock: ManualClock) -> None:
        begin = come(namespace, clock, "waiting", "a", "b", "c")

        assert namespace.change(Filter(since=begin + 1), Cancel(), dry_run=True).matched == 2

        assert states(namespace, "a", "b", "c") == ["waiting"] * 3


def end_in(namespace: Namespace, queue: str, jid: str) -> None:
    """Complete a job of a queue."""
    put(namespace, jid, queue=queue)
    end(namespace, jid)

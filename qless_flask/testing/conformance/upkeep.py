"""Upkeep: promote and prune."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import Invalid, JobNotFound
from qless_flask.models import Complete, Filter, Promoted, Pruned, Release
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.by_hand import bring
from qless_flask.testing.conformance.scenes import (
    Check,
    get,
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
    states,
    unchanged,
    walk,
)

HOUR = 3600
DAY = 86_400


class TestPromote:
    """Due jobs and lost leases, in all queues."""

    def test_with_nothing_to_do_it_does_nothing(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a", delay=60)
        run(namespace, "b")

        with unchanged(namespace, check):
            assert namespace.promote() == Promoted(promoted=0, lost=0, more=False)

    def test_it_makes_due_jobs_of_all_queues_available(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", queue="one", delay=5)
        put(namespace, "b", queue="two", delay=5)
        put(namespace, "c", queue="two", delay=5.001)
        clock.advance(5)

        assert namespace.promote() == Promoted(promoted=2, lost=0, more=False)

        assert states(namespace, "a", "b", "c") == ["waiting", "waiting", "scheduled"]
        assert get(namespace).available_at == clock()

    def test_it_takes_lost_leases_back_in_all_queues(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace, "a", queue="one")
        run(namespace, "b", queue="two")
        namespace.configure("two", {"max_losses": 0})
        clock.advance(60)

        assert namespace.promote() == Promoted(promoted=0, lost=2, more=False)

        assert states(namespace, "a", "b") == ["waiting", "failed"]

    def test_it_attends_to_paused_queues_too(self, namespace: Namespace, clock: ManualClock) -> None:
        run(namespace, "a")
        put(namespace, "b", delay=1)
        namespace.pause("work")
        clock.advance(60)

        assert namespace.promote() == Promoted(promoted=1, lost=1, more=False)

    def test_places_are_taken_in_order_of_due_time_then_jid(self, namespace: Namespace, clock: ManualClock) -> None:
        for jid, delay in {"d": 3, "c": 2, "b": 2, "a": 9, "e": 1}.items():
            put(namespace, jid, delay=delay)
        clock.advance(9)

        namespace.promote(2)
        namespace.promote()

        assert peek(namespace) == ["e", "b", "c", "d", "a"]

    def test_it_does_no_more_than_its_limit_and_tells_that_there_is_more(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "a", "b", "c", queue="one")
        namespace.pop(["one"], "ann", 2)
        put(namespace, "d", "e", queue="one", delay=5)
        put(namespace, "f", queue="two", delay=5)
        clock.advance(60)

        assert namespace.promote(3) == Promoted(promoted=1, lost=2, more=True)
        assert states(namespace, "d", "e", "f") == ["waiting", "scheduled", "scheduled"]
        assert namespace.promote(1) == Promoted(promoted=1, lost=0, more=True)
        assert namespace.promote(5) == Promoted(promoted=1, lost=0, more=False)

    def test_it_is_told_queue_by_queue_lost_leases_first(self, namespace: Namespace, clock: ManualClock) -> None:
        for name in ("b", "a"):
            run(namespace, f"{name} lost", queue=name)
            put(namespace, f"{name} due", queue=name, delay=1)
        clock.advance(60)

        namespace.promote()

        told = [(event.event, event.jid) for event in seen_events(namespace)][-4:]
        assert told == [("lost", "a lost"), ("promoted", "a due"), ("lost", "b lost"), ("promoted", "b due")]
        event = last_event(namespace)
        assert (event.queue, event.state, event.worker, event.at) == ("b", "waiting", None, clock())
        entry = get(namespace, "b due").history[-1]
        assert (entry.event, entry.queue, entry.worker, entry.group) == ("promoted", None, None, None)

    def test_a_thousand_are_promoted_at_once(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, *(f"{number:04}" for number in range(1000)), delay=1)
        clock.advance(1)

        assert namespace.promote().promoted == 1000
        assert pop_all(namespace) == [f"{number:04}" for number in range(1000)]

    @pytest.mark.parametrize("limit", [0, 1001])
    def test_a_step_is_of_one_to_a_thousand(self, namespace: Namespace, limit: int) -> None:
        with pytest.raises(Invalid):
            namespace.promote(limit)
        with pytest.raises(Invalid):
            namespace.prune(limit)


class TestPrune:
    """What ended is kept for a time."""

    @pytest.mark.parametrize(("state", "seconds"), [("complete", 7 * DAY), ("canceled", DAY), ("failed", 90 * DAY)])
    def test_a_job_is_deleted_when_its_time_is_over(
        self, namespace: Namespace, clock: ManualClock, state: str, seconds: float
    ) -> None:
        bring(namespace, state)
        clock.advance(seconds - 0.001)
        assert namespace.prune() == Pruned(jobs=0, more=False)
        assert get(namespace).state == state

        clock.advance(0.001)

        assert namespace.prune() == Pruned(jobs=1, more=False)
        assert namespace.get(["a"]) == [None]
        event = last_event(namespace)
        assert (event.event, event.jid, event.queue, event.at) == ("pruned", "a", "work", clock())
        assert (event.state, event.worker, event.group) == (None, None, None)

    @pytest.mark.parametrize("state", ["scheduled", "depends", "waiting", "running"])
    def test_a_job_that_has_not_ended_is_never_deleted(
        self, namespace: Namespace, clock: ManualClock, state: str
    ) -> None:
        bring(namespace, state)
        clock.advance(1000 * DAY)

        assert namespace.prune() == Pruned(jobs=0, more=False)
        assert get(namespace).state == state

    def test_nothing_is_left_of_a_pruned_job(self, namespace: Namespace, clock: ManualClock, check: Check) -> None:
        lease = run(namespace, tags=("t",), data='"' + "x" * 3000 + '"', retries=0, pipeline=("next",))
        namespace.log(lease, "line")
        from qless_flask.models import Fail

        namespace.settle([Fail(lease, group="broken")])
        clock.advance(90 * DAY)

        namespace.prune()

        view = check()
        assert (view.jobs, view.tags, view.groups, view.strays) == ({}, {}, {}, ())
        assert walk(namespace, Filter(tag="t")) == walk(namespace, Filter(group="broken")) == []
        assert queue(namespace).failed == 0
        with pytest.raises(JobNotFound):
            namespace.lines("a")
        assert namespace.settle([Fail(lease, group="broken")]) == [JobNotFound.about("a")]
        assert renew(namespace, lease) == [JobNotFound.about("a")]

    def test_a_pruned_jid_can_be_put_again(self, namespace: Namespace, clock: ManualClock) -> None:
        bring(namespace, "canceled")
        clock.advance(DAY)
        namespace.prune()

        put(namespace, "a")

        assert [entry.event for entry in get(namespace).history] == ["put"]
        assert namespace.lines("a") == []

    def test_the_longest_ended_go_first_in_bounded_steps(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", "c", "d")
        for jid in "cadb":
            namespace.cancel([jid])
            clock.advance(1)
        clock.advance(DAY)

        assert namespace.prune(2) == Pruned(jobs=2, more=True)
        assert [job.jid for job in namespace.get(["a", "b", "c", "d"]) if job] == ["b", "d"]
        assert namespace.prune(2).jobs == 2
        assert namespace.prune(2) == Pruned(jobs=0, more=False)

    def test_all_queues_are_pruned(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", queue="one")
        put(namespace, "b", queue="two")
        namespace.cancel(["a", "b"])
        clock.advance(DAY)

        assert namespace.prune() == Pruned(jobs=2, more=False)
        assert [each.name for each in namespace.queues()] == ["one", "two"]

    def test_a_moved_job_is_kept(self, namespace: Namespace, clock: ManualClock) -> None:
        bring(namespace, "canceled")
        namespace.move(["a"], "work")
        clock.advance(DAY)

        assert namespace.prune().jobs == 0

    def test_a_queue_keeps_ten_thousand_canceled_jobs(
        self, backend: Backend, namespace: Namespace, clock: ManualClock, check: Check
    ) -> None:
        # Not looked over after every operation: that takes too long with so many.
        unchecked = backend.namespace(namespace.name)
        jids = [f"{number:05}" for number in range(10_003)]
        for begin, end in [(0, 3), *((begin, begin + 1000) for begin in range(3, 10_003, 1000))]:
            unchecked.put([new(jid) for jid in jids[begin:end]])
            unchecked.cancel(jids[begin:end])
            clock.advance(1)

        while unchecked.promote().more:
            pass

        assert unchecked.prune() == Pruned(jobs=3, more=False)
        assert queue(unchecked).canceled == 10_000
        assert [job.jid for job in unchecked.get(jids[:4]) if job] == ["00003"]
        assert unchecked.prune() == Pruned(jobs=0, more=False)
        check()

    def test_events_are_kept_an_hour(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a")
        clock.advance(1)
        put(namespace, "b")

        clock.advance(HOUR - 1.001)
        namespace.prune()
        assert len(seen_events(namespace)) == 2
        clock.advance(0.001)
        namespace.prune()
        assert [event.jid for event in seen_events(namespace)] == ["b"]

    def test_workers_are_forgotten_that_were_not_seen_for_a_day(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.pop(["work"], "ann")
        namespace.configure("work", {"heartbeat": None})
        lease = run(namespace)
        clock.advance(5)
        namespace.pop(["work"], "bob")

        clock.advance(DAY - 2)
        namespace.prune()
        assert [worker.name for worker in namespace.workers()] == ["ann", "bob"]
        clock.advance(5)
        namespace.prune()
        # ann still holds a lease.
        assert [worker.name for worker in namespace.workers()] == ["ann"]
        namespace.settle([Release(lease)])
        namespace.prune()
        assert namespace.workers() == []

    def test_a_worker_is_forgotten_at_the_end_of_that_day(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.pop(["work"], "ann")

        clock.advance(DAY)
        namespace.prune()

        assert namespace.workers() == []

    def test_a_completed_pipeline_is_kept_in_its_last_queue(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.settle([Complete(run(namespace, pipeline=("next",)))])
        clock.advance(7 * DAY)
        namespace.settle([Complete(pop(namespace, "next"))])

        assert namespace.prune().jobs == 0
        assert queue(namespace, "next").complete == 1

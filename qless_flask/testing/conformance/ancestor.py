"""What the ancestor, qless, would fail: its known faults.

Each docstring names the fault, by its number where it has one. Those that are not here are tested elsewhere, by a name
that says the same: jids without a job (7) and keys of one hash tag (3) with the Redis scripts, costs in long queues
(8, 9, 26) with SQLite's plans, places among equals (15, 16) and upkeep of paused queues (27) with pops and updates,
dependencies (17) with dependencies, cancels of what cannot be canceled (24) with cancel, name spaces (30) with
namespaces, unique locks with unique keys, JSON re-encoded (18) with data.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import Invalid, JobNotFound, LeaseLost
from qless_flask.models import (
    STATES,
    Beat,
    Cancel,
    Changes,
    Complete,
    EventFilter,
    Fail,
    Failure,
    Filter,
    Finish,
    Lease,
    Recurrence,
    Retry,
    Settlement,
    Tag,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.by_hand import bring, job_of
from qless_flask.testing.conformance.scenes import (
    ALICE,
    Check,
    get,
    history,
    last_event,
    many,
    peek,
    pop,
    pop_all,
    put,
    queue,
    renew,
    run,
    seen_events,
    settle,
    unchanged,
    walk,
)

MINUTE, DAY = 60, 86_400
ODD_DATA = '{"list":[],"great":12345678901234567890,"exact":1.10}'


def tag(namespace: Namespace, name: str = "t") -> Tag:
    """Sum up one tag."""
    [found] = namespace.tags([name])
    return found


class TestLeasesTheAncestorLost:
    """Clocks, tokens and workers that die."""

    def test_a_whole_life_runs_on_this_store(self, namespace: Namespace, clock: ManualClock) -> None:
        """Fault 1: it did not run on Redis 7 ("modify a readonly table")."""
        lease = run(namespace, tags=("t",), pipeline=("next",))
        renew(namespace, lease)
        settle(namespace, Complete(lease))
        settle(namespace, Retry(pop(namespace, "next"), delay=1))
        clock.advance(1)
        settle(namespace, Complete(pop(namespace, "next")))
        clock.advance(7 * DAY)

        assert namespace.prune().jobs == 1

    def test_no_operation_asks_its_caller_what_time_it_is(self) -> None:
        """Fault 2: the client's clock was `now`."""
        operations = [getattr(Namespace, name) for name in Namespace.__abstractmethods__]

        names = {name for operation in operations for name in inspect.signature(operation).parameters}

        assert not names & {"now", "time", "clock", "at"}

    def test_a_worker_whose_clock_is_fast_steals_no_live_lease(
        self, namespace: Namespace, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Fault 2: a worker 75 s fast stole a live 60 s lease 15 s after the pop."""
        lease = run(namespace)
        clock.advance(15)
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + 75)

        assert namespace.pop(["work"], "fast").leases == ()

        assert settle(namespace, Complete(lease)) == "complete"

    def test_the_first_execution_cannot_complete_what_the_same_worker_popped_again(
        self, namespace: Namespace, clock: ManualClock, check: Check
    ) -> None:
        """Fault 4: no fencing; under the same worker's name the first execution's complete succeeded."""
        first = run(namespace)
        clock.advance(MINUTE)
        second = pop(namespace, worker="ann")

        with unchanged(namespace, check):
            assert namespace.settle([Complete(first)]) == [LeaseLost.about("a")]

        assert settle(namespace, Complete(second)) == "complete"

    def test_nobody_can_fail_the_job_of_another(self, namespace: Namespace, check: Check) -> None:
        """qless-core#32: a job could be failed by whoever knew its jid."""
        run(namespace)
        other = run(namespace, "b")

        with unchanged(namespace, check):
            assert namespace.settle([Fail(Lease("a", other.token), group="broken")]) == [LeaseLost.about("a")]

    def test_losses_in_one_stage_do_not_count_in_the_next(self, namespace: Namespace, clock: ManualClock) -> None:
        """Fault 21: the grace flag survived complete, so that the next stall was stolen without grace."""
        namespace.configure("work", {"max_losses": 1})
        namespace.configure("next", {"max_losses": 1})
        run(namespace, pipeline=("next",))
        clock.advance(MINUTE)
        settle(namespace, Complete(pop(namespace)))
        pop(namespace, "next")
        clock.advance(MINUTE)

        namespace.promote()

        assert (get(namespace).state, get(namespace).losses) == ("waiting", 1)

    def test_the_time_of_a_run_does_not_go_on_in_the_next_stage(self, namespace: Namespace, clock: ManualClock) -> None:
        """Fault 21, of the second clock: what belongs to one lease is not handed on to the next."""
        lease = run(namespace, max_run=100, pipeline=("next",))
        clock.advance(50)
        settle(namespace, Complete(lease))
        clock.advance(50)

        assert pop(namespace, "next").expires_at == clock() + 60

    def test_time_outs_cost_retries_until_the_job_fails(self, namespace: Namespace) -> None:
        """Fault 22: a time-out never cost a retry; after 8 of them 5 remained."""
        put(namespace, "a", retries=5)
        for _ in range(6):
            pop(namespace)
            namespace.timeout(["a"])

        failure = get(namespace).failure
        assert failure is not None
        assert (get(namespace).state, get(namespace).remaining, failure.group) == ("failed", 0, "timeout")

    def test_the_last_retry_tells_what_really_went_wrong(self, namespace: Namespace, clock: ManualClock) -> None:
        """qless-core#7: when retries were spent, the failure said only that, and hid the error."""
        lease = run(namespace, retries=0)

        settle(namespace, Retry(lease, group="http", message="503 Service Unavailable"))

        assert get(namespace).failure == Failure("http", "503 Service Unavailable", clock(), "ann", 1)


class TestWholeOrNotAtAll:
    """Errors that wrote half, and limits that came too late."""

    def test_a_batch_with_a_job_that_is_gone_moves_the_others_whole(self, namespace: Namespace) -> None:
        """Fault 5: unfail of [gone, b] aborted with b both in the failed list and in work."""
        bring(namespace, "failed", "b")

        answers = namespace.move(["gone", "b"], "work")

        assert (answers[0], job_of(answers[1]).state) == (JobNotFound.about("gone"), "waiting")
        assert (peek(namespace), peek(namespace, state="failed"), namespace.failures()) == (["b"], [], [])

    def test_a_pop_of_too_many_is_refused_and_leases_nothing(self, namespace: Namespace, check: Check) -> None:
        """Fault 6: pop of 9,000 raised "too many results to unpack" after it had locked them all."""
        put(namespace, *many(20))

        with unchanged(namespace, check), pytest.raises(Invalid):
            namespace.pop(["work"], "ann", 9000)

        assert pop_all(namespace) == many(20)

    @pytest.mark.parametrize("state", STATES)
    def test_what_was_taken_out_of_any_state_stops_no_pop(
        self, namespace: Namespace, clock: ManualClock, state: str
    ) -> None:
        """Fault 7: one jid left in an index without its job made every pop of the queue fail for ever."""
        bring(namespace, state)
        namespace.cancel(["a"])
        namespace.finish(["a"], Finish("failed"))
        clock.advance(90 * DAY)
        namespace.prune()
        assert namespace.get(["a"]) == [None]
        put(namespace, "b")

        assert pop_all(namespace) == ["b"]

    def test_a_completion_deletes_nothing_on_the_way(self, namespace: Namespace, clock: ManualClock) -> None:
        """Fault 8: a complete deleted all jobs past their time: 198 ms for 100,000."""
        namespace.settle([Complete(lease) for lease in self._running(namespace, 50)])
        lease = run(namespace, "last")
        clock.advance(8 * DAY)

        settle(namespace, Complete(lease))

        assert queue(namespace).complete == 51
        assert (namespace.prune(20).jobs, queue(namespace).complete) == (20, 31)

    def _running(self, namespace: Namespace, count: int) -> list[Lease]:
        put(namespace, *many(count))
        return list(namespace.pop(["work"], "ann", count))

    def test_failures_are_canceled_by_the_group_in_bounded_steps(self, namespace: Namespace) -> None:
        """Fault 9: each cancel searched the whole list of failures, and many took time without bound."""
        namespace.settle([Fail(lease, group="broken") for lease in self._running(namespace, 120)])

        first = namespace.change(Filter(group="broken"), Cancel(), 50)

        assert (first.matched, first.changed, queue(namespace).failed) == (50, 50, 70)
        while first.next is not None:
            first = namespace.change(Filter(group="broken"), Cancel(), 50, first.next)
        assert (queue(namespace).failed, queue(namespace).canceled, namespace.failures()) == (0, 120, [])

    def test_a_store_does_not_grow_for_ever(self, namespace: Namespace, clock: ManualClock, check: Check) -> None:
        """qless-core#25, #84: failed jobs, and 17,000 rows of history, were kept for ever."""
        for state in ("complete", "failed", "canceled"):
            bring(namespace, state, state)
            namespace.update([state], Changes(add_tags=("t",), tracked=True))
        clock.advance(90 * DAY)

        namespace.prune()

        view = check()
        assert (view.jobs, view.tags, view.tracked, view.figures, view.touched) == ({}, {}, frozenset(), {}, {})
        assert {event.event for event in seen_events(namespace)} == {"trim_warning", "pruned"}


class TestLooksThatTheAncestorWrote:
    """Reads that changed what they read, and answers that carried too much."""

    def test_looking_at_queues_and_pages_promotes_nothing(
        self, namespace: Namespace, clock: ManualClock, check: Check
    ) -> None:
        """Fault 10: `queues` and `jobs scheduled` promoted every due job: 2,000 moved by one read."""
        put(namespace, *many(20), delay=5)
        run(namespace, "lost")
        put(namespace, "late", expires_in=1)
        clock.advance(MINUTE)

        with unchanged(namespace, check):
            namespace.queues()
            namespace.workers()
            namespace.select(Filter(queue="work", state="scheduled"))
            namespace.select(Filter(queue="work", state="running"))
            namespace.get(many(20))

        assert (queue(namespace).scheduled, queue(namespace).stalled) == (20, 1)

    def test_lists_carry_neither_data_nor_history_nor_results(self, namespace: Namespace) -> None:
        """Fault 26: to look at a job's state its history and both its dependency sets were loaded."""
        put(namespace, "child", depends=(run(namespace, data='"' + "x" * 100_000 + '"').jid,))

        [job] = namespace.select(Filter(queue="work", state="running")).jobs

        assert (job.jid, job.data, job.history, job.result, job.dependents) == ("a", None, (), None, ())

    def test_a_popped_job_comes_without_its_history(self, namespace: Namespace) -> None:
        """Fault 26: a pop loaded it twice a job."""
        lease = run(namespace)

        assert lease.job is not None
        assert lease.job.history == ()

    def test_all_jobs_of_a_tag_can_be_walked_through(self, namespace: Namespace) -> None:
        """qless#50: the page of a tag showed 25 jobs, and there was no way to the others."""
        put(namespace, *many(60), tags=("t",))

        assert sorted(walk(namespace, Filter(tag="t"), 25)) == many(60)

    def test_a_hundred_and_fifty_lines_of_log_leave_the_history_alone(
        self, backend: Backend, namespace: Namespace
    ) -> None:
        """Fault 20: the log shared the 100 entries of the history, and 150 lines pushed `popped` out."""
        lease = run(namespace)

        for number in range(150):
            backend.namespace(namespace.name).log(lease, f"line {number}")

        assert history(namespace) == ["put", "popped"]
        assert [namespace.lines("a")[index].message for index in (0, -1)] == ["line 50", "line 149"]

    def test_every_transition_is_told_to_who_comes_later_of_jobs_that_nobody_tracks(
        self, namespace: Namespace, another: Callable[[], Backend]
    ) -> None:
        """Fault 29: events were pub/sub, at most once, and only for tracked jobs."""
        settle(namespace, Complete(run(namespace)))

        with another() as late:
            events = late.namespace(namespace.name).events().events

        assert [event.event for event in events] == ["put", "popped", "completed"]

    def test_a_failure_is_told(self, namespace: Namespace) -> None:
        """qless-core#86, #87: there was no event of a failure."""
        settle(namespace, Fail(run(namespace), group="broken"))

        assert (last_event(namespace).event, last_event(namespace).group) == ("failed", "broken")

    def test_a_reader_may_ask_for_tracked_jobs_alone(self, namespace: Namespace) -> None:
        """Fault 29, turned round: who follows some jobs need not read of all."""
        put(namespace, "a", "b")
        namespace.update(["b"], Changes(tracked=True))
        namespace.move(["a", "b"], "other")

        events = namespace.events(filter=EventFilter(tracked=True)).events

        assert [(event.event, event.jid) for event in events] == [("tracked", "b"), ("moved", "b")]


class TestFiguresThatTheAncestorGotWrong:
    """Times, tags and failures in numbers."""

    def test_waiting_time_does_not_count_a_delay(self, namespace: Namespace, clock: ManualClock) -> None:
        """Fault 12: a job put with a delay of an hour had waited 3,601 s."""
        put(namespace, "a", tags=("t",), delay=3600)
        clock.advance(3600)
        namespace.promote()
        clock.advance(1)

        pop(namespace)

        assert tag(namespace).wait_mean == 1.0

    def test_waiting_time_does_not_count_what_a_job_depended_on(self, namespace: Namespace, clock: ManualClock) -> None:
        """Fault 12, of dependencies: it counts from when the job became available."""
        put(namespace, "parent", queue="parents")
        put(namespace, "a", tags=("t",), depends=("parent",))
        clock.advance(3600)
        settle(namespace, Complete(pop(namespace, "parents")))
        clock.advance(2)

        pop(namespace)

        assert tag(namespace).wait_mean == 2.0

    def test_waiting_time_does_not_count_an_earlier_run(self, namespace: Namespace, clock: ManualClock) -> None:
        """Fault 12: after a retry it was 25.5 s for 0.5 s, the run included."""
        lease = run(namespace, tags=("t",))
        clock.advance(25)
        settle(namespace, Retry(lease))
        clock.advance(1)

        pop(namespace)

        # Two pops: one at once, one after a second.
        assert (tag(namespace).wait_mean, tag(namespace).run_mean) == (0.5, 25.0)

    def test_a_failed_job_put_back_begins_anew(self, namespace: Namespace, clock: ManualClock) -> None:
        """Fault 11: unfail kept the failure, did not lower `failed`, and let time run on: a mean wait of 2,500 s."""
        settle(namespace, Fail(run(namespace, tags=("t",)), group="broken"))
        clock.advance(5000)

        namespace.move(["a"], "work")

        assert (get(namespace).failure, get(namespace).available_at) == (None, clock())
        assert (queue(namespace).failed, namespace.failures()) == (0, [])
        pop(namespace)
        assert tag(namespace).wait_mean == 0.0

    def test_a_tag_added_twice_counts_once(self, namespace: Namespace) -> None:
        """Fault 13: added twice it counted two."""
        put(namespace, "a", tags=("t", "t"))

        namespace.update(["a"], Changes(add_tags=("t",)))

        assert sum(tag(namespace).states.values()) == 1

    def test_removing_a_tag_that_a_job_has_not_takes_nothing_off(self, namespace: Namespace) -> None:
        """Fault 13: removing an absent tag counted to -1."""
        put(namespace, "a", tags=("t",))
        put(namespace, "b")

        namespace.update(["b"], Changes(remove_tags=("t", "none")))

        assert sum(tag(namespace).states.values()) == 1
        assert sum(tag(namespace, "none").states.values()) == 0

    def test_a_tag_that_no_job_has_is_listed_no_more(self, namespace: Namespace) -> None:
        """Fault 13: entries at zero were never removed."""
        put(namespace, "a", tags=("t", "u"))

        namespace.update(["a"], Changes(remove_tags=("t",)))

        assert [each.name for each in namespace.tags()] == ["u"]

    def test_a_tag_used_once_is_listed(self, namespace: Namespace) -> None:
        """Fault 13: `top` hid tags of one job."""
        put(namespace, "a", "b", tags=("often",))
        put(namespace, "c", tags=("once",))

        assert [each.name for each in namespace.tags()] == ["often", "once"]

    def test_the_figures_of_a_tag_go_with_its_last_job(self, namespace: Namespace, clock: ManualClock) -> None:
        """Fault 23: figures had no end, and grew for ever."""
        settle(namespace, Complete(run(namespace, tags=("t",))))
        clock.advance(7 * DAY)
        namespace.prune()

        put(namespace, "b", tags=("t",))

        assert (tag(namespace).wait_mean, tag(namespace).states["complete"]) == (None, 0)

    def test_a_job_that_is_gone_is_tracked_no_more(self, namespace: Namespace, clock: ManualClock) -> None:
        """Fault 14: a tracked job whose data had expired could not be untracked: there was an error for ever."""
        bring(namespace, "canceled")
        namespace.update(["a"], Changes(tracked=True))
        clock.advance(DAY)

        namespace.prune()

        assert namespace.tracked().jobs == ()
        assert namespace.update(["a"], Changes(tracked=False)) == [JobNotFound.about("a")]


class TestHandsThatTheAncestorTied:
    """What a person could not do."""

    @pytest.mark.parametrize("finish", [Finish("complete"), Finish("failed", "by hand", "wrong shop")])
    @pytest.mark.parametrize("state", ["scheduled", "depends", "waiting", "running"])
    def test_a_person_ends_a_job_of_any_state_under_their_own_name(
        self, namespace: Namespace, state: str, finish: Finish
    ) -> None:
        """Fault 25, qless#177: an operator could not fail or complete a job without posing as its worker."""
        bring(namespace, state)

        [answer] = namespace.finish(["a"], finish, actor=ALICE)

        job, event = job_of(answer), last_event(namespace)
        assert (job.state, job.worker) == (finish.state, None)
        assert job.failure is None or (job.failure.worker, job.failure.message) == (None, "wrong shop")
        assert (event.event, event.actor, event.address) == ("finished", "alice", "192.0.2.7")

    def test_a_waiting_job_can_be_made_to_depend_on_another(self, namespace: Namespace) -> None:
        """qless#55: `depends` worked only on jobs that depended already."""
        put(namespace, "parent", queue="parents")
        put(namespace, "a")

        assert namespace.depend("a", ["parent"]).state == "depends"

    def test_a_forgotten_worker_leaves_nothing_behind(
        self, namespace: Namespace, clock: ManualClock, check: Check
    ) -> None:
        """Fault 28: `deregister` left the worker's set of jobs."""
        settle(namespace, Complete(run(namespace)))
        namespace.quiet("ann")
        clock.advance(8 * DAY)

        namespace.prune()

        assert (namespace.workers(), check().workers, check().strays) == ([], {}, ())
        assert not namespace.pop(["work"], "ann").quiet

    def test_a_forgotten_queue_leaves_nothing_behind(self, namespace: Namespace, check: Check) -> None:
        """Fault 28: `forget` of a queue left all its keys."""
        namespace.configure("work", {"retries": 1, "max_run": 5})
        run(namespace, expires_in=5)
        put(namespace, "b", depends=("a",))
        namespace.move(["a", "b"], "other")

        namespace.forget("work")

        assert (check().queues, check().strays) == (frozenset({"other"}), ())

    @pytest.mark.parametrize("way", ["heartbeat", "progress", "fail", "complete", "retry"])
    def test_no_operation_of_a_worker_rewrites_data(self, namespace: Namespace, way: str) -> None:
        """Fault 18: heartbeat and fail encoded data anew: `[]` became `{}`, and great numbers were rounded."""
        lease = run(namespace, data=ODD_DATA)
        if way in ("heartbeat", "progress"):
            namespace.heartbeat([Beat(lease, progress=ODD_DATA if way == "progress" else None)])
        else:
            ways: dict[str, Settlement] = {
                "fail": Fail(lease, group="g"),
                "complete": Complete(lease, next="next"),
                "retry": Retry(lease),
            }
            namespace.settle([ways[way]])

        assert get(namespace).data == ODD_DATA
        assert get(namespace).progress == (ODD_DATA if way == "progress" else None)


class TestRecurrencesThatTheAncestorLost:
    """Rules that never fired, fired twice, or flooded."""

    def test_a_rule_registered_again_every_half_minute_fires_every_minute(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        """Fault 19: registered every 30 s with an interval of 60 s it never ran."""
        for _ in range(11):
            namespace.recur(Recurrence("Crawl", queue="work", id="r", interval=60))
            for due in namespace.recurrences(due=True):
                assert due.next_at is not None
                namespace.fire("r", due.next_at)
            clock.advance(30)

        assert queue(namespace).waiting == 5

    def test_a_day_without_a_scheduler_is_no_flood(self, namespace: Namespace, clock: ManualClock) -> None:
        """Fault 19, qless#99: with a backlog of 0 there were over 100 jobs after a day."""
        rule = namespace.recur(Recurrence("Crawl", queue="work", id="r", interval=60))
        clock.advance(DAY)
        assert rule.next_at is not None

        namespace.fire("r", rule.next_at)

        [found] = namespace.recurrences(["r"])
        assert found.next_at is not None
        assert (queue(namespace).waiting, found.next_at > clock()) == (1, True)

    def test_a_job_that_a_rule_puts_says_for_which_time(self, namespace: Namespace, clock: ManualClock) -> None:
        """qless#99: which run a job stood for was not to be told."""
        rule = namespace.recur(Recurrence("Crawl", queue="work", id="r", interval=60))
        clock.advance(75)
        assert rule.next_at is not None

        [answer] = namespace.fire("r", rule.next_at)

        job = get(namespace, answer.jid)
        assert (job.recurrence, job.due_at, job.created_at) == ("r", rule.next_at, clock())

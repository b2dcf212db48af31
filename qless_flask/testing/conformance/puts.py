"""Putting jobs."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid, JobExists, LeaseLost
from qless_flask.models import Complete, Fail, HistoryEntry, IfExists, Job, NewJob, Put, Renewed, Retry
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    Check,
    get,
    history,
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
    unchanged,
)


class TestPuts:
    """Jobs go in."""

    def test_a_job_put_waits_with_everything_that_it_was_given(self, namespace: Namespace, clock: ManualClock) -> None:
        new_job = NewJob(
            "Crawl",
            '{"url": "https://example.org"}',
            queue="fetch",
            jid="a",
            priority=7,
            tags=("docs", "a tag"),
            retries=2,
            pipeline=("parse", "index"),
        )

        answers = namespace.put([new_job])

        assert answers == [Put("a", "waiting", created=True)]
        assert get(namespace) == Job(
            jid="a",
            klass="Crawl",
            queue="fetch",
            state="waiting",
            priority=7,
            tags=("docs", "a tag"),
            retries=2,
            remaining=2,
            losses=0,
            pipeline=("parse", "index"),
            worker=None,
            failure=None,
            created_at=clock(),
            available_at=clock(),
            started_at=None,
            ended_at=None,
            data='{"url": "https://example.org"}',
            history=(HistoryEntry(clock(), "put", queue="fetch"),),
        )

    def test_a_job_needs_no_more_than_a_klass_and_a_queue(self, namespace: Namespace) -> None:
        [answer] = namespace.put([NewJob("Crawl", queue="work")])

        job = get(namespace, answer.jid)

        assert (job.data, job.priority, job.tags, job.retries, job.pipeline) == ("{}", 0, (), None, ())
        assert job.remaining == 5

    def test_a_job_without_a_jid_is_given_a_short_one_of_its_own(self, namespace: Namespace) -> None:
        answers = namespace.put([NewJob("Crawl", queue="work") for _ in range(50)])

        jids = {answer.jid for answer in answers}

        assert len(jids) == 50
        assert all(len(jid) == 14 and jid.isalnum() and jid.isascii() for jid in jids)

    def test_a_batch_may_name_many_queues_and_is_answered_in_its_order(self, namespace: Namespace) -> None:
        answers = namespace.put([new("b", "two"), new("a", "one"), new("c", "two", delay=5)])

        assert answers == [Put("b", "waiting", True), Put("a", "waiting", True), Put("c", "scheduled", True)]
        assert [each.name for each in namespace.queues()] == ["one", "two"]
        assert peek(namespace, "two") == ["b"]

    def test_nothing_put_is_nothing_done(self, namespace: Namespace, check: Check) -> None:
        with unchanged(namespace, check):
            assert namespace.put([]) == []

    def test_a_thousand_jobs_go_in_and_come_out_in_order(self, namespace: Namespace) -> None:
        jids = [f"job {number}" for number in range(1000)]

        answers = namespace.put([new(jid) for jid in jids])

        assert [answer.jid for answer in answers] == jids
        assert [lease.jid for lease in namespace.pop(["work"], "ann", 1000)] == jids
        assert queue(namespace).running == 1000

    def test_a_batch_of_over_a_thousand_is_refused_whole(self, namespace: Namespace, check: Check) -> None:
        with unchanged(namespace, check), pytest.raises(Invalid):
            namespace.put([NewJob("Crawl", queue="work")] * 1001)

    def test_a_job_with_a_delay_is_scheduled(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", delay=2.5)

        job = get(namespace)

        assert (job.state, job.available_at, job.created_at) == ("scheduled", clock() + 2.5, clock())
        assert pop_all(namespace) == []

    def test_a_job_for_a_time_to_come_is_scheduled(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", at=clock() + 60)

        assert (get(namespace).state, get(namespace).available_at) == ("scheduled", clock() + 60)

    @pytest.mark.parametrize("seconds_ago", [0, 1, 1_000_000])
    def test_a_job_for_a_time_gone_by_waits_at_once(
        self, namespace: Namespace, clock: ManualClock, seconds_ago: float
    ) -> None:
        put(namespace, "a", at=clock() - seconds_ago)

        assert (get(namespace).state, get(namespace).available_at) == ("waiting", clock())
        assert pop_all(namespace) == ["a"]

    def test_the_queue_says_how_many_retries_a_job_has_that_does_not_say(self, namespace: Namespace) -> None:
        namespace.configure("work", {"retries": 9})

        put(namespace, "a", "b", "c")
        put(namespace, "none", retries=0)
        namespace.configure("work", {"retries": 1})

        assert (get(namespace).retries, get(namespace).remaining) == (None, 9)
        assert (get(namespace, "none").retries, get(namespace, "none").remaining) == (0, 0)

    def test_a_put_is_told(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a")
        put(namespace, "b", delay=1)

        first, second = seen_events(namespace)

        assert (first.event, first.jid, first.queue, first.state, first.at) == ("put", "a", "work", "waiting", clock())
        assert (second.jid, second.state) == ("b", "scheduled")
        assert (first.to, first.worker, first.group, first.actor, first.address) == (None,) * 5

    def test_queues_further_down_a_pipeline_are_not_known_before_a_job_is_there(self, namespace: Namespace) -> None:
        put(namespace, "a", queue="fetch", pipeline=("parse",))

        assert [each.name for each in namespace.queues()] == ["fetch"]


class TestPutsOfJobsThatExist:
    """What `if_exists` says."""

    def test_a_jid_that_exists_is_refused(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a")

        with unchanged(namespace, check), pytest.raises(JobExists) as caught:
            put(namespace, "a", queue="other", data="[1]")

        assert caught.value.subject == "a"

    def test_one_job_that_exists_refuses_the_whole_batch(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a")

        with unchanged(namespace, check), pytest.raises(JobExists):
            namespace.put([new("b"), new("c", "other", delay=3), new("a"), new("d")])

        assert namespace.get(["b", "c", "d"]) == [None, None, None]

    def test_a_jid_twice_in_a_batch_is_refused(self, namespace: Namespace, check: Check) -> None:
        with unchanged(namespace, check), pytest.raises(JobExists) as caught:
            namespace.put([new("a"), new("b"), new("a")])

        assert caught.value.subject == "a"

    def test_a_replace_before_a_conflict_is_not_done_either(self, namespace: Namespace, check: Check) -> None:
        lease = run(namespace, "a")
        put(namespace, "b")

        with unchanged(namespace, check), pytest.raises(JobExists):
            namespace.put([new("a", "other", if_exists="replace"), new("b")])

        assert renew(namespace, lease) == [Renewed("a", lease.expires_at)]

    def test_keep_answers_with_the_job_that_is_there_as_it_is(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a", data='{"first":1}')
        run(namespace, "b", queue="other")

        with unchanged(namespace, check):
            answers = namespace.put([new(jid, data="2", if_exists="keep") for jid in ("a", "b")])

        assert answers == [Put("a", "waiting", created=False), Put("b", "running", created=False)]

    def test_keep_of_a_job_that_is_not_there_puts_it(self, namespace: Namespace) -> None:
        assert namespace.put([new("a", if_exists="keep")]) == [Put("a", "waiting", created=True)]

    def test_keep_leaves_an_ended_job_ended(self, namespace: Namespace, check: Check) -> None:
        namespace.settle([Complete(run(namespace))])

        with unchanged(namespace, check):
            assert namespace.put([new("a", if_exists="keep")]) == [Put("a", "complete", created=False)]

    def test_a_jid_twice_in_a_batch_is_refused_in_a_known_queue_too(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "first")

        with unchanged(namespace, check), pytest.raises(JobExists):
            namespace.put([new("a"), new("a")])

    def test_each_job_of_a_batch_sees_those_before_it(self, namespace: Namespace) -> None:
        answers = namespace.put(
            [new("a", data="1"), new("a", data="2", if_exists="keep"), new("a", data="3", if_exists="replace")]
        )

        assert answers == [Put("a", "waiting", True), Put("a", "waiting", False), Put("a", "waiting", True)]
        assert get(namespace).data == "3"
        assert peek(namespace) == ["a"]

    def test_replace_begins_a_job_anew(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace, tags=("old", "both"), retries=3, pipeline=("next",), priority=5)
        namespace.log(lease, "half way")
        namespace.settle([Retry(lease, message="no")])
        clock.advance(10)

        answers = namespace.put([new("a", "other", data="[2]", tags=("both", "new"), if_exists="replace")])

        assert answers == [Put("a", "waiting", created=True)]
        assert get(namespace) == Job(
            jid="a",
            klass="Crawl",
            queue="other",
            state="waiting",
            priority=0,
            tags=("both", "new"),
            retries=None,
            remaining=5,
            losses=0,
            pipeline=(),
            worker=None,
            failure=None,
            created_at=clock(),
            available_at=clock(),
            started_at=None,
            ended_at=None,
            data="[2]",
            history=(HistoryEntry(clock(), "put", queue="other"),),
        )
        assert namespace.lines("a") == []

    def test_replace_takes_a_place_behind_all_others(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        put(namespace, "a", if_exists="replace")

        assert pop_all(namespace) == ["b", "a"]

    def test_replace_of_a_running_job_loses_its_lease(self, namespace: Namespace) -> None:
        lease = run(namespace)

        put(namespace, "a", if_exists="replace")

        assert renew(namespace, lease) == [LeaseLost.about("a")]
        assert namespace.settle([Complete(lease)]) == [LeaseLost.about("a")]
        assert (last_event(namespace).event, last_event(namespace).worker) == ("put", "ann")

    def test_replace_forgets_the_last_settle(self, namespace: Namespace) -> None:
        lease = run(namespace)
        namespace.settle([Complete(lease)])

        put(namespace, "a", if_exists="replace")

        assert namespace.settle([Complete(lease)]) == [LeaseLost.about("a")]

    def test_replace_forgets_who_held_a_canceled_job(self, namespace: Namespace) -> None:
        lease = run(namespace)
        namespace.cancel(["a"])

        put(namespace, "a", if_exists="replace")
        namespace.cancel(["a"])

        assert renew(namespace, lease) == [LeaseLost.about("a")]

    def test_replace_counts_runs_from_the_beginning(self, namespace: Namespace) -> None:
        for _ in range(3):
            namespace.settle([Retry(pop(namespace) if namespace.get(["a"])[0] else run(namespace))])

        put(namespace, "a", if_exists="replace")
        namespace.settle([Fail(pop(namespace), group="broken")])

        failure = get(namespace).failure
        assert failure is not None
        assert failure.run == 1

    @pytest.mark.parametrize("ending", ["complete", "failed", "canceled", "scheduled"])
    def test_replace_takes_a_job_over_wherever_it_is(self, namespace: Namespace, ending: str) -> None:
        if ending == "scheduled":
            put(namespace, "a", delay=60)
        else:
            lease = run(namespace)
            if ending == "canceled":
                namespace.cancel(["a"])
            else:
                namespace.settle([Complete(lease) if ending == "complete" else Fail(lease, group="broken")])

        put(namespace, "a", queue="other", if_exists="replace")

        assert pop_all(namespace, "other") == ["a"]
        assert history(namespace) == ["put", "popped"]

    @pytest.mark.parametrize("if_exists", ["reject", "keep", "replace"])
    def test_a_new_jid_is_put_whatever_is_to_be_done_with_an_old_one(
        self, namespace: Namespace, if_exists: IfExists
    ) -> None:
        assert namespace.put([new("a", if_exists=if_exists)]) == [Put("a", "waiting", created=True)]

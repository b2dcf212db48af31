"""Failures in figures: what failed, in groups."""

from __future__ import annotations

from qless_flask.backends.base import Namespace
from qless_flask.models import Changes, Complete, Fail, FailureGroup, Filter, Finish, Move, NewJob, Retry
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import Check, put, run, walk


def fail(namespace: Namespace, jid: str, group: str = "broken", *, queue: str = "work", klass: str = "Crawl") -> None:
    """Put a job and let it fail."""
    namespace.put([NewJob(klass, queue=queue, jid=jid)])
    [lease] = namespace.pop([queue], "ann")
    namespace.settle([Fail(lease, group=group)])


def names(namespace: Namespace, after: str | None = None, limit: int = 1000) -> list[str]:
    """List the groups."""
    return [each.group for each in namespace.failures(after=after, limit=limit)]


class TestFailures:
    """The groups that failed jobs are in."""

    def test_a_group_is_summed_up(self, namespace: Namespace, clock: ManualClock) -> None:
        began = clock()
        fail(namespace, "a", queue="work", klass="Parse")
        clock.advance(5)
        fail(namespace, "b", queue="other")
        clock.advance(5)
        fail(namespace, "c", queue="work")
        fail(namespace, "d", "slow")

        assert namespace.failures() == [
            FailureGroup("broken", 3, began, began + 10, ("other", "work"), ("Crawl", "Parse")),
            FailureGroup("slow", 1, began + 10, began + 10, ("work",), ("Crawl",)),
        ]

    def test_without_failures_there_are_no_groups(self, namespace: Namespace) -> None:
        put(namespace, "a")

        assert namespace.failures() == namespace.failures(["broken"]) == []

    def test_they_are_listed_by_name_in_pages(self, namespace: Namespace) -> None:
        for number, group in enumerate(("c", "a", "é", "b", "Z")):
            fail(namespace, f"{number}", group)

        assert names(namespace) == ["Z", "a", "b", "c", "é"]
        assert (names(namespace, None, 2), names(namespace, "a", 2)) == (["Z", "a"], ["b", "c"])
        assert (names(namespace, "aa", 1), names(namespace, "é")) == (["b"], [])

    def test_those_named_are_given_in_that_order_but_for_those_that_are_not_there(self, namespace: Namespace) -> None:
        fail(namespace, "a", "slow")
        fail(namespace, "b", "broken")

        found = namespace.failures(["slow", "none", "broken", "slow"])

        assert [each.group for each in found] == ["slow", "broken", "slow"]

    def test_a_job_that_leaves_its_group_is_taken_off(self, namespace: Namespace, clock: ManualClock) -> None:
        began = clock()
        for jid, queue, klass in (("a", "work", "A"), ("b", "other", "B"), ("c", "third", "C"), ("d", "work", "D")):
            fail(namespace, jid, queue=queue, klass=klass)
            clock.advance(1)

        namespace.move(["a"], "third")
        namespace.cancel(["b"])
        namespace.finish(["c"], Finish("complete"))

        assert namespace.failures() == [FailureGroup("broken", 1, began + 3, began + 3, ("work",), ("D",))]

    def test_the_last_one_takes_its_group_away(self, namespace: Namespace) -> None:
        fail(namespace, "a")

        namespace.put([NewJob("Crawl", queue="work", jid="a", if_exists="replace")])

        assert namespace.failures() == []

    def test_a_failed_job_that_is_pruned_is_taken_off(self, namespace: Namespace, clock: ManualClock) -> None:
        fail(namespace, "a")
        clock.advance(90 * 86_400)

        namespace.prune()

        assert namespace.failures() == []

    def test_what_has_retries_left_is_in_no_group(self, namespace: Namespace) -> None:
        lease = run(namespace, retries=1)

        namespace.settle([Retry(lease, group="broken")])

        assert namespace.failures() == []

    def test_every_way_to_fail_has_its_group(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"max_losses": 0, "retries": 0})
        fail(namespace, "told")
        namespace.settle([Retry(run(namespace, "tried"), group="retries")])
        run(namespace, "slow")
        namespace.timeout(["slow"])
        put(namespace, "by hand", queue="third")
        namespace.finish(["by hand"], Finish("failed"))
        put(namespace, "late", queue="other", expires_in=5.0)
        run(namespace, "lost")
        clock.advance(60)
        namespace.promote()

        assert names(namespace) == ["broken", "expired", "finished", "lost", "retries", "timeout"]
        assert {each.count for each in namespace.failures()} == {1}

    def test_a_group_is_retried_in_bounded_steps(self, namespace: Namespace) -> None:
        for number in range(5):
            fail(namespace, f"{number}", queue=f"queue-{number % 2}")
        fail(namespace, "other", "slow")

        steps, cursor = 0, None
        while True:
            changed = namespace.change(Filter(state="failed", group="broken"), Move(), 2, cursor)
            assert changed.changed == changed.matched <= 2
            steps, cursor = steps + changed.changed, changed.next
            if cursor is None:
                break

        assert steps == 5
        assert names(namespace) == ["slow"]
        assert sorted(walk(namespace, Filter(state="waiting", queue="queue-0"))) == ["0", "2", "4"]

    def test_a_retry_that_works_leaves_no_failure(self, namespace: Namespace) -> None:
        fail(namespace, "a")
        namespace.move(["a"], "work")
        [lease] = namespace.pop(["work"], "ann")

        namespace.settle([Complete(lease)])

        [job] = namespace.get(["a"])
        assert job is not None
        assert (job.state, job.failure) == ("complete", None)
        assert namespace.failures() == []

    def test_other_changes_leave_the_group(self, namespace: Namespace, check: Check) -> None:
        fail(namespace, "a")
        before = namespace.failures()

        namespace.update(["a"], Changes(priority=3, add_tags=("t",)))

        assert namespace.failures() == before

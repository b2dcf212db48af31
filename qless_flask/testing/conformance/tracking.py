"""Jobs and tags that somebody follows."""

from __future__ import annotations

from qless_flask.backends.base import Namespace
from qless_flask.models import STATES, Changes, Filter, HistoryEntry, Tag
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.by_hand import bring, in_each_state, job_of, same
from qless_flask.testing.conformance.scenes import (
    ALICE,
    Check,
    get,
    history,
    last_event,
    peek,
    put,
    run,
    seen_events,
    unchanged,
    walk,
)


def track(namespace: Namespace, *jids: str, on: bool = True) -> None:
    """Follow jobs, or no longer."""
    namespace.update(jids, Changes(tracked=on))


class TestTrackedJobs:
    """A job followed."""

    @in_each_state
    def test_a_job_of_any_state_is_tracked(self, namespace: Namespace, state: str) -> None:
        bring(namespace, state)

        [answer] = namespace.update(["a"], Changes(tracked=True))

        assert (job_of(answer).tracked, job_of(answer).state) == (True, state)
        assert same(answer, namespace)
        assert [job.jid for job in namespace.tracked().jobs] == ["a"]

    def test_it_is_told_and_that_is_all(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", tags=("t",))

        namespace.update(["a"], Changes(tracked=True), actor=ALICE)

        event = last_event(namespace)
        assert (event.event, event.jid, event.queue, event.state) == ("tracked", "a", "work", "waiting")
        assert (event.tracked, event.tags, event.actor, event.address) == (True, ("t",), "alice", "192.0.2.7")
        assert history(namespace) == ["put", "tracked"]
        assert get(namespace).history[-1] == HistoryEntry(clock(), "tracked")

    def test_no_longer_to_be_tracked_is_told_too(self, namespace: Namespace) -> None:
        put(namespace, "a")
        track(namespace, "a")

        namespace.update(["a"], Changes(tracked=False), actor=ALICE)

        event = last_event(namespace)
        assert (event.event, event.jid, event.tracked, event.actor) == ("untracked", "a", False, "alice")
        assert history(namespace) == ["put", "tracked", "untracked"]
        assert namespace.tracked().jobs == ()

    def test_what_is_so_already_is_not_told(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a", "b")
        track(namespace, "a")

        with unchanged(namespace, check):
            track(namespace, "a")
            track(namespace, "b", on=False)

    def test_with_other_changes_it_is_told_after_these(self, namespace: Namespace) -> None:
        put(namespace, "a")

        namespace.update(["a"], Changes(tracked=True, priority=3))
        namespace.update(["a"], Changes(tracked=True, priority=4))

        assert history(namespace) == ["put", "updated", "tracked", "updated"]
        events = seen_events(namespace)
        assert [(event.event, event.tracked) for event in events[1:]] == [
            ("updated", False),
            ("tracked", True),
            ("updated", True),
        ]

    def test_all_that_is_tracked_is_answered_as_it_stands_by_jid(self, namespace: Namespace) -> None:
        put(namespace, "c", "b", "d", "é")
        run(namespace, "a", queue="other")
        track(namespace, "c", "é", "a", "b")

        tracked = namespace.tracked()

        assert [(job.jid, job.state) for job in tracked.jobs] == [
            ("a", "running"),
            ("b", "waiting"),
            ("c", "waiting"),
            ("é", "waiting"),
        ]
        assert all(same(job, namespace) for job in tracked.jobs)
        assert tracked.tags == ()

    def test_a_select_finds_what_is_tracked_and_what_is_not(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c")
        put(namespace, "d", queue="other")
        track(namespace, "b", "d")

        assert sorted(walk(namespace, Filter(tracked=True))) == ["b", "d"]
        assert sorted(walk(namespace, Filter(tracked=True), limit=1)) == ["b", "d"]
        assert walk(namespace, Filter(tracked=True, queue="work", state="waiting")) == ["b"]
        assert walk(namespace, Filter(tracked=True, queue="other")) == ["d"]
        assert sorted(walk(namespace, Filter(tracked=False))) == ["a", "c"]

    def test_it_stays_tracked_when_it_ends_and_comes_back(self, namespace: Namespace) -> None:
        put(namespace, "a")
        track(namespace, "a")

        namespace.cancel(["a"])
        assert [job.state for job in namespace.tracked().jobs] == ["canceled"]
        namespace.move(["a"], "other")

        assert [job.queue for job in namespace.tracked().jobs] == ["other"]

    def test_one_that_is_put_anew_is_tracked_no_longer_and_nobody_is_told(self, namespace: Namespace) -> None:
        put(namespace, "a")
        track(namespace, "a")

        put(namespace, "a", if_exists="replace")

        assert (get(namespace).tracked, namespace.tracked().jobs) == (False, ())
        assert [event.event for event in seen_events(namespace)] == ["put", "tracked", "put"]

    def test_one_that_is_pruned_is_followed_no_longer(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a")
        track(namespace, "a")
        namespace.cancel(["a"])
        clock.advance(86_400)

        namespace.prune()

        assert namespace.tracked().jobs == ()
        assert (last_event(namespace).event, last_event(namespace).tracked) == ("pruned", True)

    def test_a_lease_tells_that_it_is_tracked(self, namespace: Namespace) -> None:
        put(namespace, "a")
        track(namespace, "a")

        [lease] = namespace.pop(["work"], "ann")

        assert lease.job is not None
        assert lease.job.tracked
        assert peek(namespace, state="running") == ["a"]


class TestTrackedTags:
    """A tag followed, with all its jobs."""

    def test_a_tag_is_tracked_whether_a_job_has_it_or_not(self, namespace: Namespace) -> None:
        answer = namespace.track("t")

        assert answer == Tag("t", True, dict.fromkeys(STATES, 0), None, None)
        assert list(namespace.tracked().tags) == namespace.tags() == namespace.tags(["t"]) == [answer]

    def test_its_figures_are_shown_in_one_call(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", tags=("t",))
        namespace.cancel(["b"])

        namespace.track("t")

        [tag] = namespace.tracked().tags
        assert (tag.tracked, tag.states["waiting"], tag.states["canceled"]) == (True, 1, 1)
        assert namespace.tracked().jobs == ()

    def test_it_is_told_on_a_change(self, namespace: Namespace) -> None:
        namespace.track("t", actor=ALICE)
        namespace.track("t")
        namespace.track("t", on=False, actor=ALICE)
        namespace.track("t", on=False)

        events = seen_events(namespace)
        assert [(event.event, event.tags, event.jid, event.queue) for event in events] == [
            ("tracked", ("t",), None, None),
            ("untracked", ("t",), None, None),
        ]
        assert [(event.actor, event.address) for event in events] == [("alice", "192.0.2.7")] * 2

    def test_one_that_is_tracked_no_longer_is_not_shown(self, namespace: Namespace) -> None:
        put(namespace, "a", tags=("t",))
        namespace.track("t")
        namespace.track("u")

        answer = namespace.track("t", on=False)
        namespace.track("u", on=False)

        assert (answer.tracked, answer.states["waiting"]) == (False, 1)
        assert namespace.tracked().tags == ()
        assert [tag.name for tag in namespace.tags()] == ["t"]

    def test_they_are_listed_by_name(self, namespace: Namespace) -> None:
        for name in ("b", "é", "Z", "a"):
            namespace.track(name)
        put(namespace, "a", tags=("Z", "b"))

        assert [tag.name for tag in namespace.tracked().tags] == ["Z", "a", "b", "é"]

    def test_a_tag_stays_tracked_when_its_last_job_has_gone(self, namespace: Namespace) -> None:
        put(namespace, "a", tags=("t",))
        namespace.track("t")

        namespace.update(["a"], Changes(remove_tags=("t",)))

        assert [(tag.name, tag.tracked) for tag in namespace.tags()] == [("t", True)]

    def test_it_makes_no_job_tracked_itself(self, namespace: Namespace) -> None:
        put(namespace, "a", tags=("t",))

        namespace.track("t")

        assert not get(namespace).tracked
        assert walk(namespace, Filter(tracked=True)) == []

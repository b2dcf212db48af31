"""The log of transitions, read through a filter."""

from __future__ import annotations

from qless_flask.backends.base import Namespace
from qless_flask.models import Changes, Complete, Event, EventFilter, Recurrence
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import pop, put, run

HOUR = 3_600.0


def read(namespace: Namespace, filter: EventFilter, limit: int = 1000) -> list[Event]:
    """Walk through all pages of the log that a filter leaves."""
    found, after = list[Event](), "0"
    while True:
        page = namespace.events(after, limit, filter=filter)
        assert len(page.events) <= limit
        found += page.events
        if page.next == after:
            return found
        after = page.next


def seen(namespace: Namespace, **asked: object) -> list[tuple[str, str | None]]:
    """List the events that a filter leaves."""
    return [(event.event, event.jid) for event in read(namespace, EventFilter(**asked))]  # type: ignore[arg-type]


class TestFilteredEvents:
    """Only what a reader asks for."""

    def test_those_of_one_job(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")
        pop(namespace)
        namespace.cancel(["b", "a"])

        assert seen(namespace, jid="a") == [("put", "a"), ("popped", "a"), ("canceled", "a")]
        assert seen(namespace, jid="none") == []

    def test_those_of_a_queue_and_what_came_into_it(self, namespace: Namespace) -> None:
        put(namespace, "a", queue="one")
        put(namespace, "b", queue="two")
        namespace.move(["a"], "two")
        namespace.pause("two")
        namespace.pause("one")

        assert seen(namespace, queue="two") == [("put", "b"), ("moved", "a"), ("paused", None)]
        assert seen(namespace, queue="one") == [("put", "a"), ("moved", "a"), ("paused", None)]

    def test_an_event_tells_the_tags_that_the_job_has_after_it(self, namespace: Namespace) -> None:
        put(namespace, "a", tags=("t", "ü"))
        put(namespace, "b", "c")

        namespace.update(["a", "b"], Changes(remove_tags=("t",), add_tags=("v",)))

        assert [(event.jid, event.tags) for event in read(namespace, EventFilter())] == [
            ("a", ("t", "ü")),
            ("b", ()),
            ("c", ()),
            ("a", ("ü", "v")),
            ("b", ("v",)),
        ]
        assert seen(namespace, tag="v") == [("updated", "a"), ("updated", "b")]
        assert seen(namespace, tag="t") == [("put", "a")]

    def test_those_of_jobs_that_were_tracked_then(self, namespace: Namespace) -> None:
        run(namespace, "a")
        namespace.update(["a"], Changes(tracked=True))
        put(namespace, "b", queue="other")
        namespace.cancel(["a"])
        namespace.update(["a"], Changes(tracked=False))
        namespace.move(["a"], "other")

        assert seen(namespace, tracked=True) == [("tracked", "a"), ("canceled", "a")]
        assert seen(namespace, tracked=False) == [
            ("put", "a"),
            ("popped", "a"),
            ("put", "b"),
            ("untracked", "a"),
            ("moved", "a"),
        ]

    def test_those_of_jobs_with_a_tag_that_is_tracked_now(self, namespace: Namespace) -> None:
        put(namespace, "a", tags=("t", "u"))
        put(namespace, "b", tags=("u",))
        namespace.track("t")
        namespace.cancel(["a", "b"])

        assert seen(namespace, tracked=True) == [("put", "a"), ("tracked", None), ("canceled", "a")]
        namespace.track("t", on=False)
        assert seen(namespace, tracked=True) == []

    def test_all_that_is_asked_for_must_match(self, namespace: Namespace) -> None:
        put(namespace, "a", tags=("t",))
        put(namespace, "b", queue="other", tags=("t",))
        namespace.cancel(["a", "b"])
        namespace.update(["b"], Changes(tracked=True))

        assert seen(namespace, tag="t", queue="other") == [("put", "b"), ("canceled", "b"), ("tracked", "b")]
        assert seen(namespace, tag="t", tracked=True) == [("tracked", "b")]
        assert seen(namespace, jid="a", queue="other") == []

    def test_what_is_about_no_job_has_no_tag_and_is_not_tracked(self, namespace: Namespace) -> None:
        namespace.recur(Recurrence("Crawl", queue="work", id="daily", interval=60, tags=("t",)))
        namespace.pause("work")

        assert seen(namespace, tag="t") == []
        assert seen(namespace, queue="work") == [("recurrence_changed", None), ("paused", None)]
        assert seen(namespace, tracked=False) == [("recurrence_changed", None), ("paused", None)]

    def test_they_are_read_in_pages(self, namespace: Namespace) -> None:
        for number in range(7):
            put(namespace, f"{number}", tags=("even",) if number % 2 == 0 else ())

        found = read(namespace, EventFilter(tag="even"), limit=2)

        assert [event.jid for event in found] == ["0", "2", "4", "6"]

    def test_a_page_ends_at_the_last_that_it_has(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c", tags=("t",))

        page = namespace.events(None, 2, filter=EventFilter(tag="t"))

        assert [event.jid for event in page.events] == ["a", "b"]
        assert page.next == page.events[-1].cursor
        assert [event.jid for event in namespace.events(page.next, filter=EventFilter(tag="t")).events] == ["c"]

    def test_a_reader_comes_past_what_does_not_match(self, namespace: Namespace) -> None:
        namespace.put([])
        for _ in range(3):
            put(namespace, *(f"{number}" for number in range(900)), if_exists="replace")
        put(namespace, "last", tags=("t",))

        assert seen(namespace, tag="t") == [("put", "last")]

    def test_what_comes_later_is_read_on_from_the_end(self, namespace: Namespace) -> None:
        put(namespace, "a", tags=("t",))
        end = namespace.events(None, filter=EventFilter(tag="u")).next
        put(namespace, "b", "c", tags=("u",))
        namespace.settle([Complete(pop(namespace))])

        page = namespace.events(end, filter=EventFilter(tag="u"))

        assert [(event.event, event.jid) for event in page.events] == [("put", "b"), ("put", "c")]

    def test_a_gap_concerns_everybody(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b")
        [first, *_] = namespace.events().events
        clock.advance(HOUR)
        namespace.prune()
        put(namespace, "c", tags=("t",))

        page = namespace.events(first.cursor, filter=EventFilter(tag="t"))

        assert [(event.event, event.jid) for event in page.events] == [("gap", None), ("put", "c")]

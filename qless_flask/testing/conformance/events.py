"""The log of all transitions."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import LOG_END, Backend, Namespace
from qless_flask.errors import Invalid
from qless_flask.models import Complete, Event, EventFilter
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import Check, pop_all, put, renew, run, seen_events, unchanged


def read_on(namespace: Namespace, after: str | None, limit: int) -> list[Event]:
    """Read page after page until there is no more."""
    found: list[Event] = []
    while True:
        page = namespace.events(after, limit)
        assert len(page.events) <= limit
        if not page.events:
            return found
        found += page.events
        after = page.next


class TestEvents:
    """Read in order, each once."""

    def test_a_life_is_told_whole(self, namespace: Namespace) -> None:
        lease = run(namespace, pipeline=("next",))
        namespace.settle([Complete(lease)])

        assert [(event.event, event.jid, event.queue) for event in seen_events(namespace)] == [
            ("put", "a", "work"),
            ("popped", "a", "work"),
            ("advanced", "a", "work"),
        ]

    @pytest.mark.parametrize("beginning", [None, "0"])
    def test_none_and_0_are_the_beginning(self, namespace: Namespace, beginning: str | None) -> None:
        put(namespace, "a", "b")

        assert [event.jid for event in namespace.events(beginning).events] == ["a", "b"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
    def test_pages_of_any_size_hold_every_event_once(self, namespace: Namespace, limit: int) -> None:
        put(namespace, "a", "b", "c")
        put(namespace, "d")
        namespace.pop(["work"], "ann", 3)

        found = read_on(namespace, None, limit)

        assert [(event.event, event.jid) for event in found] == [
            ("put", "a"),
            ("put", "b"),
            ("put", "c"),
            ("put", "d"),
            ("popped", "a"),
            ("popped", "b"),
            ("popped", "c"),
        ]
        assert len({event.cursor for event in found}) == 7

    def test_each_cursor_can_be_read_on_from(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c")
        pop_all(namespace)
        events = seen_events(namespace)

        for index, event in enumerate(events):
            assert read_on(namespace, event.cursor, 1000) == events[index + 1 :]

    def test_a_reader_at_the_end_finds_nothing_until_something_happens(self, namespace: Namespace) -> None:
        put(namespace, "a")
        end = namespace.events().next

        page = namespace.events(end)
        assert page.events == ()
        put(namespace, "b")
        assert [event.jid for event in namespace.events(page.next).events] == ["b"]
        assert [event.jid for event in namespace.events(end).events] == ["b"]

    def test_a_reader_of_an_empty_log_reads_on_from_its_beginning(self, namespace: Namespace) -> None:
        page = namespace.events()

        assert page.events == ()
        put(namespace, "a")
        assert [event.jid for event in namespace.events(page.next).events] == ["a"]

    def test_events_say_when_they_happened(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a")
        clock.advance(1.125)
        put(namespace, "b")

        assert [event.at for event in seen_events(namespace)] == [clock() - 1.125, clock()]

    def test_order_is_that_of_operations_though_the_clock_went_back(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        for jid in ("a", "b", "c"):
            put(namespace, jid)
            clock.advance(-100)

        assert [event.jid for event in read_on(namespace, None, 1)] == ["a", "b", "c"]

    def test_odd_names_are_told_as_they_are(self, namespace: Namespace) -> None:
        jid, worker = 'a "job" {1}: 100% \u2028 ✓', "wörker|1,2;3\\"
        put(namespace, jid)

        namespace.pop(["work"], worker)

        assert [(event.jid, event.worker) for event in seen_events(namespace)] == [(jid, None), (jid, worker)]

    def test_what_changes_nothing_is_not_told(self, namespace: Namespace) -> None:
        lease = run(namespace)
        told = seen_events(namespace)

        namespace.pop(["work"], "bob")
        renew(namespace, lease)
        namespace.log(lease, "line")
        namespace.lead("role", "holder", 5)
        namespace.remember("record", "1", None)
        namespace.promote()
        namespace.prune()
        namespace.get(["a"])

        assert seen_events(namespace) == told

    def test_a_cursor_that_is_none_is_refused(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a")

        with unchanged(namespace, check):
            for cursor in ("x", "no cursor", "-1", "é", "1:2:3:4:5", "{}", ""):
                with pytest.raises(Invalid) as caught:
                    namespace.events(cursor)
                assert "after" in caught.value.fields

    @pytest.mark.parametrize("limit", [0, 1001])
    def test_a_page_has_one_to_a_thousand_events(self, namespace: Namespace, limit: int) -> None:
        with pytest.raises(Invalid) as caught:
            namespace.events(None, limit)

        assert "limit" in caught.value.fields

    def test_a_batch_of_a_thousand_is_read_in_pages(self, namespace: Namespace) -> None:
        jids = [f"{number}" for number in range(1000)]
        put(namespace, *jids)

        assert [event.jid for event in read_on(namespace, None, 300)] == jids

    def test_prune_tells_that_there_is_more_until_all_that_is_old_is_gone(
        self, backend: Backend, namespace: Namespace, clock: ManualClock
    ) -> None:
        unchecked = backend.namespace(namespace.name)
        for _ in range(1_100):
            unchecked.pause("work")
        clock.advance(3600)

        while unchecked.prune().more:
            pass

        assert unchecked.events().events == ()


class TestGaps:
    """A reader that fell off the log is told."""

    def test_a_reader_that_fell_off_finds_a_gap_and_then_what_is_left(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "a", "b", "c")
        cursor = seen_events(namespace)[0].cursor
        clock.advance(3600)
        put(namespace, "d")
        namespace.prune()

        gap, *others = namespace.events(cursor).events

        assert gap == Event(gap.cursor, clock(), "gap")
        assert [event.jid for event in others] == ["d"]

    def test_a_gap_is_told_once(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", "c")
        cursor = seen_events(namespace)[0].cursor
        clock.advance(3600)
        put(namespace, "d", "e")
        namespace.prune()

        found = read_on(namespace, cursor, 1)
        assert [(event.event, event.jid) for event in found] == [("gap", None), ("put", "d"), ("put", "e")]
        gap = namespace.events(cursor).events[0]
        assert [event.jid for event in namespace.events(gap.cursor).events] == ["d", "e"]

    def test_a_gap_is_told_though_nothing_is_left(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", "c")
        cursor = seen_events(namespace)[0].cursor
        clock.advance(3600)
        namespace.prune()

        page = namespace.events(cursor)

        assert [event.event for event in page.events] == ["gap"]
        assert namespace.events(page.next).events == ()
        put(namespace, "d")
        assert [event.jid for event in namespace.events(page.next).events] == ["d"]

    def test_a_reader_from_the_beginning_never_finds_one(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", "c")
        clock.advance(3600)
        put(namespace, "d")
        namespace.prune()

        for beginning in (None, "0"):
            assert [event.jid for event in namespace.events(beginning).events] == ["d"]

    def test_a_reader_that_kept_up_finds_none(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a")
        clock.advance(3599)
        put(namespace, "b")
        cursor = namespace.events().next
        clock.advance(1)
        put(namespace, "c")

        namespace.prune()

        assert [event.jid for event in namespace.events(cursor).events] == ["c"]
        assert [event.jid for event in namespace.events().events] == ["b", "c"]


class TestTheEndOfTheLog:
    """A reader may begin with what is to come."""

    def test_from_the_end_nothing_is_read_but_what_comes_after(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        page = namespace.events(LOG_END)

        assert page.events == ()
        put(namespace, "c", "d")
        assert [event.jid for event in read_on(namespace, page.next, 1)] == ["c", "d"]

    def test_the_end_is_the_cursor_of_the_last_event(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        assert namespace.events(LOG_END).next == seen_events(namespace)[-1].cursor

    def test_of_an_empty_log_it_is_the_beginning(self, namespace: Namespace) -> None:
        page = namespace.events(LOG_END)

        assert page.next == "0"
        put(namespace, "a")
        assert [event.jid for event in namespace.events(page.next).events] == ["a"]

    def test_where_all_was_trimmed_no_gap_follows(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b")
        clock.advance(3600)
        namespace.prune()

        page = namespace.events(LOG_END)

        put(namespace, "c")
        assert [(event.event, event.jid) for event in namespace.events(page.next).events] == [("put", "c")]

    def test_a_filter_changes_nothing_of_that(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        page = namespace.events(LOG_END, filter=EventFilter(jid="a"))

        assert page.events == ()
        assert page.next == seen_events(namespace)[-1].cursor

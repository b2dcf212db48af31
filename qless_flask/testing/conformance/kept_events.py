"""How long events are kept: an hour, and for registered readers up to a day."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import put, seen_events

HOUR = 3_600.0
DAY = 86_400.0


def prune(namespace: Namespace) -> list[str | None]:
    """Prune all that can be, and list the jids of the events that are left."""
    while namespace.prune().more:
        pass
    return [event.jid for event in seen_events(namespace)]


def put_apart(namespace: Namespace, clock: ManualClock, *jids: str) -> list[str]:
    """Put jobs a second apart from each other, and list the cursors after each."""
    cursors = []
    for jid in jids:
        put(namespace, jid)
        cursors.append(namespace.events(limit=1000).next)
        clock.advance(1)
    return cursors


class TestEventsKeptForReaders:
    """Records named `reader:…` say up to where somebody has read."""

    def test_without_readers_they_go_after_an_hour(self, namespace: Namespace, clock: ManualClock) -> None:
        put_apart(namespace, clock, "a", "b")
        clock.advance(HOUR - 2.001)
        assert prune(namespace) == ["a", "b"]

        clock.advance(0.001)

        assert prune(namespace) == ["b"]

    def test_one_prune_deletes_all_that_is_old_and_is_done(self, namespace: Namespace, clock: ManualClock) -> None:
        for number in range(50):
            put(namespace, f"old-{number}")
        clock.advance(HOUR)
        put(namespace, "new")

        assert not namespace.prune().more

        assert [event.jid for event in seen_events(namespace)] == ["new"]

    def test_what_a_reader_has_not_passed_is_kept(self, namespace: Namespace, clock: ManualClock) -> None:
        a, b, _ = put_apart(namespace, clock, "a", "b", "c")
        assert namespace.remember("reader:mail", a, None)
        clock.advance(2 * HOUR)

        assert prune(namespace) == ["b", "c"]
        namespace.remember("reader:mail", b, a)
        assert prune(namespace) == ["c"]

    def test_a_reader_that_is_at_the_end_keeps_nothing(self, namespace: Namespace, clock: ManualClock) -> None:
        *_, end = put_apart(namespace, clock, "a", "b")
        namespace.remember("reader:mail", end, None)
        clock.advance(HOUR)

        assert prune(namespace) == []

    def test_a_reader_that_is_at_the_beginning_keeps_all(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.remember("reader:mail", "0", None)
        put_apart(namespace, clock, "a", "b")
        clock.advance(2 * HOUR)

        assert prune(namespace) == ["a", "b"]

    def test_the_slowest_of_several_counts(self, namespace: Namespace, clock: ManualClock) -> None:
        a, b, c = put_apart(namespace, clock, "a", "b", "c")
        for name, cursor in {"fast": c, "slow": a, "other": b}.items():
            namespace.remember(f"reader:{name}", cursor, None)
        clock.advance(HOUR)

        assert prune(namespace) == ["b", "c"]
        namespace.remember("reader:slow", None, a)
        assert prune(namespace) == ["c"]

    def test_a_reader_that_is_deleted_keeps_nothing(self, namespace: Namespace, clock: ManualClock) -> None:
        a, _ = put_apart(namespace, clock, "a", "b")
        namespace.remember("reader:mail", a, None)
        clock.advance(HOUR)
        assert prune(namespace) == ["b"]

        namespace.remember("reader:mail", None, a)

        assert prune(namespace) == []

    @pytest.mark.parametrize("value", ["", "nonsense", "x:1", "-5", '{"cursor": 1}', "é"])
    def test_what_is_no_cursor_keeps_nothing(self, namespace: Namespace, clock: ManualClock, value: str) -> None:
        put_apart(namespace, clock, "a")
        namespace.remember("reader:odd", value, None)
        clock.advance(HOUR)

        assert prune(namespace) == []

    @pytest.mark.parametrize("name", ["mail", "reader", "readers:mail", "Reader:mail", "copy:mail"])
    def test_other_records_keep_nothing(self, namespace: Namespace, clock: ManualClock, name: str) -> None:
        a, _ = put_apart(namespace, clock, "a", "b")
        namespace.remember(name, a, None)
        clock.advance(HOUR)

        assert prune(namespace) == []
        assert namespace.recall(name) == a

    def test_nobody_is_waited_for_over_a_day(self, namespace: Namespace, clock: ManualClock) -> None:
        a, *_ = put_apart(namespace, clock, "a", "b", "c")
        namespace.remember("reader:mail", a, None)
        clock.advance(DAY - 2.001)
        assert prune(namespace) == ["b", "c"]

        clock.advance(0.001)

        assert prune(namespace) == ["c"]
        assert [event.event for event in namespace.events(a).events] == ["gap", "put"]

    def test_a_reader_that_was_waited_for_finds_no_gap(self, namespace: Namespace, clock: ManualClock) -> None:
        a, *_ = put_apart(namespace, clock, "a", "b", "c")
        namespace.remember("reader:mail", a, None)
        clock.advance(5 * HOUR)
        prune(namespace)

        assert [(event.event, event.jid) for event in namespace.events(a).events] == [("put", "b"), ("put", "c")]

    def test_readers_of_other_namespaces_keep_nothing_here(
        self, backend: Backend, namespace: Namespace, clock: ManualClock
    ) -> None:
        other = backend.namespace(f"{namespace.name}-other")
        put(other, "x")
        put_apart(namespace, clock, "a", "b")
        other.remember("reader:mail", "0", None)
        clock.advance(HOUR)

        assert prune(namespace) == []
        assert prune(other) == ["x"]

    def test_what_is_folded_late_is_counted_all_the_same(self, namespace: Namespace, clock: ManualClock) -> None:
        put_apart(namespace, clock, "a", "b")
        clock.advance(2 * HOUR)

        prune(namespace)

        assert sum(namespace.throughput(since=clock() - 3 * HOUR).put) == 2

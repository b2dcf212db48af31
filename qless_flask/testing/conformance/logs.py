"""The lines that workers write about their jobs."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import JobNotFound, TooLarge
from qless_flask.models import Complete, LogLine, Release
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import Check, history, pop, run, seen_events, unchanged

KIB = 1024


class TestLogs:
    """A worker's own lines."""

    def test_lines_are_read_as_they_were_written_oldest_first(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)

        namespace.log(lease, "begun")
        clock.advance(2)
        namespace.log(lease, "two\nlines, é, \u2028 and \x00", '{"pages":12345678901234567890}')

        assert namespace.lines("a") == [
            LogLine(clock() - 2, "begun", None),
            LogLine(clock(), "two\nlines, é, \u2028 and \x00", '{"pages":12345678901234567890}'),
        ]

    def test_a_line_may_be_empty(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.log(run(namespace), "", "null")

        assert namespace.lines("a") == [LogLine(clock(), "", "null")]

    def test_a_job_begins_with_no_lines(self, namespace: Namespace) -> None:
        run(namespace)

        assert namespace.lines("a") == []

    def test_the_lines_of_a_job_that_is_not_there_are_not_found(self, namespace: Namespace) -> None:
        with pytest.raises(JobNotFound) as caught:
            namespace.lines("no")

        assert caught.value.subject == "no"

    def test_a_line_is_no_event_and_no_history(self, namespace: Namespace) -> None:
        lease = run(namespace)
        told = seen_events(namespace)

        namespace.log(lease, "begun")

        assert seen_events(namespace) == told
        assert history(namespace) == ["put", "popped"]

    def test_lines_stay_over_runs_and_the_end(self, namespace: Namespace) -> None:
        lease = run(namespace)
        namespace.log(lease, "one")
        namespace.settle([Release(lease)])
        lease = pop(namespace, worker="bob")
        namespace.log(lease, "two")
        namespace.settle([Complete(lease)])

        assert [line.message for line in namespace.lines("a")] == ["one", "two"]

    def test_the_latest_hundred_are_kept(self, namespace: Namespace) -> None:
        lease = run(namespace)

        for number in range(103):
            namespace.log(lease, f"line {number}")

        assert [line.message for line in namespace.lines("a")] == [f"line {number}" for number in range(3, 103)]

    def test_the_latest_64_kib_are_kept(self, namespace: Namespace) -> None:
        lease = run(namespace)

        for number in range(10):
            namespace.log(lease, f"{number}" * 10 * KIB)

        kept = [line.message[0] for line in namespace.lines("a")]
        assert kept == list("456789")

    def test_bytes_are_counted_not_characters(self, namespace: Namespace) -> None:
        lease = run(namespace)

        for character in "éèê":
            namespace.log(lease, character * 15 * KIB)

        assert [line.message[0] for line in namespace.lines("a")] == ["è", "ê"]

    def test_the_longest_line_allowed_is_kept(self, namespace: Namespace) -> None:
        lease = run(namespace)
        namespace.log(lease, "before")

        namespace.log(lease, "x" * 32 * KIB, '"' + "y" * (32 * KIB - 2) + '"')

        assert [(len(line.message), len(line.data or "")) for line in namespace.lines("a")] == [(32 * KIB, 32 * KIB)]

    def test_a_longer_line_is_refused(self, namespace: Namespace, check: Check) -> None:
        lease = run(namespace)

        with unchanged(namespace, check), pytest.raises(TooLarge):
            namespace.log(lease, "x" * 32 * KIB, '"' + "y" * (32 * KIB - 1) + '"')

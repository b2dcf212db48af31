"""A job's life is cut into waits and runs, and drawn to scale."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.models import Complete, Fail, Job, NewJob, Retry
from qless_flask.testing import ManualClock
from qless_flask.testing.model import ModelBackend
from qless_flask.web.pages.timeline import NARROWEST, WIDTH, Span, spans


@pytest.fixture
def clock() -> ManualClock:
    """The clock that jobs go by."""
    return ManualClock()


@pytest.fixture
def namespace(clock: ManualClock) -> Namespace:
    """Where they are put."""
    return ModelBackend(clock=clock).namespace("shop")


def told(job: Job | None, now: float) -> list[tuple[str, float, str | None]]:
    """Tell each span's kind, length and end."""
    assert job is not None
    return [(span.kind, round(span.seconds, 3), span.ended_by) for span in spans(job, now)]


class TestSpans:
    def test_a_retried_job_waits_runs_and_is_put_off(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="one")])
        clock.advance(10)
        [lease] = namespace.pop(["fetch"], "ann")
        clock.advance(4)
        namespace.settle([Retry(lease, delay=20)])
        clock.advance(20)
        namespace.promote()
        clock.advance(1)
        [lease] = namespace.pop(["fetch"], "bob")
        clock.advance(2)
        namespace.settle([Complete(lease)])
        clock.advance(100)
        [job] = namespace.get(["one"])

        assert told(job, clock()) == [
            ("waiting", 10, "popped"),
            ("running", 4, "retried"),
            ("scheduled", 20, "promoted"),
            ("waiting", 1, "popped"),
            ("running", 2, "completed"),
        ]

    def test_what_goes_on_goes_on_until_now(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="one")])
        clock.advance(3)
        namespace.pop(["fetch"], "ann")
        clock.advance(7)
        [job] = namespace.get(["one"])

        assert told(job, clock()) == [("waiting", 3, "popped"), ("running", 7, None)]
        assert job is not None
        assert spans(job, clock())[1].worker == "ann"

    def test_each_stage_of_a_pipeline_has_its_queue(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="one", pipeline=("parse",))])
        for queue in ("fetch", "parse"):
            [lease] = namespace.pop([queue], "ann")
            clock.advance(1)
            namespace.settle([Complete(lease)])
        [job] = namespace.get(["one"])

        assert job is not None
        assert [span.queue for span in spans(job, clock())] == ["fetch", "fetch", "parse", "parse"]

    def test_a_job_that_depends_says_so_until_it_is_unblocked(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="parent")])
        namespace.put([NewJob("Crawl", queue="parse", jid="one", depends=("parent",))])
        clock.advance(5)
        [lease] = namespace.pop(["fetch"], "ann")
        namespace.settle([Complete(lease)])
        clock.advance(2)
        [job] = namespace.get(["one"])

        assert told(job, clock()) == [("depends", 5, "unblocked"), ("waiting", 2, None)]

    def test_a_failed_job_stands_still(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="one")])
        [lease] = namespace.pop(["fetch"], "ann")
        clock.advance(1)
        namespace.settle([Fail(lease, group="broken", message="it broke")])
        clock.advance(1_000)
        [job] = namespace.get(["one"])

        assert told(job, clock())[-1] == ("running", 1, "failed")


class TestScale:
    def test_spans_are_as_wide_as_they_are_long(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="one")])
        clock.advance(30)
        namespace.pop(["fetch"], "ann")
        clock.advance(10)
        [job] = namespace.get(["one"])

        assert job is not None
        assert [(span.x, span.width) for span in spans(job, clock())] == [(0, 750), (750, 250)]

    def test_the_shortest_can_be_seen_and_none_leaves_the_drawing(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="one")])
        clock.advance(100_000)
        namespace.pop(["fetch"], "ann")
        [job] = namespace.get(["one"])

        assert job is not None
        [_, run] = spans(job, clock())
        assert (run.x, run.width) == (WIDTH - NARROWEST, NARROWEST)

    def test_a_job_just_put_has_one(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid="one")])
        [job] = namespace.get(["one"])

        assert job is not None
        assert spans(job, clock()) == [
            Span("waiting", clock(), clock(), "fetch", None, None, x=0.0, width=NARROWEST),
        ]

"""Pipelines: a job goes on to its next queue in the step that completes the last."""

from __future__ import annotations

from qless_flask.backends.base import Namespace
from qless_flask.models import Complete, Release, Retry, Settled
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    get,
    last_event,
    pop,
    pop_all,
    put,
    queue,
    run,
    seen_events,
)


class TestPipelines:
    """From stage to stage."""

    def test_a_job_goes_through_all_its_queues(self, namespace: Namespace) -> None:
        lease = run(namespace, queue="fetch", pipeline=("parse", "index"))

        assert namespace.settle([Complete(lease, data="[1]")]) == [Settled("a", "waiting")]
        assert (get(namespace).queue, get(namespace).pipeline, get(namespace).data) == ("parse", ("index",), "[1]")
        assert namespace.settle([Complete(pop(namespace, "parse"))]) == [Settled("a", "waiting")]
        assert (get(namespace).queue, get(namespace).pipeline) == ("index", ())
        assert namespace.settle([Complete(pop(namespace, "index"))]) == [Settled("a", "complete")]
        assert [each.name for each in namespace.queues()] == ["fetch", "index", "parse"]

    def test_a_stage_begins_with_retries_and_losses_renewed_and_no_failure(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.configure("parse", {"retries": 8})
        namespace.settle([Retry(run(namespace, pipeline=("parse",)))])
        pop(namespace)
        clock.advance(60)

        namespace.settle([Complete(pop(namespace))])

        job = get(namespace)
        assert (job.state, job.remaining, job.losses, job.failure) == ("waiting", 8, 0, None)
        assert (job.ended_at, job.available_at, job.started_at) == (None, clock(), clock())

    def test_own_retries_count_in_every_stage(self, namespace: Namespace) -> None:
        namespace.configure("parse", {"retries": 8})
        namespace.settle([Retry(run(namespace, retries=2, pipeline=("parse",)))])

        namespace.settle([Complete(pop(namespace))])

        assert (get(namespace).retries, get(namespace).remaining) == (2, 2)

    def test_a_job_takes_its_place_in_the_next_queue_when_it_arrives(self, namespace: Namespace) -> None:
        put(namespace, "b", queue="parse")
        lease = run(namespace, "a", pipeline=("parse",))
        put(namespace, "c", queue="parse")

        namespace.settle([Complete(lease)])

        assert pop_all(namespace, "parse") == ["b", "c", "a"]

    def test_a_delay_holds_the_next_stage_back(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace, pipeline=("parse",))

        assert namespace.settle([Complete(lease, delay=5)]) == [Settled("a", "scheduled")]

        assert (get(namespace).queue, get(namespace).available_at) == ("parse", clock() + 5)
        clock.advance(5)
        assert pop_all(namespace, "parse") == ["a"]

    def test_next_comes_before_the_pipeline_which_stays_whole(self, namespace: Namespace) -> None:
        lease = run(namespace, pipeline=("parse", "index"))

        assert namespace.settle([Complete(lease, next="extra")]) == [Settled("a", "waiting")]

        assert (get(namespace).queue, get(namespace).pipeline) == ("extra", ("parse", "index"))
        namespace.settle([Complete(pop(namespace, "extra"))])
        assert (get(namespace).queue, get(namespace).pipeline) == ("parse", ("index",))

    def test_next_leads_on_without_a_pipeline_even_to_the_same_queue(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        assert namespace.settle([Complete(pop(namespace), next="work")]) == [Settled("a", "waiting")]

        assert pop_all(namespace) == ["b", "a"]

    def test_an_advance_is_told_from_where_to_where(self, namespace: Namespace) -> None:
        namespace.settle([Complete(run(namespace, pipeline=("parse",)))])

        event, entry = last_event(namespace), get(namespace).history[-1]
        assert (event.event, event.queue, event.to) == ("advanced", "work", "parse")
        assert (event.state, event.worker, event.group) == ("waiting", "ann", None)
        assert (entry.event, entry.queue, entry.worker) == ("advanced", "parse", None)
        assert not seen_events(namespace, "completed")

    def test_the_same_completion_again_does_not_advance_twice(self, namespace: Namespace) -> None:
        completion = Complete(run(namespace, pipeline=("parse", "index")))

        assert namespace.settle([completion]) == namespace.settle([completion]) == [Settled("a", "waiting")]

        assert (get(namespace).queue, get(namespace).pipeline) == ("parse", ("index",))

    def test_a_stage_may_come_twice(self, namespace: Namespace) -> None:
        namespace.settle([Complete(run(namespace, pipeline=("work", "work")))])
        namespace.settle([Complete(pop(namespace))])

        assert namespace.settle([Complete(pop(namespace))]) == [Settled("a", "complete")]

    def test_neither_retry_nor_release_advances(self, namespace: Namespace) -> None:
        namespace.settle([Release(run(namespace, pipeline=("parse",)))])
        namespace.settle([Retry(pop(namespace))])

        assert (get(namespace).queue, get(namespace).pipeline) == ("work", ("parse",))

    def test_a_pipeline_may_have_a_hundred_queues(self, namespace: Namespace) -> None:
        stages = tuple(f"stage-{number}" for number in range(100))
        namespace.settle([Complete(run(namespace, pipeline=stages))])

        assert (get(namespace).queue, get(namespace).pipeline) == ("stage-0", stages[1:])
        assert queue(namespace, "stage-0").waiting == 1

"""What job and plugin authors test with: jobs and events out of nothing, and all that is due run here and now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qless_flask.backends import open_backend
from qless_flask.backends.hooked import Hooked
from qless_flask.client import Client, FailJob, LeasedJob, job
from qless_flask.models import Backoff, Job
from qless_flask.testing import Drained, ManualClock, ModelBackend, build_event, build_failure, build_job, drain


@job("Crawl", queue="fetch", retries=2, backoff=Backoff("fixed", 60))
def crawl(job: LeasedJob) -> dict[str, object]:
    """Find one more page, until there is none."""
    left = job.data["left"]
    if left:
        crawl.put({"left": left - 1})
    return {"left": left}


@job("Stumble", queue="fetch", retries=2, backoff=Backoff("fixed", 60))
def stumble(job: LeasedJob) -> None:
    """Break at each run but the last."""
    if job.job.remaining:
        raise ValueError("mind the step")


@job("Fall", queue="fetch")
def fall(job: LeasedJob) -> None:
    """Give up."""
    raise FailJob("fallen", "no use")


@job("Await", queue="wait")
async def wait(job: LeasedJob) -> str:
    """Be a coroutine."""
    return "waited"


@job("Again", queue="fetch")
def again(job: LeasedJob) -> None:
    """Have no end."""
    again.put()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["model", "sqlite"])
def client(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Client]:
    if request.param == "model":
        yield Client(Hooked(ModelBackend(clock=clock)))
        return
    with open_backend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off", clock=clock) as backend:
        yield Client(backend)


class TestDrain:
    def test_all_that_waits_is_run_and_what_it_puts_too(self, client: Client) -> None:
        crawl.put({"left": 2}, client=client)

        drained = drain(client, [crawl])

        assert [run.job.data for run in drained.runs] == ['{"left":2}', '{"left":1}', '{"left":0}']
        assert set(drained.states.values()) == {"complete"}

    def test_results_are_kept_as_a_worker_keeps_them(self, client: Client) -> None:
        handle = crawl.put({"left": 0}, client=client)

        drain(client, [crawl])

        assert handle.result == {"left": 0}

    def test_coroutines_run_too(self, client: Client) -> None:
        handle = wait.put(client=client)

        drain(client, [wait, crawl])

        assert handle.result == "waited"

    def test_stages_and_dependents_follow(self, client: Client) -> None:
        first = crawl.put({"left": 0}, client=client, pipeline=("index",))
        second = crawl.put({"left": 0}, client=client, depends=(first.jid,))

        drained = drain(client, [crawl])

        assert [(run.job.jid, run.job.queue) for run in drained.runs] == [
            (first.jid, "fetch"),
            (first.jid, "index"),
            (second.jid, "fetch"),
        ]

    def test_what_is_put_off_stays_for_later(self, client: Client) -> None:
        crawl.put({"left": 0}, client=client, delay=60)
        stumbled = stumble.put(client=client)

        drained = drain(client, [crawl, stumble])

        assert drained.states == {stumbled.jid: "scheduled"}

    def test_time_passes_from_one_thing_that_is_due_to_the_next(self, client: Client, clock: ManualClock) -> None:
        began = clock()
        crawl.put({"left": 0}, client=client, delay=90)
        stumble.put(client=client)

        drained = drain(client, [crawl, stumble], clock=clock, until=began + 1000)

        runs = [(run.job.klass, run.job.started_at) for run in drained.runs]
        assert runs == [
            ("Stumble", began),
            ("Stumble", began + 60),
            ("Crawl", began + 90),
            ("Stumble", began + 120),
        ]
        assert clock() == began + 1000

    def test_no_more_time_passes_than_it_may(self, client: Client, clock: ManualClock) -> None:
        crawl.put({"left": 0}, client=client, delay=90)

        drained = drain(client, [crawl], clock=clock, until=clock() + 89)

        assert drained == Drained((), 0)

    def test_recurrences_fire_each_time_that_they_are_due(self, client: Client, clock: ManualClock) -> None:
        client.queues["fetch"].recur("Crawl", {"left": 0}, interval=600)

        drained = drain(client, [crawl], clock=clock, until=clock() + 3600)

        assert (drained.fired, len(drained.runs)) == (6, 6)

    def test_a_paused_queue_is_left_alone(self, client: Client) -> None:
        crawl.put({"left": 0}, client=client)
        client.queues["fetch"].pause()

        assert drain(client, [crawl]) == Drained((), 0)

    def test_a_job_that_requires_something_is_run_by_whoever_offers_it(self, client: Client) -> None:
        crawl.put({"left": 0}, client=client, requires=("gpu",))

        assert drain(client, [crawl]).runs == ()
        assert len(drain(client, [crawl], capabilities=["gpu"]).runs) == 1

    def test_a_namespace_may_be_named(self, clock: ManualClock) -> None:
        backend = ModelBackend(clock=clock)
        crawl.put({"left": 0}, client=Client(backend, "shop"))

        assert len(drain(backend, [crawl], namespace="shop").runs) == 1

    def test_time_cannot_pass_without_its_clock(self, client: Client) -> None:
        with pytest.raises(TypeError, match="needs the clock"):
            drain(client, [crawl], until=10)

    def test_what_has_no_end_is_told(self, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("qless_flask.testing.draining.MOST_RUNS", 20)
        client = Client(ModelBackend(clock=clock))
        again.put(client=client)

        with pytest.raises(RuntimeError, match="do some put themselves again"):
            drain(client, [again])


class TestChecks:
    def test_runs_that_ended_well_pass(self, client: Client) -> None:
        crawl.put({"left": 1}, client=client)

        assert len(drain(client, [crawl]).check().runs) == 2

    def test_the_traceback_of_one_that_did_not_is_told(self, client: Client) -> None:
        handle = stumble.put(client=client)

        with pytest.raises(AssertionError, match=rf"job {handle.jid} \(Stumble\): ValueError: (.|\n)*mind the step"):
            drain(client, [stumble]).check()

    def test_a_job_that_failed_is_told(self, client: Client) -> None:
        fall.put(client=client)

        with pytest.raises(AssertionError, match="fallen: no use"):
            drain(client, [fall]).check()

    def test_a_klass_that_nobody_performs_is_told(self, client: Client) -> None:
        crawl.put({"left": 0}, client=client)

        with pytest.raises(AssertionError, match="no function performs Crawl; this worker knows Fall"):
            drain(client, [fall]).check()


class TestBuilding:
    def test_a_job_is_as_a_pop_answers_it(self) -> None:
        built = build_job()

        assert isinstance(built, Job)
        assert (built.klass, built.state, built.worker, built.data) == ("Crawl", "running", "ann", "{}")

    def test_any_of_its_fields_may_be_named(self) -> None:
        built = build_job("Send", '{"to": "ann"}', state="failed", tags=("news",))

        assert (built.klass, built.tags, built.worker) == ("Send", ("news",), None)
        assert built.failure is not None
        assert built.ended_at is not None

    def test_no_two_are_one(self) -> None:
        assert build_job().jid != build_job().jid

    def test_a_field_that_there_is_not_is_an_error(self) -> None:
        with pytest.raises(TypeError):
            build_job(nonsense=1)

    def test_an_event_is_of_a_job_and_the_state_that_it_left_it_in(self) -> None:
        event = build_event("popped", tags=("news",))

        assert (event.event, event.state, event.tags) == ("popped", "running", ("news",))
        assert event.jid

    def test_a_failure_is_of_a_first_run(self) -> None:
        assert build_failure("HTTP 503", group="http-503").run == 1

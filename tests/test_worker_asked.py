"""What a worker is asked through the store, it does; and what its jobs have to say comes there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workers import WatchedBackend, events_of, until, working

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend
from qless_flask.backends.hooked import Hooked
from qless_flask.client import Client, FailJob, LeasedJob, job
from qless_flask.errors import LeaseLost
from qless_flask.models import Backoff, NewJob
from qless_flask.testing import ModelBackend
from qless_flask.worker import Worker, WorkSettings


@pytest.fixture(params=["model", "sqlite"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    """Stores as `open_backend` gives them, by the real clock."""
    if request.param == "model":
        yield Client(Hooked(ModelBackend()))
        return
    with open_backend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off") as backend:
        yield Client(backend)


@pytest.fixture
def model() -> Client:
    return Client(ModelBackend())


def worker_of(client: Client, function: Callable[[LeasedJob], object], **settings: object) -> Worker:
    chosen = WorkSettings(**{"poll": 0.05, **settings})  # type: ignore[arg-type]
    return Worker(client, ["fetch"], [job("Crawl")(function)], chosen, name="ann")


def work(client: Client, function: Callable[[LeasedJob], object], *, jobs: int = 1) -> None:
    """Run so many jobs, and no more."""
    with working(worker_of(client, function, max_jobs=jobs)) as thread:
        thread.join(20)
        assert not thread.is_alive()


class TestQuiet:
    def test_a_worker_pops_nothing_while_it_is_asked_to_be_quiet(self, client: Client) -> None:
        worker = worker_of(client, lambda job: None)
        with working(worker):
            until(lambda: list(client.workers))
            client.workers.quiet("ann")
            until(lambda: worker.quiet)
            handle = client.queues["fetch"].put("Crawl")
            time.sleep(0.2)
            assert handle.get().state == "waiting"

            client.workers.quiet("ann", on=False)
            until(lambda: handle.get().state == "complete")

        assert not worker.quiet

    def test_what_runs_goes_on(self, model: Client) -> None:
        go_on = threading.Event()
        model.queues["fetch"].configure(heartbeat=0.3)
        handle = model.queues["fetch"].put("Crawl")
        worker = worker_of(model, lambda job: go_on.wait(20) and None)
        with working(worker):
            until(lambda: handle.get().state == "running")
            model.workers.quiet("ann")
            until(lambda: worker.quiet)
            go_on.set()

            until(lambda: handle.get().state == "complete")

    def test_a_quiet_worker_asks_no_more_often_than_an_idle_one(self, model: Client) -> None:
        watched = WatchedBackend(model.backend)
        worker = worker_of(Client(watched), lambda job: None, poll=0.3, threads=4)
        with working(worker):
            until(lambda: list(model.workers))
            model.workers.quiet("ann")
            until(lambda: worker.quiet)
            before = watched.calls.total()
            time.sleep(0.7)

            assert watched.calls.total() - before <= 4


class TestStop:
    def test_an_idle_worker_ends_when_it_is_asked_to(self, client: Client) -> None:
        worker = worker_of(client, lambda job: None, poll=0.2)
        with working(worker) as thread:
            until(lambda: list(client.workers))
            client.workers.stop("ann")

            thread.join(20)
            assert not thread.is_alive()
        assert worker.asked_to_end

    def test_a_busy_worker_hears_it_from_its_heartbeat_and_finishes(self, client: Client) -> None:
        client.queues["fetch"].configure(heartbeat=0.3)
        handles = client.queues["fetch"].put_many("Crawl", [{}] * 2)
        go_on = threading.Event()
        worker = worker_of(client, lambda job: go_on.wait(20) and None)
        with working(worker) as thread:
            until(lambda: list(client.workers))
            client.workers.stop("ann")
            until(lambda: worker.stopping)
            go_on.set()
            thread.join(20)

        assert [handle.get().state for handle in handles] == ["complete", "waiting"]

    @pytest.mark.parametrize("wish", ["quiet", "stop"])
    def test_a_worker_is_not_held_to_what_one_of_its_name_was_asked_before(self, client: Client, wish: str) -> None:
        client.namespace.pop(["fetch"], "ann")
        getattr(client.namespace, wish)("ann")
        handle = client.queues["fetch"].put("Crawl")

        work(client, lambda job: None)

        assert handle.get().state == "complete"
        [known] = client.namespace.workers(["ann"])
        assert (known.quiet, known.stop) == (False, False)


class TestResults:
    def test_what_a_function_returns_is_the_result(self, client: Client) -> None:
        handle = client.queues["fetch"].put("Crawl")

        work(client, lambda job: {"size": 10, "links": ["ü"]})

        assert handle.get().result == '{"size":10,"links":["ü"]}'

    def test_none_is_no_result(self, model: Client) -> None:
        handle = model.queues["fetch"].put("Crawl")

        work(model, lambda job: None)

        assert (handle.get().state, handle.get().result) == ("complete", None)

    def test_a_coroutine_returns_one_too(self, model: Client) -> None:
        handle = model.queues["fetch"].put("Crawl")

        async def crawl(job: LeasedJob) -> int:
            return 0

        work(model, crawl)

        assert handle.get().result == "0"

    def test_what_was_said_is_not_overruled_by_what_is_returned(self, model: Client) -> None:
        said, added, failed = model.queues["fetch"].put_many("Crawl", [{}] * 3)

        def crawl(job: LeasedJob) -> int:
            if job.jid == said.jid:
                job.complete(result="said")
            elif job.jid == added.jid:
                job.complete(data={"seen": True})
            else:
                raise FailJob("broken")
            return 5

        work(model, crawl, jobs=3)

        assert [handle.get().result for handle in (said, added, failed)] == ['"said"', "5", None]
        assert added.data == {"seen": True}

    def test_the_result_of_a_stage_goes_along(self, model: Client) -> None:
        handle = model.queues["fetch"].put("Crawl", pipeline=("parse",))

        work(model, lambda job: 7)

        assert (handle.get().state, handle.get().queue, handle.get().result) == ("waiting", "parse", "7")

    @pytest.mark.parametrize("result", [object(), float("nan"), "\ud800", {1, 2}])
    def test_what_has_no_form_in_json_fails_for_a_person_to_see(self, model: Client, result: object) -> None:
        handle = model.queues["fetch"].put("Crawl")

        work(model, lambda job: result)

        failure = handle.get().failure
        assert failure is not None
        assert failure.group == "unusable-result"
        assert failure.message.startswith("the function of Crawl returned what cannot be kept")

    def test_follow_ups_are_put_with_the_end(self, client: Client) -> None:
        handle = client.queues["fetch"].put("Crawl")

        def crawl(job: LeasedJob) -> None:
            job.complete(result=1, puts=[NewJob("Parse", queue="parse", jid="page-1")])

        work(client, crawl)

        assert handle.get().result == "1"
        assert client.jobs["page-1"].get().state == "waiting"

    def test_the_next_stage_may_wait_for_jobs_that_are_put_along(self, model: Client) -> None:
        handle = model.queues["fetch"].put("Crawl")
        page = NewJob("Parse", queue="parse", jid="page-1")

        work(model, lambda job: job.complete(next="join", puts=[page], depends=["page-1"]))

        assert (handle.get().state, handle.get().depends) == ("depends", ("page-1",))


class TestProgress:
    def test_progress_is_seen_while_the_job_runs(self, client: Client) -> None:
        go_on = threading.Event()
        handle = client.queues["fetch"].put("Crawl")

        def crawl(job: LeasedJob) -> None:
            job.progress({"done": 3, "of": 7})
            go_on.wait(20)

        with working(worker_of(client, crawl)):
            until(lambda: handle.get().progress)
            assert (handle.get().state, handle.get().progress) == ("running", '{"done":3,"of":7}')
            go_on.set()
            until(lambda: handle.get().state == "complete")

    def test_progress_of_a_canceled_job_stops_it(self, model: Client) -> None:
        handle = model.queues["fetch"].put("Crawl")
        stopped: list[str] = []

        def crawl(job: LeasedJob) -> None:
            handle.cancel()
            try:
                job.progress(1)
            finally:
                stopped.append("yes")
                assert job.lost is not None

        work(model, crawl)

        assert (stopped, handle.get().state) == (["yes"], "canceled")


class TestMaxRun:
    def test_a_job_knows_what_is_left_of_it(self, model: Client) -> None:
        model.queues["fetch"].put("Crawl", max_run=5)
        left: list[float | None] = []

        work(model, lambda job: left.append(job.ttl))

        assert left[0] is not None
        assert 4 < left[0] <= 5

    def test_a_run_beyond_it_is_interrupted_though_nobody_has_taken_it_back(self, client: Client) -> None:
        client.queues["fetch"].configure(heartbeat=0.3)
        handle = client.queues["fetch"].put("Crawl", max_run=0.8)
        ended: list[float] = []

        def crawl(job: LeasedJob) -> None:
            began = time.monotonic()
            try:
                while time.monotonic() - began < 20:
                    time.sleep(0.005)
            except LeaseLost:
                ended.append(time.monotonic() - began)

        work(client, crawl)

        assert 0.5 < ended[0] < 10
        client.namespace.promote()
        until(lambda: "timed_out" in events_of(client, handle.jid))

    def test_a_lease_that_gets_no_longer_is_not_renewed_ever_more_often(self, model: Client) -> None:
        watched = WatchedBackend(model.backend)
        client = Client(watched)
        client.queues["fetch"].put("Crawl", max_run=1.0)

        def crawl(job: LeasedJob) -> None:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                time.sleep(0.005)

        work(client, crawl)

        assert 3 <= watched.calls["heartbeat"] <= 14


class TestBackOff:
    def test_an_exception_puts_the_job_off_as_its_queue_says(self, client: Client) -> None:
        client.queues["fetch"].configure(backoff=Backoff("fixed", 100))
        handle = client.queues["fetch"].put("Crawl")

        def crawl(job: LeasedJob) -> None:
            raise LookupError("no such page")

        work(client, crawl)

        after = handle.get()
        assert after.failure is not None
        assert (after.state, round(after.available_at - after.failure.at)) == ("scheduled", 100)

    def test_a_retry_of_its_own_delay_is_put_off_by_that(self, client: Client) -> None:
        client.queues["fetch"].configure(backoff=Backoff("fixed", 100))
        handle = client.queues["fetch"].put("Crawl")

        work(client, lambda job: job.retry(delay=7))

        after = handle.get()
        assert after.failure is not None
        assert round(after.available_at - after.failure.at) == 7


def test_the_store_is_asked_nothing_else_for_a_job(model: Client) -> None:
    watched = WatchedBackend(model.backend)
    backend: Backend = watched
    client = Client(backend)
    client.queues["fetch"].put_many("Crawl", [{}] * 5)
    watched.calls.clear()

    work(client, lambda job: 1, jobs=5)

    assert watched.calls == {"workers": 1, "exchange": 5, "settle": 1}

"""A worker runs the jobs of its queues, on every kind of store, and settles each as its run went."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workers import WatchedBackend, events_of, until, working

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend
from qless_flask.bounds import MAX_DATA_BYTES, MAX_MESSAGE_BYTES
from qless_flask.client import Client, FailJob, JobFunction, LeasedJob, ReleaseJob, RetryJob, job
from qless_flask.errors import Invalid, JobCanceled, LeaseLost, WrongState
from qless_flask.models import Backoff, Failure
from qless_flask.testing import ModelBackend
from qless_flask.worker import Worker, WorkSettings

POLL = 0.05


@pytest.fixture(params=["model", "sqlite", "valkey"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Each kind of store, by the real clock."""
    if request.param == "model":
        yield ModelBackend()
    else:
        url = request.getfixturevalue("valkey_url") if request.param == "valkey" else f"sqlite:///{tmp_path}/jobs.db"
        with open_backend(url) as backend:
            yield backend


@pytest.fixture
def name() -> str:
    return f"worker-{secrets.token_hex(4)}"


@pytest.fixture
def client(backend: Backend, name: str) -> Client:
    return Client(backend, name)


@pytest.fixture
def model() -> Client:
    """The quickest store, for what is the same on all of them."""
    return Client(ModelBackend())


def work_all(client: Client, function: Callable[[LeasedJob], object], *, jobs: int = 1, threads: int = 1) -> None:
    """Run so many jobs of queue `fetch` and klass `Crawl` with a function, and no more."""
    settings = WorkSettings(threads=threads, max_jobs=jobs, poll=POLL)
    with working(Worker(client, ["fetch"], [job("Crawl")(function)], settings, name="ann")) as thread:
        thread.join(20)
        assert not thread.is_alive()


def failure_of(client: Client, jid: str) -> Failure:
    failure = client.jobs[jid].get().failure
    assert failure is not None
    return failure


def test_jobs_are_run_and_completed(client: Client) -> None:
    handles = client.queues["fetch"].put_many("Crawl", [{"number": number} for number in range(20)])
    seen: list[int] = []

    work_all(client, lambda job: seen.append(job.data["number"]), jobs=20)

    assert seen == list(range(20))
    assert {handle.get().state for handle in handles} == {"complete"}


def test_a_job_put_while_the_worker_waits_is_run_at_once(client: Client) -> None:
    ran = threading.Event()
    crawl = job("Crawl")(lambda job: ran.set())
    client.queues["fetch"].put("Other", delay=3600)

    with working(Worker(client, ["fetch"], [crawl], WorkSettings(poll=2))):
        until(lambda: [worker.name for worker in client.workers])
        client.queues["fetch"].put("Crawl")
        assert ran.wait(1.5)


def test_a_job_says_where_it_goes_next(client: Client) -> None:
    handle = client.queues["fetch"].put("Crawl", {"url": "/"})

    work_all(client, lambda job: job.complete(next="parse", data={"size": 10}))

    assert (handle.get().queue, handle.state, handle.data) == ("parse", "waiting", {"size": 10})


def test_an_exception_is_a_retry_and_at_last_a_failure_with_its_traceback(client: Client) -> None:
    handle = client.queues["fetch"].put("Crawl", retries=2, backoff=Backoff("fixed", 0))

    def crawl(job: LeasedJob) -> None:
        raise LookupError("no such page: ü")

    work_all(client, crawl, jobs=3)

    assert events_of(client, handle.jid) == ["put", "popped", "retried", "popped", "retried", "popped", "failed"]
    failure = failure_of(client, handle.jid)
    assert (failure.group, failure.worker, failure.run) == ("LookupError", "ann", 3)
    assert failure.message.startswith("Traceback (most recent call last):\n")
    assert 'in crawl\n    raise LookupError("no such page: ü")' in failure.message
    assert failure.message.endswith("LookupError: no such page: ü\n")
    assert "interrupt.py" not in failure.message


@pytest.mark.parametrize(
    ("outcome", "state", "group", "remaining"),
    [
        (FailJob("broken", "cannot be read"), "failed", "broken", 5),
        (RetryJob("too slow", delay=60, group="timeouts"), "scheduled", "timeouts", 4),
        (ReleaseJob(delay=60), "scheduled", None, 5),
    ],
)
def test_a_job_may_raise_how_it_ends(
    model: Client, outcome: Exception, state: str, group: str | None, remaining: int
) -> None:
    handle = model.queues["fetch"].put("Crawl")

    def crawl(job: LeasedJob) -> None:
        raise outcome

    work_all(model, crawl)

    after = handle.get()
    assert (after.state, after.failure and after.failure.group, after.remaining) == (state, group, remaining)


def test_a_job_may_call_how_it_ends_but_only_once(model: Client) -> None:
    handle = model.queues["fetch"].put("Crawl")
    refused: list[Exception] = []

    def crawl(job: LeasedJob) -> None:
        job.fail("broken", data={"seen": True})
        try:
            job.complete()
        except WrongState as error:
            refused.append(error)

    work_all(model, crawl)

    assert (handle.get().state, handle.data) == ("failed", {"seen": True})
    assert len(refused) == 1


def test_an_exception_wins_over_what_the_job_said_before(model: Client) -> None:
    handle = model.queues["fetch"].put("Crawl")

    def crawl(job: LeasedJob) -> None:
        job.complete()
        raise ValueError

    work_all(model, crawl)

    assert events_of(model, handle.jid)[-1] == "retried"


def test_leaving_the_program_ends_only_the_job(model: Client) -> None:
    handles = model.queues["fetch"].put_many("Crawl", [{"leave": True}, {"leave": False}], retries=0)

    def crawl(job: LeasedJob) -> None:
        if job.data["leave"]:
            raise SystemExit("bye")

    work_all(model, crawl, jobs=2)

    assert [handle.get().state for handle in handles] == ["failed", "complete"]
    assert failure_of(model, handles[0].jid).group == "SystemExit"


def test_a_long_traceback_keeps_its_beginning_and_its_end(model: Client) -> None:
    handle = model.queues["fetch"].put("Crawl", retries=0)

    def crawl(job: LeasedJob) -> None:
        raise ValueError("begin" + "\udc80ü" * MAX_MESSAGE_BYTES + "end")

    work_all(model, crawl)

    message = failure_of(model, handle.jid).message
    assert message.startswith("Traceback")
    assert "begin" in message
    assert message.endswith("end\n")


def test_data_that_is_too_large_fails_that_job_and_no_other(client: Client) -> None:
    handles = client.queues["fetch"].put_many("Crawl", [{"size": size} for size in (0, MAX_DATA_BYTES, 0)], retries=0)

    work_all(client, lambda job: job.complete(data="x" * job.data["size"]), jobs=3, threads=3)

    assert [handle.get().state for handle in handles] == ["complete", "failed", "complete"]
    assert failure_of(client, handles[1].jid).group == "TOO_LARGE"


def test_an_outcome_that_cannot_be_told_is_a_retry_that_says_why(model: Client) -> None:
    handle = model.queues["fetch"].put("Crawl", retries=0)

    def crawl(job: LeasedJob) -> None:
        raise FailJob("a group\nof two lines")

    work_all(model, crawl)

    failure = failure_of(model, handle.jid)
    assert failure.group == "Invalid"
    assert "group: must be" in failure.message


def test_a_klass_that_no_function_performs_fails_in_the_end(client: Client) -> None:
    handle = client.queues["fetch"].put("os.system", "true", retries=1)

    work_all(client, print, jobs=2)

    failure = failure_of(client, handle.jid)
    assert (client.jobs[handle.jid].state, failure.group) == ("failed", "unknown-klass")
    assert "no function performs os.system; this worker knows Crawl of" in failure.message


def test_a_function_that_hides_a_coroutine_is_no_success(model: Client) -> None:
    handle = model.queues["fetch"].put("Crawl", retries=0)

    async def inner() -> None: ...

    coroutine = inner()
    work_all(model, lambda job: coroutine)
    coroutine.close()

    assert failure_of(model, handle.jid).group == "TypeError"


def test_threads_run_as_many_jobs_at_once(client: Client) -> None:
    client.queues["fetch"].put_many("Crawl", [{}] * 8)
    all_there = threading.Barrier(4)

    work_all(client, lambda job: all_there.wait(10), jobs=8, threads=4)

    assert client.queues["fetch"].counts["complete"] == 8


def test_never_more_leases_are_held_than_can_run(client: Client) -> None:
    client.queues["fetch"].put_many("Crawl", [{}] * 9)
    most: list[int] = []

    def crawl(job: LeasedJob) -> None:
        most.append(client.queues["fetch"].counts["running"])

    work_all(client, crawl, jobs=9, threads=3)

    assert max(most) <= 3
    assert client.queues["fetch"].counts["complete"] == 9


def test_what_ends_while_another_job_runs_is_settled_at_once(client: Client) -> None:
    slow, quick = client.queues["fetch"].put_many("Crawl", [{"slow": True}, {"slow": False}])
    go_on = threading.Event()

    def crawl(job: LeasedJob) -> None:
        if job.data["slow"]:
            assert go_on.wait(10)

    with working(Worker(client, ["fetch"], [job("Crawl")(crawl)], WorkSettings(threads=2, poll=2))):
        until(lambda: quick.get().state == "complete", 1)
        assert slow.get().state == "running"
        go_on.set()
        until(lambda: slow.get().state == "complete", 1)


def test_a_job_settles_and_pops_in_one_exchange(backend: Backend, name: str) -> None:
    watched = WatchedBackend(backend)
    client = Client(watched, name)
    client.queues["fetch"].put_many("Crawl", [{}] * 50)
    watched.calls.clear()

    work_all(client, lambda job: None, jobs=50)

    # One to begin with, one for each but the last, and the last settle; and before all a look for old wishes.
    assert watched.calls == {"workers": 1, "exchange": 50, "settle": 1}


def test_threads_share_their_exchanges(model: Client) -> None:
    watched = WatchedBackend(model.backend)
    client = Client(watched)
    client.queues["fetch"].put_many("Crawl", [{}] * 64)
    watched.calls.clear()
    watched.seconds = 0.01

    work_all(client, lambda job: None, jobs=64, threads=8)

    # While one exchange is under way, seven threads finish, and share the next.
    assert watched.calls["exchange"] + watched.calls["settle"] <= 32


def test_async_functions_run_at_once_on_one_thread(client: Client) -> None:
    handles = client.queues["fetch"].put_many("Crawl", [{}] * 20)
    seen: set[int] = set()
    present = 0

    @job("Crawl")
    async def crawl(job: LeasedJob) -> None:
        nonlocal present
        present += 1
        seen.add(threading.get_ident())
        while present < 20:
            await asyncio.sleep(0.001)

    with working(Worker(client, ["fetch"], [crawl], WorkSettings(concurrency=20, poll=POLL))):
        until(lambda: client.queues["fetch"].counts["complete"] == len(handles))

    assert len(seen) == 1


def test_async_functions_are_never_more_than_their_concurrency(model: Client) -> None:
    model.queues["fetch"].put_many("Crawl", [{}] * 30)
    counts: list[int] = []
    present = 0

    @job("Crawl")
    async def crawl(job: LeasedJob) -> None:
        nonlocal present
        present += 1
        counts.append(present)
        await asyncio.sleep(0.002)
        present -= 1

    with working(Worker(model, ["fetch"], [crawl], WorkSettings(concurrency=5, poll=POLL))):
        until(lambda: model.queues["fetch"].counts["complete"] == 30)

    assert max(counts) == 5


def test_a_worker_that_ends_after_so_many_jobs_has_settled_the_last_async_one() -> None:
    @job("Crawl")
    async def crawl(job: LeasedJob) -> None:
        pass

    handles = []
    for _ in range(60):
        client = Client(ModelBackend())
        handles.append(client.queues["fetch"].put(crawl, {}))
        Worker(client, ["fetch"], [crawl], WorkSettings(max_jobs=1, poll=POLL)).run()

    assert [handle.get().state for handle in handles] == ["complete"] * 60


def test_async_functions_fail_and_end_as_others_do(client: Client) -> None:
    broken, done = client.queues["fetch"].put_many("Crawl", [{"broken": True}, {"broken": False}], retries=0)

    @job("Crawl")
    async def crawl(job: LeasedJob) -> None:
        await asyncio.sleep(0)
        if job.data["broken"]:
            raise LookupError("no such page")
        job.complete(next="parse")

    with working(Worker(client, ["fetch"], [crawl], WorkSettings(poll=POLL))):
        until(lambda: (broken.get().state, done.get().queue) == ("failed", "parse"))

    assert failure_of(client, broken.jid).message.endswith("LookupError: no such page\n")


def test_plain_and_async_functions_work_side_by_side(client: Client) -> None:
    order: list[str] = []
    go_on = threading.Event()

    @job("Slow")
    def slow(job: LeasedJob) -> None:
        order.append("slow")
        assert go_on.wait(10)

    @job("Crawl")
    async def crawl(job: LeasedJob) -> None:
        await asyncio.sleep(0.001)
        order.append("crawl")

    client.queues["fetch"].put("Slow", priority=1)
    client.queues["fetch"].put_many("Crawl", [{}] * 10)
    with working(Worker(client, ["fetch"], [slow, crawl], WorkSettings(threads=2, concurrency=4, poll=POLL))):
        until(lambda: client.queues["fetch"].counts["complete"] == 10)
        assert client.queues["fetch"].counts["running"] == 1
        go_on.set()
        until(lambda: client.queues["fetch"].counts["complete"] == 11)

    assert order.count("crawl") == 10


@pytest.mark.parametrize("is_async", [False, True])
def test_a_job_puts_jobs_with_the_client_of_its_worker(client: Client, is_async: bool) -> None:
    def plain(job: LeasedJob) -> None:
        if job.data["depth"]:
            crawl.put({"depth": job.data["depth"] - 1})

    async def awaited(job: LeasedJob) -> None:
        plain(job)

    crawl: JobFunction = job("Crawl", queue="fetch")(awaited if is_async else plain)
    crawl.put({"depth": 3}, client=client)

    with working(Worker(client, ["fetch"], [crawl], WorkSettings(poll=POLL))):
        until(lambda: client.queues["fetch"].counts["complete"] == 4)


def test_heartbeats_keep_a_long_job_alive_past_its_lease(client: Client) -> None:
    client.queues["fetch"].configure(heartbeat=1.0)
    handle = client.queues["fetch"].put("Crawl")
    left: list[float | None] = []

    def crawl(job: LeasedJob) -> None:
        # Busy with the processor all the while, as a job may be.
        end = time.monotonic() + 2.0
        while time.monotonic() < end:
            client.namespace.promote()
        left.append(job.ttl)

    work_all(client, crawl)

    assert events_of(client, handle.jid) == ["put", "popped", "completed"]
    [ttl] = left
    assert ttl is not None
    assert 0 < ttl <= 1.01


def test_leases_are_renewed_together(model: Client) -> None:
    watched = WatchedBackend(model.backend)
    client = Client(watched)
    client.queues["fetch"].configure(heartbeat=0.3)
    client.queues["fetch"].put_many("Crawl", [{}] * 8)

    work_all(client, lambda job: time.sleep(0.5), jobs=8, threads=8)

    assert client.queues["fetch"].counts["complete"] == 8
    assert 2 <= watched.calls["heartbeat"] <= 8


@pytest.mark.parametrize("taken_by", ["timeout", "cancel"])
def test_a_job_whose_lease_is_gone_is_stopped(client: Client, taken_by: str) -> None:
    client.queues["fetch"].configure(heartbeat=0.3)
    handle = client.queues["fetch"].put("Crawl", retries=0)
    running = threading.Event()
    stopped: list[BaseException] = []

    def crawl(job: LeasedJob) -> None:
        running.set()
        try:
            while True:
                time.sleep(0.001)
        except (LeaseLost, JobCanceled) as error:
            assert job.lost
            stopped.append(error)
            raise

    with working(Worker(client, ["fetch"], [job("Crawl")(crawl)], WorkSettings(poll=POLL))):
        assert running.wait(10)
        handle.timeout() if taken_by == "timeout" else handle.cancel()
        until(lambda: stopped)
        # The thread that ran it is unharmed, and runs the next job.
        after = client.queues["fetch"].put("Crawl")
        until(lambda: after.get().state == "running")
        after.cancel()
        until(lambda: len(stopped) == 2)

    assert events_of(client, handle.jid)[-1] == ("failed" if taken_by == "timeout" else "canceled")


def test_an_async_job_whose_lease_is_gone_is_canceled(client: Client) -> None:
    client.queues["fetch"].configure(heartbeat=0.3)
    handle = client.queues["fetch"].put("Crawl")
    stopped: list[bool] = []

    @job("Crawl")
    async def crawl(job: LeasedJob) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.append(isinstance(job.lost, JobCanceled))
            raise

    with working(Worker(client, ["fetch"], [crawl], WorkSettings(poll=POLL))):
        until(lambda: handle.get().state == "running")
        handle.cancel()
        until(lambda: stopped)

    assert stopped == [True]
    assert events_of(client, handle.jid) == ["put", "popped", "canceled"]


def test_a_job_that_catches_everything_learns_by_asking(model: Client) -> None:
    model.queues["fetch"].configure(heartbeat=0.1)
    handle = model.queues["fetch"].put("Crawl")
    asked: list[Exception] = []

    def crawl(job: LeasedJob) -> None:
        handle.cancel()
        while job.lost is None:
            try:
                time.sleep(0.01)
            except Exception:  # noqa: BLE001  as careless code does
                continue
        try:
            job.check()
        except JobCanceled as error:
            asked.append(error)

    work_all(model, crawl)

    assert len(asked) == 1
    assert events_of(model, handle.jid) == ["put", "popped", "canceled"]


def test_a_job_finds_out_by_its_own_calls_that_its_lease_is_gone(model: Client) -> None:
    handle = model.queues["fetch"].put("Crawl", retries=3)

    def crawl(job: LeasedJob) -> None:
        handle.move("parse")
        job.log("still here")

    work_all(model, crawl)

    assert events_of(model, handle.jid) == ["put", "popped", "moved"]


def test_a_worker_ends_after_so_many_jobs(client: Client) -> None:
    client.queues["fetch"].put_many("Crawl", [{}] * 10)

    work_all(client, lambda job: None, jobs=7, threads=3)

    assert (client.queues["fetch"].counts["complete"], client.queues["fetch"].counts["waiting"]) == (7, 3)


def test_queues_are_worked_in_turn_where_that_is_asked(model: Client) -> None:
    seen: list[str] = []
    for queue in ("fetch", "parse"):
        model.queues[queue].put_many("Crawl", [{}] * 3)
    crawl = job("Crawl")(lambda job: seen.append(job.queue))

    Worker(model, ["fetch", "parse"], [crawl], WorkSettings(order="round_robin", max_jobs=6)).run()

    assert seen == ["fetch", "parse"] * 3 or seen == ["parse", "fetch"] * 3


def test_a_worker_is_given_what_requires_no_more_than_it_offers(client: Client) -> None:
    crawl = job("Crawl")(lambda job: None)
    jobs = [client.queues["fetch"].put("Crawl", requires=requires) for requires in (("gpu", "eu"), ("gpu",), ())]

    Worker(client, ["fetch"], [crawl], WorkSettings(max_jobs=2, poll=POLL), name="ann", capabilities=["gpu"]).run()

    assert [each.get().state for each in jobs] == ["waiting", "complete", "complete"]
    assert client.workers["ann"].capabilities == ("gpu",)


def test_what_a_worker_cannot_offer_is_refused(model: Client) -> None:
    with pytest.raises(Invalid) as caught:
        Worker(model, ["fetch"], [job("Crawl")(print)], capabilities=["gpu", ""])

    assert set(caught.value.fields) == {"capabilities.1"}


def test_a_paused_worker_pops_nothing_until_it_is_resumed(client: Client) -> None:
    crawl = job("Crawl")(lambda job: None)
    worker = Worker(client, ["fetch"], [crawl], WorkSettings(poll=POLL))

    with working(worker):
        worker.pause()
        until(lambda: worker.paused)
        handle = client.queues["fetch"].put("Crawl")
        # Whatever poll was under way has ended, and gave back what it brought.
        time.sleep(3 * POLL)
        assert handle.get().state == "waiting"
        worker.resume()
        until(lambda: handle.get().state == "complete")

    assert handle.job.losses == 0


def test_a_fault_of_the_worker_itself_is_raised_by_run(model: Client) -> None:
    model.queues["fetch"].put("Crawl")

    def broken(job: LeasedJob) -> None:
        raise AssertionError("not a job's fault")

    worker = Worker(model, ["fetch"], [], WorkSettings(poll=POLL, grace=0), perform=broken)

    with pytest.raises(AssertionError, match="not a job's fault"):
        worker.run()
    assert model.queues["fetch"].counts["waiting"] == 1


def test_two_functions_for_one_klass_are_refused(model: Client) -> None:
    with pytest.raises(ValueError, match="two functions perform Crawl"):
        Worker(model, ["fetch"], [job("Crawl")(print), job("Crawl")(repr)])

"""Handles on queues, jobs, leases and workers do what the operations below them do."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Backend
from qless_flask.client import Client
from qless_flask.errors import (
    Invalid,
    JobCanceled,
    JobExists,
    JobNotFound,
    LeaseLost,
    QueueNotFound,
    WorkerNotFound,
    WrongState,
)
from qless_flask.models import Actor
from qless_flask.testing import ManualClock, ModelBackend


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def backend(clock: ManualClock) -> Backend:
    return ModelBackend(clock=clock)


@pytest.fixture
def client(backend: Backend) -> Client:
    return Client(backend, actor=Actor("ann"))


def test_a_put_answers_with_a_handle_on_the_job(client: Client) -> None:
    handle = client.queues["fetch"].put("Crawl", {"url": "/"}, priority=7, tags=("docs",), delay=60)

    job = handle.get()
    assert (job.klass, job.queue, job.priority, job.tags, job.state) == ("Crawl", "fetch", 7, ("docs",), "scheduled")
    assert handle.created


def test_data_comes_back_as_it_went_in(client: Client) -> None:
    data = {"big": 12345678901234567890, "empty": [], "umlaut": "ü", "none": None, "pi": 3.25, "deep": {"list": [{}]}}

    handle = client.queues["fetch"].put("Crawl", data)

    assert client.jobs[handle.jid].data == data


def test_data_is_written_compactly_and_as_itself(client: Client) -> None:
    handle = client.queues["fetch"].put("Crawl", {"word": "für", "list": [1, 2]})

    assert handle.get().data == '{"word":"für","list":[1,2]}'


@pytest.mark.parametrize("data", [{"number": float("nan")}, {"thing": object()}])
def test_data_without_a_form_in_json_is_refused(client: Client, data: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        client.queues["fetch"].put("Crawl", data)

    assert list(client.queues) == []


def test_a_jid_that_is_taken_is_refused_or_kept(client: Client) -> None:
    queue = client.queues["fetch"]
    queue.put("Crawl", {"first": True}, jid="home")

    with pytest.raises(JobExists):
        queue.put("Crawl", {"first": False}, jid="home")
    kept = queue.put("Crawl", {"first": False}, jid="home", if_exists="keep")

    assert kept.created is False
    assert kept.data == {"first": True}


def test_many_are_put_a_thousand_at_a_time(client: Client) -> None:
    handles = client.queues["fetch"].put_many("Crawl", ({"number": number} for number in range(2_100)))

    assert len({handle.jid for handle in handles}) == 2_100
    assert client.queues["fetch"].counts["waiting"] == 2_100
    assert handles[2_050].data == {"number": 2_050}


def test_jobs_of_several_queues_go_in_together(client: Client) -> None:
    queues = client.queues

    client.put([queues["fetch"].new("Crawl", {}), queues["parse"].new("Parse", {})])

    assert [queue.name for queue in client.queues] == ["fetch", "parse"]


def test_a_popped_job_is_worked_and_goes_on_to_the_next_queue(client: Client) -> None:
    client.queues["fetch"].put("Crawl", {"url": "/"})

    job = client.queues["fetch"].pop("bob")
    assert job is not None
    job.log("half way", {"done": 50})
    job.complete(next="parse", data={**job.data, "size": 10}, delay=5)

    assert job.settled is not None
    assert job.settled.state == "scheduled"
    [after] = client.queues["parse"].jobs("scheduled")
    assert after.data == {"url": "/", "size": 10}
    assert [(line.message, line.data) for line in after.lines()] == [("half way", '{"done":50}')]


def test_an_empty_queue_pops_nothing(client: Client) -> None:
    assert client.queues["fetch"].pop("bob") is None
    assert client.queues["fetch"].pop_many("bob", 10) == []


def test_a_job_can_be_retried_failed_and_released(client: Client) -> None:
    queue = client.queues["fetch"]
    handles = queue.put_many("Crawl", [{}, {}, {}])
    retried, failed, released = queue.pop_many("bob", 3)

    retried.retry(delay=60, group="timeouts", message="too slow")
    failed.fail("broken", "cannot be read", data={"tried": True})
    released.release()

    assert [handle.get().state for handle in handles] == ["scheduled", "failed", "waiting"]
    failure = handles[1].job.failure
    assert failure is not None
    assert (failure.group, failure.message, handles[1].data) == ("broken", "cannot be read", {"tried": True})
    assert handles[0].job.remaining == 4
    assert handles[2].job.remaining == 5


def test_the_time_left_of_a_lease_does_not_depend_on_our_clock(client: Client) -> None:
    # The store's clock is a manual one, years away from ours.
    client.queues["fetch"].put("Crawl")

    job = client.queues["fetch"].pop("bob")

    assert job is not None
    assert job.ttl == pytest.approx(60, abs=1)


def test_a_heartbeat_renews_the_time_left(client: Client, clock: ManualClock) -> None:
    client.queues["fetch"].put("Crawl")
    job = client.queues["fetch"].pop("bob")
    assert job is not None
    clock.advance(40)

    left = job.heartbeat()

    # Forty seconds by the store's clock, in which ours stood still: the expiry moved on by forty.
    assert left == pytest.approx(100, abs=1)


def test_a_lease_without_an_end_has_no_time_left(client: Client) -> None:
    client.queues["fetch"].configure(heartbeat=None)
    client.queues["fetch"].put("Crawl")

    job = client.queues["fetch"].pop("bob")

    assert job is not None
    assert job.ttl is None


def test_a_lost_lease_is_told_and_remembered(client: Client, clock: ManualClock) -> None:
    queue = client.queues["fetch"]
    queue.put("Crawl")
    job = queue.pop("bob")
    assert job is not None
    job.check()
    clock.advance(61)
    assert queue.pop("cid") is not None

    with pytest.raises(LeaseLost):
        job.heartbeat()

    assert isinstance(job.lost, LeaseLost)
    with pytest.raises(LeaseLost):
        job.check()


def test_the_holder_of_a_canceled_job_is_told_so(client: Client) -> None:
    handle = client.queues["fetch"].put("Crawl")
    job = client.queues["fetch"].pop("bob")
    assert job is not None
    handle.cancel()

    with pytest.raises(JobCanceled):
        job.complete()


def test_a_job_is_steered_by_hand(client: Client) -> None:
    handle = client.queues["fetch"].put("Crawl", {"url": "/"})

    handle.tag("docs", "slow")
    handle.untag("slow")
    handle.update(priority=9, data={"url": "/other"}, retries=1)
    handle.move("parse", delay=60)

    job = handle.get()
    assert (job.tags, job.priority, handle.data, job.retries) == (("docs",), 9, {"url": "/other"}, 1)
    assert (job.queue, job.state) == ("parse", "scheduled")
    assert handle.cancel().state == "canceled"
    actors = {event.actor for event in client.namespace.events().events if event.event in ("updated", "canceled")}
    assert actors == {"ann"}


def test_a_lease_is_taken_away_by_hand(client: Client) -> None:
    handle = client.queues["fetch"].put("Crawl")
    client.queues["fetch"].pop("bob")

    assert handle.timeout().state == "waiting"

    with pytest.raises(WrongState):
        handle.timeout()


def test_data_can_be_set_to_null(client: Client) -> None:
    handle = client.queues["fetch"].put("Crawl", {"url": "/"})

    handle.update(data=None)

    assert handle.get().data == "null"
    assert handle.data is None


def test_a_handle_asks_only_when_it_is_asked(client: Client) -> None:
    handle = client.jobs["home"]

    assert not handle.exists()
    assert "home" not in client.jobs
    with pytest.raises(JobNotFound):
        handle.get()
    client.queues["fetch"].put("Crawl", jid="home")
    states = [handle.state]
    client.jobs["home"].move("fetch", delay=60)
    states += [handle.state, handle.refresh().state]
    assert states == ["waiting", "waiting", "scheduled"]


def test_a_select_walks_through_all_pages(client: Client) -> None:
    handles = client.queues["fetch"].put_many("Crawl", [{}] * 25)
    client.queues["parse"].put("Parse")

    found = list(client.jobs.select(klass="Crawl", page_size=4))

    assert set(found) == set(handles)
    assert len(found) == 25
    assert {handle.state for handle in found} == {"waiting"}
    assert found[0].data == {}


def test_a_queue_lists_its_jobs_in_the_order_of_pops(client: Client) -> None:
    queue = client.queues["fetch"]
    last, first = queue.put("Crawl", priority=0), queue.put("Crawl", priority=1)
    queue.put("Crawl", delay=60)

    assert list(queue.jobs("waiting")) == [first, last]
    assert len(list(queue)) == 3


def test_a_queue_is_steered(client: Client) -> None:
    queue = client.queues["fetch"]
    with pytest.raises(QueueNotFound):
        queue.summary()

    queue.configure(heartbeat=5, retries=1)
    queue.pause()
    queue.put("Crawl")
    assert queue.pop("bob") is None
    assert queue.summary().paused
    queue.resume()

    assert queue.summary().settings.heartbeat == 5
    assert queue.pop("bob") is not None
    with pytest.raises(Invalid):
        queue.configure(colour=1)


def test_an_empty_queue_is_forgotten(client: Client) -> None:
    client.queues["fetch"].pause()

    client.queues["fetch"].forget()

    assert client.queues.summaries() == []


def test_the_workers_are_known_by_name(client: Client) -> None:
    client.queues["fetch"].put("Crawl")
    client.queues["fetch"].pop("bob")

    assert [worker.name for worker in client.workers] == ["bob"]
    assert client.workers["bob"].running == 1
    with pytest.raises(WorkerNotFound):
        client.workers["cid"]


def test_a_client_closes_the_store_that_it_opened_and_no_other(tmp_path: object, backend: Backend) -> None:
    with Client(backend) as client:
        client.queues["fetch"].put("Crawl")
    assert Client(backend).queues["fetch"].counts["waiting"] == 1

    url = f"sqlite:///{tmp_path}/jobs.db"
    with Client(url, "shop") as client:
        client.queues["fetch"].put("Crawl")
    with Client(url, "shop") as again:
        assert again.queues["fetch"].counts["waiting"] == 1

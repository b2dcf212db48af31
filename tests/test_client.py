"""Handles on queues, jobs, leases and workers do what the operations below them do."""

from __future__ import annotations

import threading

import pytest

from qless_flask.backends.base import Backend
from qless_flask.client import Client
from qless_flask.errors import (
    Frozen,
    HasDependents,
    Invalid,
    JobCanceled,
    JobExists,
    JobNotFound,
    LeaseLost,
    NotEmpty,
    NotFound,
    QueueNotFound,
    QuotaExceeded,
    RecurrenceNotFound,
    WorkerNotFound,
    WrongState,
)
from qless_flask.models import Actor, Cancel, Filter, Rate, Unique
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


def test_a_select_is_of_a_time(client: Client) -> None:
    queue = client.queues["fetch"]
    handles = [queue.put("Crawl", at=5e9 + minute * 60) for minute in range(4)]

    found = client.jobs.select(queue="fetch", state="scheduled", since=5e9 + 60, until=5e9 + 180)

    assert list(found) == handles[1:3]


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


def test_a_worker_is_asked_to_be_quiet_or_to_stop(client: Client) -> None:
    client.queues["fetch"].put("Crawl")
    client.queues["fetch"].pop("bob")

    assert client.workers.quiet("bob").quiet
    assert not client.workers.quiet("bob", on=False).quiet
    assert client.workers.stop("bob").stop


def test_a_job_waits_for_others_and_for_some_no_longer(client: Client) -> None:
    queue = client.queues["fetch"]
    parent, other = queue.put("Crawl"), queue.put("Crawl")
    child = queue.put("Parse", depends=(parent.jid,), on_parent_end="cancel")

    child.depend_on(other.jid)

    assert set(child.depends) == {parent.jid, other.jid}
    assert parent.dependents == (child.jid,)
    assert child.depend_off(parent.jid, other.jid).state == "waiting"


def test_a_job_is_canceled_with_those_that_wait_for_it(client: Client) -> None:
    parent = client.queues["fetch"].put("Crawl")
    child = client.queues["fetch"].put("Parse", depends=(parent.jid,))

    with pytest.raises(HasDependents):
        parent.cancel()
    parent.cancel(dependents="cancel")

    assert child.get().state == "canceled"


def test_one_waits_for_the_end_of_a_job_and_has_its_result(client: Client) -> None:
    handle = client.queues["fetch"].put("Crawl")
    with pytest.raises(TimeoutError, match="waiting still"):
        handle.wait(0)
    job = client.queues["fetch"].pop("bob")
    assert job is not None
    job.progress({"done": 0.5})
    assert handle.refresh().progress == {"done": 0.5}

    job.complete(result=[1, {"size": 2}])

    assert handle.wait().result == [1, {"size": 2}]
    assert client.queues["fetch"].put("Crawl").result is None
    with pytest.raises(JobNotFound):
        client.jobs["nobody"].wait(5)


def test_a_beat_brings_data_too(client: Client) -> None:
    handle = client.queues["fetch"].put("Crawl", {"page": 1})
    job = client.queues["fetch"].pop("bob")
    assert job is not None

    job.heartbeat(data={"page": 2})

    assert handle.get().data == '{"page":2}'


def test_a_text_is_no_list_of_jobs_to_wait_for(client: Client) -> None:
    client.queues["fetch"].put("Crawl", jid="home", pipeline=("merge",))
    job = client.queues["fetch"].pop("bob")
    assert job is not None

    with pytest.raises(Invalid, match="depends: must be a list"):
        job.complete(depends="other", missing="satisfied")

    assert client.jobs["home"].state == "running"


def test_a_job_ends_with_others_put_for_which_its_next_stage_waits(client: Client) -> None:
    client.queues["fetch"].put("Crawl", jid="home", pipeline=("merge",))
    job = client.queues["fetch"].pop("bob")
    assert job is not None

    parts = [client.queues["parse"].new("Parse", {"part": part}, jid=f"part-{part}") for part in range(3)]
    job.complete(puts=parts, depends=[str(part.jid) for part in parts])

    assert client.jobs["home"].depends == ("part-0", "part-1", "part-2")
    for part in client.queues["parse"].pop_many("bob", 3):
        part.complete()
    assert (client.jobs["home"].state, client.jobs["home"].job.queue) == ("waiting", "merge")


def test_a_job_is_finished_by_hand(client: Client) -> None:
    one, two = client.queues["fetch"].put_many("Crawl", [{}, {}])

    one.finish(result="by hand")
    two.finish("failed", group="odd", message="it looks odd")

    assert (one.state, one.result, two.state) == ("complete", "by hand", "failed")
    assert two.job.failure is not None
    assert two.job.failure.group == "odd"


def test_what_is_tracked_is_told_in_one_call(client: Client) -> None:
    handle = client.queues["fetch"].put("Crawl", tags=("docs",))
    handle.track()
    client.tags["docs"].track()

    tracked = client.tracked()

    assert [job.jid for job in tracked.jobs] == [handle.jid]
    assert [(tag.name, tag.states["waiting"]) for tag in tracked.tags] == [("docs", 1)]
    assert [each.jid for each in client.jobs.select(tracked=True)] == [handle.jid]
    handle.untrack()
    assert not client.tags["docs"].untrack().tracked
    assert client.tracked().jobs == ()


def test_tags_are_walked_through_and_summed_up(client: Client) -> None:
    handle = client.queues["fetch"].put("Crawl", tags=("docs", "slow"))

    assert [tag.name for tag in client.tags] == ["docs", "slow"]
    assert client.tags["docs"].summary().states["waiting"] == 1
    assert list(client.tags["docs"].jobs()) == [handle]


def test_a_listing_by_name_goes_on_after_a_thousand(client: Client) -> None:
    for start in range(0, 1_050, 30):
        client.queues["fetch"].put("Crawl", tags=tuple(f"tag-{number:04}" for number in range(start, start + 30)))

    names = [tag.name for tag in client.tags]

    assert names == [f"tag-{number:04}" for number in range(1_050)]


def test_a_group_of_failures_is_retried(client: Client) -> None:
    for handle in client.queues["fetch"].put_many("Crawl", [{}] * 3):
        handle.finish("failed", group="net")

    assert [group.group for group in client.failures] == ["net"]
    assert client.failures["net"].summary().count == 3
    assert len(list(client.failures["net"].jobs())) == 3
    assert client.failures["net"].retry() == 3
    assert client.queues["fetch"].counts["waiting"] == 3
    with pytest.raises(NotFound):
        client.failures["net"].summary()


def test_all_that_match_are_changed(client: Client) -> None:
    client.queues["fetch"].put_many("Crawl", [{}] * 1_200, tags=("old",))

    assert client.change(Filter(tag="old"), Cancel(), dry_run=True).matched == 1_200
    assert client.change(Filter(tag="old"), Cancel()).changed == 1_200


def test_a_unique_key_is_held_by_one(client: Client) -> None:
    first = client.queues["fetch"].put("Crawl", unique=Unique("home"))

    again = client.queues["fetch"].put("Crawl", unique=Unique("home"))

    assert (again, again.created) == (first, False)


def test_an_update_leaves_a_recurrence_its_id(client: Client) -> None:
    nightly = client.queues["fetch"].recur("Crawl", interval=60, id="nightly")

    with pytest.raises(Invalid, match="id: is nightly, and stays"):
        nightly.update(id="weekly")

    assert [each.id for each in client.recurrences] == ["nightly"]


def test_a_recurrence_is_made_and_steered(client: Client, clock: ManualClock) -> None:
    nightly = client.queues["fetch"].recur("Crawl", {"url": "/"}, interval=60, id="nightly", tags=("docs",))
    assert nightly.get().next_at == clock() + 60

    nightly.update(cron="0 3 * * *", data={"url": "/other"})
    assert nightly.get().rule.cron == "0 3 * * *"
    assert nightly.pause().paused
    assert not nightly.resume().paused
    job = nightly.run()

    assert (job.data, job.job.recurrence, job.created) == ({"url": "/other"}, "nightly", True)
    assert [each.id for each in client.recurrences] == ["nightly"]
    client.recurrences["nightly"].delete()
    with pytest.raises(RecurrenceNotFound):
        nightly.get()


def test_events_are_read_to_the_end_and_on_from_a_cursor(client: Client) -> None:
    client.queues["fetch"].put_many("Crawl", [{}] * 1_500)
    client.queues["parse"].put("Parse", jid="one", tags=("docs",))

    events = list(client.events(follow=False))
    rest = list(client.events(events[-3].cursor, follow=False))

    assert len(events) == 1_501
    assert rest == events[-2:]
    assert [event.jid for event in client.events(follow=False, tag="docs")] == ["one"]
    assert list(client.events(follow=False, jid="nobody")) == []


def test_a_reader_goes_on_where_it_was(client: Client) -> None:
    fetch = client.queues["fetch"]
    fetch.put("Crawl", jid="one")

    first = [event.jid for event in client.events(follow=False, reader="index")]
    fetch.put("Crawl", jid="two")
    second = [event.jid for event in client.events(follow=False, reader="index")]
    client.forget_reader("index")
    anew = [event.jid for event in client.events(follow=False, reader="index")]

    assert (first, second, anew) == (["one"], ["two"], ["one", "two"])


def test_what_a_reader_has_not_taken_to_the_end_comes_again(client: Client) -> None:
    client.queues["fetch"].put_many("Crawl", range(3))

    for _ in range(2):
        assert next(client.events(follow=False, reader="index")).event == "put"
    assert len(list(client.events(follow=False, reader="index"))) == 3


def test_two_readers_of_one_name_are_told(client: Client) -> None:
    client.queues["fetch"].put("Crawl")
    one, two = (client.events(follow=False, reader="index") for _ in range(2))
    next(one), next(two)
    assert list(two) == []

    with pytest.raises(Invalid, match="another reads under this name"):
        list(one)


def test_events_are_followed_as_they_come(client: Client) -> None:
    client.queues["fetch"].put("Crawl", jid="one")
    events = client.events(queue="fetch")
    assert next(events).jid == "one"
    timer = threading.Timer(0.1, client.queues["fetch"].put, ["Crawl"], {"jid": "two"})
    timer.start()

    assert next(events).jid == "two"
    timer.join()


def test_a_client_closes_the_store_that_it_opened_and_no_other(tmp_path: object, backend: Backend) -> None:
    with Client(backend) as client:
        client.queues["fetch"].put("Crawl")
    assert Client(backend).queues["fetch"].counts["waiting"] == 1

    url = f"sqlite:///{tmp_path}/jobs.db"
    with Client(url, "shop") as client:
        client.queues["fetch"].put("Crawl")
    with Client(url, "shop") as again:
        assert again.queues["fetch"].counts["waiting"] == 1


def test_jobs_that_require_something_go_to_who_offers_it(client: Client) -> None:
    fetch = client.queues["fetch"]
    handle = fetch.put("Crawl", requires=("gpu",), key="ann")

    assert fetch.pop("bob") is None
    job = fetch.pop("ann", capabilities=("gpu",))

    assert job is not None
    assert (job.jid, job.job.requires, job.job.key) == (handle.jid, ("gpu",), "ann")
    assert list(client.jobs.select(key="ann")) == [handle]
    assert client.workers["ann"].capabilities == ("gpu",)


def test_a_queue_that_is_full_takes_no_more(client: Client) -> None:
    fetch = client.queues["fetch"]
    fetch.configure(max_size=1)
    fetch.put("Crawl")

    with pytest.raises(QuotaExceeded, match="queue fetch is full"):
        fetch.put("Crawl")


def test_a_setting_is_a_queues_own_or_its_namespaces(client: Client) -> None:
    fetch = client.queues["fetch"]
    client.configure(retries=1, rate=Rate(3, 1.0))
    fetch.configure(retries=9)

    queue = fetch.configure(inherit=["retries"])
    namespace = client.configure(inherit=["rate"])

    assert (queue.settings.retries, queue.settings.rate, queue.own) == (1, Rate(3, 1.0), ())
    assert (namespace.own, client.settings()) == (("retries",), namespace)
    assert fetch.summary().settings.rate is None
    assert [each.actor for each in client.events(follow=False)] == ["ann"] * 4


def test_waits_and_runs_are_summed_up_and_counted(client: Client, clock: ManualClock) -> None:
    fetch = client.queues["fetch"]
    fetch.put("Crawl", tags=("docs",))
    clock.advance(2)
    job = fetch.pop("ann")
    assert job is not None
    clock.advance(3)
    job.complete()

    stats = fetch.stats()

    assert (stats.wait.mean, stats.run.mean) == (2.0, 3.0)
    assert client.stats() == client.stats(klass="Crawl") == client.tags["docs"].stats() == stats
    assert client.stats("1999-12-31").wait.count == 0
    assert sum(fetch.throughput(since=clock() - 60).completed) == 1
    assert client.throughput(step=3600) == fetch.throughput(step=3600)


def test_a_frozen_namespace_is_read_only_until_it_is_thawed(client: Client) -> None:
    handle = client.queues["fetch"].put("Crawl")
    assert client.freeze().frozen

    with pytest.raises(Frozen):
        client.queues["fetch"].pop("ann")
    assert handle.get().state == "waiting"

    assert not client.thaw().frozen
    assert client.queues["fetch"].pop("ann")


def test_a_namespace_is_erased_when_it_is_empty_or_named_again(client: Client, backend: Backend) -> None:
    client.queues["fetch"].put("Crawl")

    with pytest.raises(NotEmpty):
        client.erase()
    with pytest.raises(Invalid):
        client.erase("another")
    client.erase("default")

    assert backend.namespaces() == []

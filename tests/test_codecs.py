"""Codecs of plugins: clients and workers write data that the store cannot read, and read what any of them wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from around_jobs import Backwards

from qless_flask.backends.base import Backend
from qless_flask.client import Client, FailJob, JobFunction, LeasedJob, UnknownCodec, UnreadableData, job
from qless_flask.errors import Invalid, PluginError
from qless_flask.hookspecs import Codec, hookimpl
from qless_flask.models import Failure, Plugin
from qless_flask.plugins import Plugins
from qless_flask.testing import ManualClock, ModelBackend
from qless_flask.worker import Worker, WorkSettings

SECRET = {"card": "4711 Ünï", "big": 2**70, "nothing": None}


class Upside(Codec):
    """Swaps small and capital letters, and takes nothing that says no."""

    def encode(self, text: str) -> str:
        if '"no"' in text:
            raise ConnectionError("the vault is closed")
        return text.swapcase()

    def decode(self, text: str) -> str:
        if "BROKEN" in text:
            raise ValueError("that is not mine")
        return text.swapcase()


class Careless(Codec):
    """Answers what it must not."""

    def encode(self, text: str) -> str:
        return text.encode()  # type: ignore[return-value]

    def decode(self, text: str) -> str:
        return "{"


class Offering:
    """A plugin with codecs."""

    def __init__(self, **codecs: Codec) -> None:
        self._codecs = codecs

    @hookimpl
    def data_codecs(self) -> Mapping[str, Codec]:
        return self._codecs


@pytest.fixture
def plugins() -> Plugins:
    return Plugins({"codecs": Offering(backwards=Backwards(), upside=Upside(), careless=Careless())}, installed=False)


@pytest.fixture
def store() -> Backend:
    return ModelBackend()


@pytest.fixture
def client(store: Backend, plugins: Plugins) -> Client:
    """It writes with a codec."""
    return Client(store, plugins=plugins, codec="upside")


@pytest.fixture
def reader(store: Backend, plugins: Plugins) -> Client:
    """It writes without, and knows the codecs."""
    return Client(store, plugins=plugins)


@pytest.fixture
def stranger(store: Backend) -> Client:
    """It knows no codec."""
    return Client(store, plugins=Plugins(installed=False))


def stored(client: Client, jid: str, what: str = "data") -> Any:
    """Read what the store has, as anybody would who looks into it."""
    return json.loads(getattr(client.jobs[jid].get(), what))


def popped(client: Client) -> LeasedJob:
    leased = client.queues["shop"].pop("ann")
    assert leased is not None
    return leased


def work(client: Client, function: JobFunction, *, jobs: int = 1) -> None:
    Worker(client, ["shop"], [function], WorkSettings(max_jobs=jobs, poll=0.05)).run()


def failure_of(client: Client, jid: str) -> Failure:
    failure = client.jobs[jid].get().failure
    assert failure is not None
    return failure


def is_sealed(found: Any) -> bool:
    return isinstance(found, dict) and found.keys() == {"qless:codec", "text"} and found["qless:codec"] == "upside"


# What is written


def test_the_store_sees_the_name_of_the_codec_and_its_text(client: Client) -> None:
    handle = client.queues["shop"].put("Pay", {"card": "ab"})

    assert stored(client, handle.jid) == {"qless:codec": "upside", "text": '{"CARD":"AB"}'}


def test_what_was_put_is_read_as_it_was(client: Client) -> None:
    marked = {"qless:codec": "upside", "text": "mine"}
    datas: list[Any] = [SECRET, {}, [], "text", "", None, 7, 1.5, True, marked]
    for data in datas:
        assert client.queues["shop"].put("Pay", data).data == data


def test_it_passes_every_store(backend: Backend, fresh_name: str, plugins: Plugins) -> None:
    client = Client(backend, fresh_name, plugins=plugins, codec="upside")
    handle = client.queues["shop"].put("Pay", SECRET, pipeline=("post",))

    popped(client).complete(data={"sent": "yes"}, result=SECRET)

    assert handle.refresh().data == {"sent": "yes"}
    assert (handle.result, is_sealed(stored(client, handle.jid)), is_sealed(stored(client, handle.jid, "result"))) == (
        SECRET,
        True,
        True,
    )


def test_a_client_without_a_codec_reads_what_others_wrote_and_writes_as_ever(client: Client, reader: Client) -> None:
    sealed = client.queues["shop"].put("Pay", SECRET)
    plain = reader.queues["shop"].put("Pay", SECRET)

    assert reader.jobs[sealed.jid].data == SECRET
    assert [job.data for job in reader.queues["shop"].pop_many("ann", 2)] == [SECRET, SECRET]
    assert stored(reader, plain.jid) == SECRET


def test_a_client_reads_what_was_written_with_another_codec(client: Client, store: Backend, plugins: Plugins) -> None:
    other = Client(store, plugins=plugins, codec="backwards")
    handle = other.queues["shop"].put("Pay", SECRET)

    assert client.jobs[handle.jid].data == SECRET
    assert [handle.data for handle in client.queues["shop"]] == [SECRET]


def test_jobs_that_are_built_first_are_written_so_when_they_are_put(client: Client) -> None:
    pay = job("Pay", queue="shop")(lambda job: None)

    handles = client.put([pay.new(SECRET), client.queues["shop"].new("Pay", SECRET)])
    handles += [pay.put(SECRET, client=client), *client.queues["shop"].put_many(pay, [SECRET])]

    assert all(is_sealed(stored(client, handle.jid)) for handle in handles)
    assert [handle.refresh().data for handle in handles] == [SECRET] * 4


def test_jobs_that_are_put_along_with_a_completion_are_written_so_too(client: Client) -> None:
    client.queues["shop"].put("Pay", {})

    popped(client).complete(puts=[client.queues["shop"].new("Post", SECRET)])

    following = popped(client)
    assert following.data == SECRET
    assert is_sealed(json.loads(following.job.data or ""))


def test_data_that_is_changed_on_the_way_is_written_so(client: Client) -> None:
    handle = client.queues["shop"].put("Pay", {}, retries=3)

    popped(client).heartbeat(data={"step": "beat"})
    beat = stored(client, handle.jid)
    handle.update(data={"step": "by hand"})
    updated = stored(client, handle.jid)

    assert is_sealed(beat)
    assert is_sealed(updated)
    assert handle.refresh().data == {"step": "by hand"}


@pytest.mark.parametrize("raises", [False, True])
def test_data_that_is_left_by_a_failure_is_written_so(client: Client, raises: bool) -> None:
    handle = client.queues["shop"].put("Pay", {})

    def pay(job: LeasedJob) -> None:
        if raises:
            raise FailJob("declined", data=SECRET)
        job.fail("declined", data=SECRET)

    work(client, job("Pay")(pay))

    assert (handle.refresh().state, handle.data, is_sealed(stored(client, handle.jid))) == ("failed", SECRET, True)


def test_a_result_that_is_given_by_hand_is_written_so(client: Client) -> None:
    handle = client.queues["shop"].put("Pay", {}).finish(result=SECRET)

    assert handle.refresh().result == SECRET
    assert is_sealed(stored(client, handle.jid, "result"))


def test_recurrences_put_what_is_written_so(plugins: Plugins) -> None:
    clock = ManualClock()
    client = Client(ModelBackend(clock=clock), plugins=plugins, codec="upside")
    rule = client.queues["shop"].recur("Pay", {"turn": "one"}, interval=60)
    handles = [rule.run()]
    for changes in ({"priority": 3}, {"data": {"turn": "two"}}):
        clock.advance(1)
        rule.update(**changes)
        handles.append(rule.run())

    assert [handle.data["turn"] for handle in handles] == ["one", "one", "two"]
    assert all(is_sealed(stored(client, handle.jid)) for handle in handles)


def test_progress_and_log_stay_as_people_read_them(client: Client) -> None:
    handle = client.queues["shop"].put("Pay", SECRET)
    leased = popped(client)

    leased.progress({"percent": 10})
    leased.log("paid", {"euros": 5})

    assert stored(client, handle.jid, "progress") == {"percent": 10}
    assert [json.loads(line.data or "") for line in handle.lines()] == [{"euros": 5}]


def test_a_job_tells_of_itself_no_more_than_the_store_sees(client: Client) -> None:
    client.queues["shop"].put("Pay", {"card": "ab"})
    leased = popped(client)

    assert leased.data == {"card": "ab"}
    assert '"ab"' not in repr(leased)


# In workers


def test_a_worker_reads_data_and_writes_results_with_the_codec_of_its_client(client: Client) -> None:
    handle = client.queues["shop"].put("Pay", SECRET)

    work(client, job("Pay")(lambda job: {"paid": job.data}))

    assert handle.refresh().result == {"paid": SECRET}
    assert is_sealed(stored(client, handle.jid, "result"))


def test_jobs_that_jobs_put_are_written_so(client: Client) -> None:
    client.queues["shop"].put("Pay", SECRET)
    post = job("Post", queue="post")(lambda job: None)

    work(client, job("Pay")(lambda job: post.put({"from": job.data}).jid))

    [posted] = client.queues["post"]
    assert posted.data == {"from": SECRET}
    assert is_sealed(stored(client, posted.jid))


def test_a_worker_without_a_codec_reads_data_all_the_same(client: Client, reader: Client) -> None:
    handle = client.queues["shop"].put("Pay", SECRET)

    work(reader, job("Pay")(lambda job: job.data))

    assert stored(client, handle.jid, "result") == SECRET


def test_a_worker_that_lacks_the_codec_fails_the_job_by_that_name(client: Client, stranger: Client) -> None:
    handle = client.queues["shop"].put("Pay", SECRET)

    work(stranger, job("Pay")(lambda job: job.data))

    assert handle.get().state == "waiting"
    assert (failure_of(client, handle.jid).group, failure_of(client, handle.jid).message) == (
        "unknown-codec",
        "the data was written with the codec upside, which is not here; known: none",
    )


def test_a_job_that_looks_at_no_data_needs_no_codec(client: Client, stranger: Client) -> None:
    handle = client.queues["shop"].put("Pay", SECRET)

    work(stranger, job("Pay")(lambda job: "done"))

    assert handle.get().state == "complete"


def test_data_that_its_codec_cannot_read_fails_the_job_by_that_name(client: Client) -> None:
    handle = client.queues["shop"].put("Pay", {"is": "broken"})

    work(client, job("Pay")(lambda job: job.data))

    failure = failure_of(client, handle.jid)
    assert failure.group == "unreadable-data"
    assert "codec upside cannot read the data: ValueError: that is not mine" in failure.message


def test_a_result_that_cannot_be_written_fails_the_job_whose_work_is_done(client: Client) -> None:
    handle = client.queues["shop"].put("Pay", SECRET)

    work(client, job("Pay")(lambda job: "no"))

    assert handle.get().state == "failed"
    assert failure_of(client, handle.jid).group == "unusable-result"
    assert (
        "codec upside cannot write this: ConnectionError: the vault is closed" in failure_of(client, handle.jid).message
    )


# What cannot be


def test_data_that_cannot_be_written_is_not_put(client: Client) -> None:
    with pytest.raises(PluginError, match="codec upside cannot write this: ConnectionError: the vault is closed"):
        client.queues["shop"].put_many("Pay", [{}, {"say": "no"}])

    assert list(client.jobs.select()) == []


def test_who_lacks_the_codec_is_told_so(client: Client, stranger: Client) -> None:
    handle = client.queues["shop"].put("Pay", SECRET)

    with pytest.raises(UnknownCodec, match="written with the codec upside, which is not here"):
        stranger.jobs[handle.jid].data  # noqa: B018


def test_what_a_codec_must_not_answer_is_told_as_its_fault(store: Backend, plugins: Plugins) -> None:
    careless = Client(store, plugins=plugins, codec="careless")

    with pytest.raises(PluginError, match="codec careless cannot write this: TypeError: encode answered bytes"):
        careless.queues["shop"].put("Pay", SECRET)


def test_what_a_codec_reads_must_be_json(client: Client) -> None:
    text = json.dumps({"qless:codec": "careless", "text": "x"})

    with pytest.raises(UnreadableData, match="codec careless cannot read the data"):
        client.writing.load(text)


def test_a_codec_that_there_is_not_is_told_at_once(store: Backend, plugins: Plugins) -> None:
    with pytest.raises(Invalid, match="codec: there is no codec upsid; did you mean upside"):
        Client(store, plugins=plugins, codec="upsid")


def test_data_that_is_no_more_than_alike_is_left_alone(reader: Client) -> None:
    for data in (
        {"qless:codec": "upside"},
        {"qless:codec": "upside", "text": 1},
        {"qless:codec": 1, "text": "x"},
        {"qless:codec": "upside", "text": "x", "more": 1},
        [{"qless:codec": "upside", "text": "x"}],
    ):
        assert reader.queues["shop"].put("Pay", data).data == data


def test_codecs_are_counted_among_what_their_plugin_does(client: Client, plugins: Plugins) -> None:
    client.queues["shop"].put("Pay", SECRET).data  # noqa: B018
    with pytest.raises(PluginError):
        client.queues["shop"].put("Pay", "no")

    [found] = [each for each in plugins.report() if each.name == "codecs"]
    assert isinstance(found, Plugin)
    assert found.errors == 1
    assert found.last_error is not None
    assert found.last_error.hook == "data_codecs: upside"

"""The queues that begin with qless: no client puts there or pops from there; by hand what is there can be mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest
from plugs import plugins

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.http import HTTPBackend
from qless_flask.errors import Invalid, JobNotFound, QlessError, Rejected
from qless_flask.models import (
    Cancel,
    Complete,
    Fail,
    Filter,
    Job,
    Lease,
    Move,
    NewJob,
    Pop,
    Recurrence,
    Settled,
)
from qless_flask.testing import ModelBackend
from qless_flask.web import create_app

OWN = "qless:trackers"
CRAWL = NewJob("Crawl", queue="fetch", jid="a")
TOLD = NewJob("qless:webhook", queue=OWN, jid="told")


@pytest.fixture
def store() -> Backend:
    """The bare store, as trackers have it."""
    return ModelBackend()


@pytest.fixture(params=["here", "http"])
def namespace(request: pytest.FixtureRequest, store: Backend) -> Iterator[Namespace]:
    """As clients have it: by way of a server, or straight on the store."""
    hooked = Hooked(store)
    if request.param == "here":
        yield hooked.namespace("shop")
        return
    with HTTPBackend("http://localhost", transport=httpx.WSGITransport(create_app(backend=hooked))) as backend:
        yield backend.namespace("shop")


@pytest.fixture
def bare(store: Backend) -> Namespace:
    return store.namespace("shop")


def get(namespace: Namespace, jid: str) -> Job:
    [job] = namespace.get([jid])
    assert job is not None
    return job


def fields_of(error: object) -> set[str]:
    assert isinstance(error, Invalid), error
    assert "names that begin with qless: are reserved" in error.message
    return set(error.fields)


def refused(call: Callable[[], object]) -> set[str]:
    """Do what must be refused, and answer with the fields at fault."""
    with pytest.raises(Invalid) as raised:
        call()
    return fields_of(raised.value)


def popped(namespace: Namespace, queue: str = "fetch", limit: int = 1) -> list[Lease]:
    return list(namespace.pop([queue], "ann", limit))


class TestPuts:
    @pytest.mark.parametrize(
        ("job", "field"),
        [
            (NewJob("Crawl", queue=OWN), "jobs.1.queue"),
            (NewJob("Crawl", queue="qless:"), "jobs.1.queue"),
            (NewJob("Crawl", queue="fetch", pipeline=("parse", OWN)), "jobs.1.pipeline.1"),
            (NewJob("Crawl", queue=OWN, jid="b", if_exists="replace"), "jobs.1.queue"),
        ],
    )
    def test_nothing_is_put_there(self, namespace: Namespace, job: NewJob, field: str) -> None:
        assert refused(lambda: namespace.put([CRAWL, job])) == {field}

        assert namespace.get(["a"]) == [None]

    def test_names_that_only_look_alike_are_anybodys(self, namespace: Namespace) -> None:
        puts = namespace.put([NewJob("Crawl", queue=name) for name in ("qless", "qless-mine", "my-qless:", "Qless:")])

        assert all(put.created for put in puts)

    def test_no_filter_puts_there(self, store: Backend) -> None:
        lost = plugins(before_put=lambda job: NewJob(job.klass, queue=OWN))

        assert refused(lambda: Hooked(store, plugins=lost).namespace("shop").put([CRAWL])) == {"jobs.0.queue"}

    def test_no_rule_puts_there(self, namespace: Namespace) -> None:
        assert refused(lambda: namespace.recur(Recurrence("Crawl", queue=OWN, interval=60))) == {"rule.queue"}
        assert refused(lambda: namespace.recur(Recurrence("Crawl", queue="fetch", pipeline=(OWN,), interval=60))) == {
            "rule.pipeline.0"
        }
        assert namespace.recurrences() == []

    def test_no_default_leads_there(self, namespace: Namespace) -> None:
        changes: Any = {"policies": [{"name": "defaults", "set": {"pipeline": ["parse", OWN]}}]}

        assert refused(lambda: namespace.configure_namespace(changes)) == {"policies.0.set.pipeline"}

    def test_over_http_its_address_takes_none(self, store: Backend) -> None:
        client = create_app(backend=Hooked(store)).test_client()

        answer = client.post(f"/api/v1/namespaces/shop/queues/{OWN}/jobs", json={"klass": "Crawl"})

        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["jobs.0.queue"])


class TestPops:
    def test_nothing_is_popped_from_there(self, namespace: Namespace, bare: Namespace) -> None:
        bare.put([TOLD])

        assert refused(lambda: namespace.pop(["fetch", OWN], "ann")) == {"queues.1"}

        assert get(bare, "told").state == "waiting"

    def test_where_an_exchange_would_nothing_is_settled(self, namespace: Namespace, bare: Namespace) -> None:
        bare.put([TOLD, CRAWL])
        [lease] = popped(namespace)

        assert refused(lambda: namespace.exchange([Complete(lease)], Pop((OWN,), "ann"))) == {"queues.0"}

        assert [get(bare, jid).state for jid in ("a", "told")] == ["running", "waiting"]

    def test_no_filter_leads_there(self, store: Backend) -> None:
        lost = plugins(before_pop=lambda pop: Pop((OWN,), pop.worker))
        namespace = Hooked(store, plugins=lost).namespace("shop")

        assert refused(lambda: namespace.pop(["fetch"], "ann")) == {"queues.0"}
        assert refused(lambda: namespace.exchange([], Pop(("fetch",), "ann"))) == {"queues.0"}

    def test_over_http_its_address_gives_none(self, store: Backend) -> None:
        client = create_app(backend=Hooked(store)).test_client()

        answer = client.post(f"/api/v1/namespaces/shop/queues/{OWN}/pop", json={"worker": "ann"})

        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["queues.0"])


class TestEnds:
    def test_none_leads_there_and_the_others_are_settled(self, namespace: Namespace) -> None:
        namespace.put([NewJob("Crawl", queue="fetch", jid=jid) for jid in "abc"])
        one, two, three = popped(namespace, limit=3)

        first, second, third = namespace.settle(
            [Complete(one, next=OWN), Complete(two, next="parse"), Complete(three, puts=(NewJob("Crawl", queue=OWN),))]
        )

        assert (fields_of(first), fields_of(third)) == ({"next"}, {"puts.0.queue"})
        assert second == Settled("b", "waiting")
        assert [get(namespace, jid).state for jid in "abc"] == ["running", "waiting", "running"]


class TestByHand:
    """What trackers have to do later may fail: then a person sees to it, as to all else."""

    @pytest.fixture(autouse=True)
    def jobs(self, bare: Namespace) -> None:
        bare.put([TOLD, NewJob("qless:webhook", queue=OWN, jid="failed"), CRAWL])
        [_, lease] = bare.pop([OWN], "qless", 2)
        bare.settle([Fail(lease, group="gone")])
        bare.timeout(["told"])

    def test_what_has_failed_there_is_moved_back(self, namespace: Namespace) -> None:
        [moved] = namespace.move(["failed"], OWN)

        assert isinstance(moved, Job)
        assert (moved.queue, moved.state) == (OWN, "waiting")

    def test_nothing_else_is_moved_there(self, namespace: Namespace) -> None:
        first, second, third = namespace.move(["a", "failed", "none"], OWN)

        assert fields_of(first) == {"queue"}
        assert isinstance(second, Job)
        assert isinstance(third, JobNotFound)
        assert (get(namespace, "a").queue, get(namespace, "failed").state) == ("fetch", "waiting")

    def test_no_change_moves_others_there(self, namespace: Namespace) -> None:
        for filter in (Filter(state="waiting"), Filter(queue="fetch"), Filter(queue="qless:other")):
            for dry_run in (False, True):
                assert refused(
                    lambda filter=filter, dry_run=dry_run: namespace.change(filter, Move(OWN), dry_run=dry_run)  # type: ignore[misc]
                ) == {"queue"}

        assert get(namespace, "a").queue == "fetch"

    @pytest.mark.parametrize("action", [Move(OWN), Move()])
    def test_a_change_moves_back_what_has_failed_there(self, namespace: Namespace, action: Move) -> None:
        changed = namespace.change(Filter(queue=OWN, state="failed"), action)

        assert changed.changed == 1
        assert get(namespace, "failed").state == "waiting"

    def test_what_is_there_is_canceled_or_taken_elsewhere(self, namespace: Namespace) -> None:
        [moved] = namespace.move(["told"], "fetch")
        changed = namespace.change(Filter(queue=OWN), Cancel())

        assert isinstance(moved, Job)
        assert (moved.queue, changed.changed) == ("fetch", 1)

    def test_the_queue_is_configured_and_paused_like_any(self, namespace: Namespace) -> None:
        assert namespace.configure(OWN, {"retries": 3}).settings.retries == 3
        assert namespace.pause(OWN).paused
        assert not namespace.resume(OWN).paused


class TestAllowList:
    """It is asked for the queues that jobs come into otherwise than by a put too."""

    @pytest.fixture(autouse=True)
    def policy(self, namespace: Namespace) -> None:
        policies: Any = [{"name": "allow_list", "queues": ["fetch", "parse-*"]}]
        namespace.configure_namespace({"policies": policies})
        namespace.put([CRAWL])

    def refusals(self, answers: Sequence[object]) -> list[tuple[str | None, set[str]]]:
        return [(each.subject, set(each.fields)) for each in answers if isinstance(each, Rejected)]

    def test_a_move_elsewhere_is_refused(self, namespace: Namespace) -> None:
        with pytest.raises(Rejected, match="policy allow_list: queue: index is not among those allowed") as raised:
            namespace.move(["a"], "index")

        assert self.refusals([raised.value]) == [("allow_list", {"queue"})]
        assert get(namespace, "a").queue == "fetch"

    def test_a_change_that_moves_elsewhere_is_refused(self, namespace: Namespace) -> None:
        with pytest.raises(Rejected) as raised:
            namespace.change(Filter(queue="fetch"), Move("index"))

        assert self.refusals([raised.value]) == [("allow_list", {"queue"})]
        assert get(namespace, "a").queue == "fetch"

    def test_a_next_stage_elsewhere_is_refused(self, namespace: Namespace) -> None:
        [lease] = popped(namespace)

        assert self.refusals(namespace.settle([Complete(lease, next="index")])) == [("allow_list", {"next"})]

        assert get(namespace, "a").state == "running"

    def test_what_it_lists_is_moved_to_and_next(self, namespace: Namespace) -> None:
        [lease] = popped(namespace)

        [settled] = namespace.settle([Complete(lease, next="parse-1")])
        [moved] = namespace.move(["a"], "fetch")
        changed = namespace.change(Filter(queue="fetch"), Move("parse-2"))

        assert not isinstance(settled, QlessError)
        assert not isinstance(moved, QlessError)
        assert (changed.changed, get(namespace, "a").queue) == (1, "parse-2")

    def test_what_each_goes_back_to_is_not_asked_for(self, namespace: Namespace, bare: Namespace) -> None:
        bare.put([NewJob("Crawl", queue="index", jid="b"), TOLD])

        assert namespace.change(Filter(queue="index"), Move()).matched == 1
        assert namespace.change(Filter(queue=OWN), Move(OWN)).matched == 1
        assert not isinstance(namespace.move(["told"], OWN)[0], QlessError)

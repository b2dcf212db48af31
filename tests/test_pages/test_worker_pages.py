"""Workers are listed, shown with what they run, and asked to be quiet or to stop."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from test_web.visitors import Visitor

from qless_flask.backends.base import Namespace
from qless_flask.models import NewJob, Role, Worker
from qless_flask.testing import ManualClock

LIST = "/namespaces/shop/workers"
ANN = f"{LIST}/ann%2F1"


@pytest.fixture(autouse=True)
def ann(namespace: Namespace) -> None:
    """A worker that runs a job."""
    namespace.put([NewJob("Crawl", queue="fetch", jid="first"), NewJob("Crawl", queue="fetch", jid="second")])
    namespace.pop(["fetch"], "ann/1", capabilities=["gpu"])


def worker(namespace: Namespace) -> Worker:
    [found] = namespace.workers(["ann/1"])
    return found


def test_they_are_listed_by_what_they_run_or_as_asked(
    namespace: Namespace, visitor: Visitor, clock: ManualClock
) -> None:
    clock.advance(1)
    namespace.pop(["empty"], "bob")

    by_running, by_seen = visitor.open(LIST).text, visitor.open(f"{LIST}?order=seen").text

    assert by_running.index(">ann/1<") < by_running.index(">bob<")
    assert by_seen.index(">bob<") < by_seen.index(">ann/1<")
    assert '<span class="chip">gpu</span>' in by_running


def test_one_shows_what_it_runs(visitor: Visitor) -> None:
    page = visitor.open(ANN).text

    assert ">first<" in page
    assert ">second<" not in page


@pytest.mark.parametrize(("verb", "said"), [("quiet", "asked to pop no more"), ("stop", "asked to end")])
def test_it_is_asked_and_no_longer_asked(namespace: Namespace, visitor: Visitor, verb: str, said: str) -> None:
    answer = visitor.send(f"{ANN}/{verb}", page=ANN, on="yes")

    assert answer.headers["Location"] == ANN
    assert getattr(worker(namespace), verb) is True
    assert said in visitor.open(ANN).text

    visitor.send(f"{ANN}/{verb}", page=ANN, on="no")

    assert getattr(worker(namespace), verb) is False


def test_who_may_not_steer_is_offered_nothing(visitor_as: Callable[[Role], Visitor]) -> None:
    assert 'method="post"' not in visitor_as("worker").open(ANN).text


def test_one_that_is_not_there_says_so(visitor: Visitor) -> None:
    assert visitor.open(f"{LIST}/nobody").status_code == 404


def test_without_any_it_says_how_to_start_one(visitor: Visitor) -> None:
    assert "qless-flask worker" in visitor.open("/namespaces/empty/workers").text

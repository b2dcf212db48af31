"""The manners of the house: every other hook, each with a test that would fail without it."""

from __future__ import annotations

import io
import urllib.error
from email.message import Message
from pathlib import Path

import click
import httpx
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from qless_polite.house import House

from qless_flask import Client, LeasedJob, job
from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.client import JobFunction
from qless_flask.models import Backoff, Fail, NewJob
from qless_flask.testing import drain


@pytest.fixture
def qless_plugins() -> list[object]:
    return [House()]


def refusal(status: int = 503) -> urllib.error.HTTPError:
    headers = Message()
    headers["Retry-After"] = "40"
    return urllib.error.HTTPError("http://example.com/", status, "no", headers, io.BytesIO())


@job("Plain", queue="fetch")
def plain(job: LeasedJob) -> None:
    """Meet an error of urllib."""
    raise refusal(job.data["status"])


@job("Async", queue="fetch")
async def coroutine(job: LeasedJob) -> None:
    """Meet an error of httpx."""
    request = httpx.Request("GET", "http://example.com/")
    httpx.Response(429, headers={"Retry-After": "40"}, request=request).raise_for_status()


@job("Stumble", queue="fetch")
def stumble(job: LeasedJob) -> None:
    """Break by itself."""
    raise ValueError("HTTP 999 is none")


@pytest.mark.parametrize(("function", "status"), [(plain, 503), (coroutine, 429)])
def test_an_http_error_is_told_with_what_the_server_asked_for(
    function: JobFunction, status: int, qless_backend: Backend
) -> None:
    client = Client(qless_backend)
    handle = function.put({"status": status}, client=client, backoff=Backoff("fixed", 60))

    drain(client, [function])

    failure = handle.get().failure
    assert failure
    assert failure.message.startswith(f"HTTP {status}")
    assert failure.message.endswith("Retry-After: 40")


def test_failures_are_grouped_by_status(qless_backend: Backend) -> None:
    client = Client(qless_backend)
    for status in (404, 503):
        plain.put({"status": status}, client=client, retries=0)

    drain(client, [plain])

    assert [failures.group for failures in client.failures] == ["http-404", "http-503"]


def test_an_error_of_the_jobs_own_stays_as_it_is(qless_backend: Backend) -> None:
    client = Client(qless_backend)
    stumble.put(client=client, retries=0)

    drain(client, [stumble])

    assert [failures.group for failures in client.failures] == ["ValueError"]


def test_jobs_are_tagged_with_their_host(qless_namespace: Namespace) -> None:
    qless_namespace.put([NewJob("Crawl", '{"url": "http://example.com/"}', queue="fetch", jid="a", tags=("news",))])

    [found] = qless_namespace.get(["a"])
    assert found is not None
    assert found.tags == ("news", "host:example.com")


def test_nobody_takes_more_than_ten_at_once(qless_namespace: Namespace) -> None:
    qless_namespace.put([NewJob("Crawl", queue="fetch") for _ in range(12)])

    assert len(qless_namespace.pop(["fetch"], "ann", 1000)) == 10
    assert len(qless_namespace.pop(["fetch"], "ann", 1)) == 1


def test_what_gives_access_is_kept_out_of_messages(qless_namespace: Namespace) -> None:
    qless_namespace.put([NewJob("Crawl", queue="fetch", jid="a")])
    [lease] = qless_namespace.pop(["fetch"], "ann")

    qless_namespace.settle([Fail(lease, group="no", message="GET http://ann:pw@example.com/?page=1&token=abc failed")])

    [found] = qless_namespace.get(["a"])
    assert found is not None
    assert found.failure is not None
    assert found.failure.message == "GET http://[…]example.com/?page=1&[…] failed"


def test_transitions_are_counted(qless_backend: Backend, qless_http: FlaskClient) -> None:
    qless_backend.namespace("default").put([NewJob("Crawl", queue="fetch") for _ in range(3)])
    qless_backend.namespace("default").pause("fetch")

    drain(qless_backend, [])

    lines = qless_http.get("/metrics").text.splitlines()
    assert 'qless_polite_events_total{event="put"} 3.0' in lines


def test_hosts_are_listed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    group = click.Group()
    House().register_commands(group)
    with open_backend(url) as backend:
        tags = ("host:example.com",)
        backend.namespace("default").put([NewJob("Crawl", queue="fetch", tags=tags) for _ in range(2)])

    answer = CliRunner().invoke(group, ["hosts", "--url", url])

    assert answer.output == "      2  example.com\n"

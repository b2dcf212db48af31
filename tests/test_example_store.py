"""The example of somebody else's store, installed beside ours in a fresh environment: a server and a worker on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from installed import CHECKOUT, Environment, Server, build_wheel
from workers import until

JOBS = """
from qless_flask import job


@job("Add")
def add(job):
    return sum(job.data["numbers"])
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """One with our wheel and that of the store."""
    folder = tmp_path_factory.mktemp("wheels")
    wheels = [build_wheel(project, folder) for project in (CHECKOUT, CHECKOUT / "examples" / "lmdb")]
    environment = Environment(tmp_path_factory.mktemp("environment"), *wheels)
    (environment.folder / "adding.py").write_text(JOBS)
    return environment


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"lmdb:///{tmp_path_factory.mktemp('store')}/jobs.lmdb"


@pytest.fixture(scope="module")
def server(environment: Environment, url: str) -> Iterator[Server]:
    with environment.serving(url) as server:
        yield server


def test_its_wheel_alone_makes_its_urls_known(environment: Environment, url: str) -> None:
    put = environment.run("qless-flask", "put", "sums", "Add", '{"numbers": []}', "--url", url)

    assert put.strip() in environment.run("qless-flask", "job", "list", "--queue", "sums", "--url", url)


def test_a_server_and_a_worker_share_the_file(environment: Environment, server: Server, url: str) -> None:
    server.ask("POST", "queues/add/jobs", {"klass": "Add", "data": {"numbers": [1, 2, 4]}, "jid": "sum"})

    with environment.working("--url", url, "--queue", "add", "--import", "adding"):
        until(lambda: server.get("jobs/sum")["state"] == "complete")

    assert server.get("jobs/sum")["result"] == 7


def test_the_server_tells_of_the_store(server: Server) -> None:
    assert server.get("/api/v1/plugins")["stores"] == {"lmdb": "qless-lmdb 0.1.0"}

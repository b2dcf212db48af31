"""`qless-flask worker`, as real processes that are told what to do by signals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from qless_flask.backends import open_backend
from qless_flask.backends.base import Namespace
from qless_flask.cli import main
from qless_flask.models import NewJob

MODULE = """
import os
from qless_flask.client import job

@job("Say", queue="talk")
def say(job):
    print(job.data["word"], flush=True)

@job("Wait", queue="talk")
def wait(job):
    print("waiting", flush=True)
    while True:
        job.check()
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'qless.db'}"


@pytest.fixture
def namespace(url: str) -> Iterator[Namespace]:
    with open_backend(url) as backend:
        yield backend.namespace("talks")


def started(url: str, folder: Path, *options: str) -> subprocess.Popen[str]:
    (folder / "talking.py").write_text(MODULE)
    words = ("--url", url, "--namespace", "talks", "--queue", "talk", "--import", "talking", *options)
    return subprocess.Popen(
        [sys.executable, "-m", "qless_flask", "worker", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def said(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def type_worker(*words: str) -> Result:
    return CliRunner().invoke(main, ["worker", *words])


class TestWorker:
    @pytest.mark.parametrize("options", [(), ("--processes", "2", "--threads", "2"), ("--fork",)], ids=" ".join)
    def test_it_performs_the_functions_of_a_module_that_lies_here(
        self, url: str, tmp_path: Path, namespace: Namespace, options: tuple[str, ...]
    ) -> None:
        namespace.put([NewJob("Say", '{"word":"hello"}', queue="talk", jid="a")])

        with started(url, tmp_path, *options) as worker:
            word = said(worker)
            worker.terminate()
            worker.communicate(timeout=30)

        assert (word, worker.returncode) == ("hello", 0)
        [job] = namespace.get(["a"])
        assert job is not None
        assert job.state == "complete"

    def test_it_offers_what_it_is_told_to(self, url: str, tmp_path: Path, namespace: Namespace) -> None:
        namespace.put([NewJob("Say", '{"word":"hello"}', queue="talk", requires=("eu", "voice"))])

        with started(url, tmp_path, "--capability", "voice", "--capability", "eu", "--name", "ann") as worker:
            word = said(worker)
            worker.terminate()
            worker.communicate(timeout=30)

        assert word == "hello"
        assert namespace.workers(["ann"])[0].capabilities == ("eu", "voice")

    def test_what_runs_at_the_end_of_the_grace_is_given_back(
        self, url: str, tmp_path: Path, namespace: Namespace
    ) -> None:
        namespace.put([NewJob("Wait", queue="talk", jid="a")])

        with started(url, tmp_path, "--grace", "0.1", "--name", "ann") as worker:
            assert said(worker) == "waiting"
            worker.send_signal(signal.SIGINT)
            worker.communicate(timeout=30)

        [job] = namespace.get(["a"])
        assert job is not None
        assert (job.state, job.remaining) == ("waiting", 5)
        assert [(each.event, each.worker) for each in job.history][1] == ("popped", "ann")

    def test_the_end_of_a_process_is_told_with_the_time_like_all_else(
        self, url: str, tmp_path: Path, namespace: Namespace
    ) -> None:
        namespace.put([NewJob("Wait", queue="talk", jid="a")])

        with started(url, tmp_path, "--name", "ann") as worker:
            assert said(worker) == "waiting"
            children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
            os.kill(int(children[0]), signal.SIGKILL)
            assert worker.stderr is not None
            told = next(line for line in worker.stderr if "ended with signal 9" in line)
            worker.terminate()
            worker.communicate(timeout=30)

        assert re.match(r"\d{4}-\d\d-\d\d .* ERROR worker ann ", told)

    def test_a_module_that_is_not_there_is_told_with_an_exit_code(self, url: str, tmp_path: Path) -> None:
        with started(url, tmp_path, "--import", "nowhere_at_all") as worker:
            _, complaints = worker.communicate(timeout=30)

        assert worker.returncode == 2
        assert "nowhere_at_all" in complaints


@pytest.mark.parametrize("missing", ["--queue", "--import"])
def test_queue_and_module_must_be_named(missing: str) -> None:
    words = {"--queue": "talk", "--import": "talking"}
    del words[missing]

    result = type_worker(*(word for pair in words.items() for word in pair))

    assert result.exit_code == 2
    assert missing in result.stderr


def test_what_a_worker_cannot_be_told_is_refused_before_it_starts() -> None:
    result = type_worker("--queue", "no good", "--import", "talking", "--threads", "0")

    assert result.exit_code == 2
    assert "threads" in result.stderr

"""The example of a codec, examples/sealed, on the command line: real processes, and a store that sees noise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from workers import until

from qless_flask.client import Client, JobHandle
from qless_flask.models import Job

PACKAGE = Path(__file__).parent.parent / "examples" / "sealed"
MODULE = """
from qless_flask.client import job

@job("Pay")
def pay(job):
    return f"paid with {job.data['card']}"
"""


class Shop:
    """A store, and a folder with a module of jobs, for commands that have the plugin and a key."""

    def __init__(self, folder: Path) -> None:
        (folder / "paying.py").write_text(MODULE)
        self._folder = folder
        self.url = f"sqlite:///{folder}/jobs.db"
        self._environment = {"PYTHONPATH": str(PACKAGE), "QLESS_PLUGINS": "qless_sealed", "QLESS_URL": self.url}
        self._environment["QLESS_SEALED_KEYS"] = self.done("sealed-key")

    def done(self, *words: str) -> str:
        """Run a command, and answer what it printed."""
        ran: subprocess.CompletedProcess[str] = subprocess.run(
            self._command(words), **self._place(), capture_output=True, text=True, timeout=60
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    @contextmanager
    def worker(self, *words: str, **environment: str) -> Iterator[None]:
        """Run a worker."""
        command = self._command(("worker", "--queue", "shop", "--import", "paying", *words))
        with subprocess.Popen(command, **self._place(**environment), stderr=subprocess.DEVNULL) as process:
            try:
                yield
            finally:
                process.terminate()
                process.wait(20)

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "qless_flask", *words]

    def _place(self, **environment: str) -> dict[str, Any]:
        return {"cwd": self._folder, "env": {**os.environ, **self._environment, **environment}}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def handle(shop: Shop) -> Iterator[JobHandle]:
    """A job with sealed data, as it is seen without a key."""
    jid = shop.done("put", "shop", "Pay", '{"card": "4711"}', "--codec", "sealed", "--retries", "0")
    with Client(shop.url) as client:
        yield client.jobs[jid]


def failed(handle: JobHandle) -> Job:
    until(lambda: handle.get().state == "failed")
    return handle.job


def test_a_job_is_put_and_worked_sealed(shop: Shop, handle: JobHandle) -> None:
    with shop.worker("--codec", "sealed"):
        until(lambda: handle.get().state == "complete")

    sealed = handle.job
    assert json.loads(sealed.data or "")["qless:codec"] == json.loads(sealed.result or "")["qless:codec"] == "sealed"
    assert "4711" not in repr(sealed)


def test_a_worker_with_another_key_fails_it_without_telling_anything(shop: Shop, handle: JobHandle) -> None:
    with shop.worker(QLESS_SEALED_KEYS=shop.done("sealed-key")):
        failure = failed(handle).failure

    assert failure is not None
    assert failure.group == "unreadable-data"
    assert "none of the keys opens it" in failure.message


def test_a_worker_without_the_plugin_fails_it_by_name(shop: Shop, handle: JobHandle) -> None:
    with shop.worker(QLESS_PLUGINS=""):
        failure = failed(handle).failure

    assert failure is not None
    assert failure.group == "unknown-codec"
    assert "written with the codec sealed, which is not here" in failure.message

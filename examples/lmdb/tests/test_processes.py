"""Several processes on one file: they share it, hear of each other, fork, and may be killed at any point."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qless_lmdb import LMDBBackend, inspect

from qless_flask.backends.base import Backend
from qless_flask.backends.inspection import StoreView
from qless_flask.models import NewJob, Rate
from qless_flask.testing import ProcessContract
from qless_flask.testing.contracts.processes import SECONDS, WORK


class TestLMDB(ProcessContract):
    store = LMDBBackend
    listener = "qless-lmdb-listener"

    @classmethod
    def place(cls, folder: Path) -> str:
        return f"lmdb:///{folder}/jobs.lmdb"

    @classmethod
    def inspect(cls, backend: Backend, namespace: str) -> StoreView:
        assert isinstance(backend, LMDBBackend)
        return inspect(backend.namespace(namespace))

    @classmethod
    def waits(cls, backend: Backend) -> int:
        assert isinstance(backend, LMDBBackend)
        return len(backend.pops.keys()) + len(backend.readers.keys())

    def test_limits_hold_over_processes(self, backend: Backend, url: str) -> None:
        namespace = backend.namespace("shop")
        namespace.configure("fetch", {"rate": Rate(10, 3600)})
        namespace.put([NewJob("Crawl", queue="fetch") for _ in range(100)])

        shares = self.work_together(url, WORK)

        assert sum(map(len, shares)) == 10

    def test_a_wait_for_what_nobody_here_may_run_does_not_turn_round_and_round(
        self, backend: Backend, pool: ThreadPoolExecutor
    ) -> None:
        namespace = backend.namespace("shop")
        namespace.put([NewJob("Crawl", queue="fetch", requires=("gpu",))])
        waiting = pool.submit(namespace.pop, ["fetch"], "ann", wait=1.0)
        self.await_waits(backend)
        time.sleep(0.1)
        before = written(backend)

        assert waiting.result(SECONDS).leases == ()

        assert written(backend) - before <= 5


def written(backend: Backend) -> int:
    """How many transactions have written to the file."""
    assert isinstance(backend, LMDBBackend)
    return backend.read("shop", lambda look: int(look.environment.info()["last_txnid"]))
